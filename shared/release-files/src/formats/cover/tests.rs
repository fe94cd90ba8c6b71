use std::io::{self, Cursor};

use super::*;
use crate::formats::{Analysis, analyze, describe, samples as files};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn analyzed(bytes: &[u8], run: Run<'_>) -> (Analysis, Vec<String>) {
    let mut progress = Recorder::default();
    let (mut reader, size) = (Cursor::new(bytes), bytes.len() as u64);
    let analysis = analyze(&mut reader, "book", size, run, &mut progress).unwrap();
    (analysis, progress.warnings)
}

fn cover(bytes: &[u8]) -> Option<Cover> {
    analyzed(bytes, &in_process).0.cover
}

/// Builds a book whose package document has these parts, with more files.
fn book((metadata, items, rest): (&str, &str, &str), more: &[(&str, &[u8])]) -> Vec<u8> {
    let opf = files::OPF3
        .replace("</metadata>", &format!("{metadata}</metadata>"))
        .replace("</manifest>", &format!("{items}</manifest>"))
        .replace("</package>", &format!("{rest}</package>"));
    files::epub(&opf, more)
}

const COVER_IMAGE: &str = "<item id='i' href='img/a%20b.png' properties='x cover-image'/>";
const META: &str = "<meta name='cover' content='i'/>";
const ITEM: &str = "<item id='i' href='img/a%20b.png' media-type='image/png'/>";
const GUIDE: &str = "<guide><reference type='Cover' href='p/c.html#x'/></guide>";

#[test]
fn cover_of_an_epub_is_found_by_each_way_to_name_it() {
    let png = samples::png(30, 40);
    let page = "<html><body><svg><image xlink:href='../img/a%20b.png'/></svg></body></html>";
    let text = "<html><body><p>A page with many words</p><img src='img/a b.png'/></body></html>";
    let image = "<html><body><h1>Cover</h1><img src='img/a b.png'/></body></html>";
    for (parts, document, expected) in [
        (("", COVER_IMAGE, ""), page, true),
        ((META, ITEM, ""), page, true),
        (
            ("<meta name='cover' content='img/a b.png'/>", "", ""),
            page,
            true,
        ),
        (
            (
                "<meta name='cover' content='c'/>",
                "<item id='c' href='p/c.html'/>",
                "",
            ),
            page,
            true,
        ),
        (("", "", GUIDE), page, true),
        (
            (
                "",
                "",
                "<guide><reference type='cover' href='img/a b.png'/></guide>",
            ),
            page,
            true,
        ),
        (
            (
                "",
                "",
                "<guide><reference type='toc' href='p/c.html'/></guide>",
            ),
            page,
            false,
        ),
        (("", "", GUIDE), "<html><body>No image</body></html>", false),
        (("<meta name='cover' content='none'/>", "", ""), page, false),
        (
            ("", COVER_IMAGE, "<collection><guide/></collection>"),
            text,
            true,
        ),
        (("", ITEM, ""), image, false),
    ] {
        let more = [
            ("OEBPS/img/a b.png", &png[..]),
            ("OEBPS/p/c.html", document.as_bytes()),
        ];
        let found = cover(&book(parts, &more)).map(|cover| cover.path);
        assert_eq!(
            found.as_deref(),
            expected.then_some("OEBPS/img/a b.png"),
            "{parts:?}"
        );
    }
    for (document, expected) in [(image, true), (text, false)] {
        let more = [
            ("OEBPS/img/a b.png", &png[..]),
            ("OEBPS/nav.xhtml", document.as_bytes()),
        ];
        assert_eq!(
            cover(&book(("", "", ""), &more)).is_some(),
            expected,
            "{document}"
        );
    }
    let named = "<item id='x' href='My_Cover.jpg' media-type='image/jpeg'/>";
    let found = cover(&book(("", named, ""), &[("OEBPS/My_Cover.jpg", &png)])).unwrap();
    assert_eq!(
        (found.path.as_str(), found.media_type.as_str()),
        ("OEBPS/My_Cover.jpg", "image/png")
    );
}

#[test]
fn name_that_leads_nowhere_leaves_the_next_one() {
    let png = samples::png(3, 4);
    let parts = (
        META,
        "<item id='i' href='gone.png' properties='cover-image'/>",
        GUIDE,
    );
    let page = "<html><body><img src='../b.png'/></body></html>";
    let more = [
        ("OEBPS/b.png", &png[..]),
        ("OEBPS/p/c.html", page.as_bytes()),
    ];
    assert_eq!(cover(&book(parts, &more)).unwrap().path, "OEBPS/b.png");
}

#[test]
fn cover_has_its_size_and_a_thumbnail() {
    let png = samples::png(800, 1_000);
    let cover = cover(&book(("", COVER_IMAGE, ""), &[("OEBPS/img/a b.png", &png)])).unwrap();
    assert_eq!((cover.width, cover.height), (Some(800), Some(1_000)));
    let thumbnail = cover.thumbnail.as_ref().unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (320, 400));
    assert_eq!(thumbnail.size, thumbnail.jpeg.len() as u64);
    assert!(thumbnail.jpeg.starts_with(b"\xFF\xD8\xFF"));
    let stored = serde_json::to_value(&cover).unwrap();
    let size = thumbnail.size;
    let shown = serde_json::json!({ "width": 320, "height": 400, "size": size });
    assert_eq!(stored["thumbnail"], shown);
}

#[test]
fn cover_of_a_comic_is_the_first_page_or_the_named_one() {
    let png = samples::png(3, 4);
    let pages = ["p10.png", "P2.png", "p1.png", "notes.txt"].map(|name| (name, &png[..]));
    assert_eq!(cover(&files::zip(&pages)).unwrap().path, "p1.png");
    for (number, expected) in [("2", "p10.png"), ("1", "P2.png"), ("9", "p1.png")] {
        let info = format!(
            "<ComicInfo><Pages><Page Type='FrontCover' Image='{number}'/></Pages></ComicInfo>"
        );
        let mut named = pages.to_vec();
        named.push(("comicinfo.xml", info.as_bytes()));
        assert_eq!(cover(&files::zip(&named)).unwrap().path, expected);
    }
}

#[test]
fn other_files_and_locked_books_have_no_cover() {
    let png = samples::png(3, 4);
    let named = ("OEBPS/img/a b.png", &png[..]);
    let locked = book(
        ("", COVER_IMAGE, ""),
        &[named, ("META-INF/rights.xml", b"<r/>")],
    );
    for bytes in [
        locked,
        files::pdf(1),
        b"text".to_vec(),
        files::epub(files::OPF3, &[]),
    ] {
        assert_eq!(cover(&bytes), None);
    }
}

#[test]
fn cover_that_is_not_drawn_is_listed_with_a_warning() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='5'/>";
    let large = vec![0; usize::try_from(MAX_IMAGE_BYTES).unwrap()];
    for (image, media_type, reason) in [
        (
            &svg[..],
            "image/svg+xml",
            "only JPEG, PNG, GIF and WebP are drawn",
        ),
        (&samples::png(9, 9)[..60], "image/png", "it is damaged"),
        (
            &[b"GIF89a\x01\0\x01\0\0\0\0", &large[..]].concat(),
            "image/gif",
            "it has more than 20971520 bytes",
        ),
    ] {
        let book = book(("", COVER_IMAGE, ""), &[("OEBPS/img/a b.png", image)]);
        let (analysis, warnings) = analyzed(&book, &in_process);
        let cover = analysis.cover.unwrap();
        assert_eq!(
            (cover.media_type.as_str(), cover.thumbnail),
            (media_type, None)
        );
        let warning = format!("The cover has no thumbnail: {reason}");
        assert!(warnings.contains(&warning), "{warnings:?}");
    }
}

#[test]
fn failure_of_the_reader_is_a_warning_and_other_errors_are_kept() {
    let png = samples::png(3, 4);
    let book = book(("", COVER_IMAGE, ""), &[("OEBPS/img/a b.png", &png)]);
    let dying =
        |reader: Reader, _: &mut dyn Read, _: &dyn Progress| Err(reader.too_complex().into());
    let (analysis, warnings) = analyzed(&book, &dying);
    let cover = analysis.cover.unwrap();
    assert_eq!((cover.width, cover.thumbnail), (None, None));
    let reason = "It takes more memory or time to draw than allowed";
    assert!(
        warnings.iter().any(|line| line.ends_with(reason)),
        "{warnings:?}"
    );

    let stopped = |_: Reader, _: &mut dyn Read, _: &dyn Progress| Err(WorkError::Stopped);
    let broken = |_: Reader, _: &mut dyn Read, _: &dyn Progress| {
        Err(WorkError::Io(io::ErrorKind::BrokenPipe.into()))
    };
    let size = book.len() as u64;
    let analyze_by = |run: Run<'_>| {
        analyze(
            &mut Cursor::new(&book),
            "book",
            size,
            run,
            &mut Recorder::default(),
        )
    };
    assert!(matches!(analyze_by(&stopped), Err(WorkError::Stopped)));
    assert!(matches!(analyze_by(&broken), Err(WorkError::Io(_))));
    // Packaging draws no cover, and takes its size from its header.
    let read = describe(
        &mut Cursor::new(&book),
        "book",
        size,
        &stopped,
        &mut Recorder::default(),
    );
    assert_eq!(read.unwrap().extent.cover, Some((3, 4)));
}

#[test]
fn damaged_entry_is_a_warning() {
    let png = samples::noise_png();
    let mut book = book(("", COVER_IMAGE, ""), &[("OEBPS/img/a b.png", &png)]);
    let name = b"OEBPS/img/a b.png";
    let at = book
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    // In the middle of its compressed bytes, behind those that tell its format.
    let middle = at + name.len() + png.len() / 2;
    book[middle..middle + 20].fill(0x55);
    let (analysis, warnings) = analyzed(&book, &in_process);
    let cover = analysis.cover.unwrap();
    assert_eq!(cover.thumbnail, None);
    assert!(
        warnings.iter().any(|line| line.ends_with("is damaged")),
        "{warnings:?}"
    );
}

#[test]
fn sample_has_a_cover() {
    let cover = cover(&files::epub_with_cover()).unwrap();
    assert_eq!((cover.width, cover.height), (Some(2), Some(3)));
    assert!(cover.thumbnail.is_some());
}
