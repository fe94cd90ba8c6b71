use std::io::{self, Cursor, Seek, SeekFrom};

use super::*;
use crate::formats::image_facts::{ImagePage, PageListDifference, PageListField};
use crate::formats::{analyze, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn images(bytes: &[u8]) -> Images {
    let size = bytes.len() as u64;
    let mut cursor = Cursor::new(bytes);
    let analysis = analyze(
        &mut cursor,
        "a",
        size,
        &in_process,
        &mut Recorder::default(),
    );
    analysis.unwrap().images.unwrap()
}

fn comic(files: &[(&str, &[u8])]) -> Images {
    let stored = images(&samples::stored_zip(files));
    assert_eq!(stored, images(&samples::zip(files)));
    stored
}

fn page(path: &str, size: Option<(u32, u32)>) -> ImagePage {
    ImagePage {
        path: path.to_owned(),
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
    }
}

#[test]
fn pages_are_listed_in_their_reading_order() {
    let found = comic(&[
        ("p10.gif", &samples::gif(300, 400)),
        ("p2.png", &samples::png(800, 1200)),
        ("folder/p1.webp", &samples::webp(40, 50)),
        ("p1.jpg", &samples::jpeg(801, 1201, 0)),
        ("ComicInfo.xml", b"<ComicInfo/>"),
    ]);
    assert_eq!(
        (found.count, found.pages_total, found.unreadable),
        (4, 4, 0)
    );
    let expected = [
        page("folder/p1.webp", Some((40, 50))),
        page("p1.jpg", Some((801, 1201))),
        page("p2.png", Some((800, 1200))),
        page("p10.gif", Some((300, 400))),
    ];
    assert_eq!(found.pages, expected);
    let largest = found.largest.unwrap();
    assert_eq!(
        (&largest.path[..], largest.width, largest.height),
        ("p1.jpg", 801, 1201)
    );
    assert_eq!(largest.size, samples::jpeg(801, 1201, 0).len() as u64);
    assert_eq!(found.mixed_sizes, Some(true));
    assert_eq!(found.page_list_differences, []);
}

#[test]
fn spread_is_no_other_size() {
    for (last, is_mixed) in [
        ((1600, 1200), false),
        ((1640, 1190), false),
        ((790, 1210), false),
        ((2400, 1200), true),
        ((800, 1300), true),
        ((1200, 800), true),
    ] {
        let (one, last) = (samples::png(800, 1200), samples::png(last.0, last.1));
        let found = comic(&[("1.png", &one), ("2.png", &one), ("3.png", &last)]);
        assert_eq!(found.mixed_sizes, Some(is_mixed), "{:?}", found.pages);
    }
}

#[test]
fn page_with_the_content_of_an_earlier_one_is_a_duplicate() {
    let (one, two) = (samples::png(8, 12), samples::png(8, 13));
    let found = comic(&[
        ("1.png", &one),
        ("2.png", &two),
        ("3.png", &one),
        ("4.png", &one),
    ]);
    let pairs: Vec<_> = found
        .duplicates
        .iter()
        .map(|one| (&one.path[..], &one.duplicate_of[..]))
        .collect();
    assert_eq!(pairs, [("3.png", "1.png"), ("4.png", "1.png")]);
    assert_eq!(found.duplicates_total, 2);
    let names: Vec<_> = (0..600).map(|number| format!("{number}.png")).collect();
    let many: Vec<_> = names.iter().map(|name| (&name[..], &one[..])).collect();
    let found = comic(&many);
    assert_eq!((found.duplicates.len(), found.duplicates_total), (50, 599));
    assert_eq!((found.pages.len(), found.pages_total), (500, 600));
}

#[test]
fn list_of_pages_is_compared_with_the_files() {
    let info = "<ComicInfo><PageCount>2</PageCount><Pages>\
        <Page Image='0' ImageWidth='8' ImageHeight='12' ImageSize='29'/>\
        <Page Image='1' ImageWidth='9' ImageHeight='12' ImageSize='30'/>\
        <Page Image='7' ImageWidth='9'/></Pages></ComicInfo>";
    let png = samples::png(8, 12);
    let found = comic(&[
        ("1.png", &png),
        ("2.png", &png),
        ("ComicInfo.xml", info.as_bytes()),
    ]);
    let difference = |field, path: Option<&str>, listed, found| PageListDifference {
        field,
        path: path.map(str::to_owned),
        listed,
        found,
    };
    let expected = [
        difference(PageListField::Pages, None, 3, 2),
        difference(PageListField::Width, Some("2.png"), 9, 8),
        difference(PageListField::Size, Some("2.png"), 30, 29),
    ];
    assert_eq!(found.page_list_differences, expected);
    let wrong = info.replace(
        "<Page Image='7'",
        &"<Page Image='0' ImageWidth='1'/>".repeat(30),
    );
    let wrong = wrong.replace(" ImageWidth='9'/></Pages>", "</Pages>");
    let found = comic(&[("1.png", &png), ("ComicInfo.xml", wrong.as_bytes())]);
    assert_eq!(found.page_list_differences.len(), Images::MAX_DIFFERENCES);
}

#[test]
fn header_behind_large_exif_is_found() {
    for (exif, size) in [
        (1_000, Some((30, 40))),
        (200_000, Some((30, 40))),
        (450_000, Some((30, 40))),
        (600_000, None),
    ] {
        let image = samples::jpeg(30, 40, exif);
        let found = comic(&[("1.jpg", &image), ("2.png", &samples::png(3, 4))]);
        let expected = [page("1.jpg", size), page("2.png", Some((3, 4)))];
        assert_eq!(found.pages, expected, "{exif}");
        assert_eq!(found.unreadable, u64::from(size.is_none()));
    }
}

#[test]
fn images_that_cannot_be_read_are_counted() {
    let found = comic(&[
        ("1.png", &samples::png(20_000, 4)),
        ("2.png", b""),
        ("3.jpg", b"\xFF\xD8\xFF\xE0"),
        ("4.gif", b"no image at all"),
        ("5.png", &samples::png(3, 4)),
    ]);
    assert_eq!((found.count, found.unreadable, found.too_large), (5, 3, 1));
    assert_eq!(found.pages[4], page("5.png", Some((3, 4))));
    assert_eq!(found.mixed_sizes, Some(false));
    assert_eq!(found.largest.unwrap().path, "5.png");
}

#[test]
fn images_of_a_book_have_no_pages() {
    let found = images(&samples::epub(
        samples::OPF3,
        &[
            ("OEBPS/cover.jpg", &samples::jpeg(600, 800, 0)),
            ("OEBPS/map.svg", b"<svg/>"),
        ],
    ));
    let expected = Images {
        count: 1,
        largest: found.largest.clone(),
        ..Images::default()
    };
    assert_eq!(found, expected);
    assert_eq!(found.largest.unwrap().path, "OEBPS/cover.jpg");
    let none = images(&samples::epub(samples::OPF3, &[]));
    assert_eq!(none, Images::default());
}

/// Counts the bytes that are read.
struct Counted<'b> {
    inner: Cursor<&'b [u8]>,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn headers_are_read_with_the_checksums() {
    let page = [samples::jpeg(800, 1200, 0), vec![0x5A; 1_000_000]].concat();
    let names: Vec<_> = (1..=12).map(|number| format!("{number}.jpg")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (&name[..], &page[..])).collect();
    files.push(("ComicInfo.xml", b"<ComicInfo/>"));
    let zip = samples::stored_zip(&files);
    let mut counted = Counted {
        inner: Cursor::new(&zip),
        bytes: 0,
    };
    let (size, mut progress) = (zip.len() as u64, Recorder::default());
    let analysis = analyze(&mut counted, "a.cbz", size, &in_process, &mut progress).unwrap();
    assert_eq!(analysis.images.unwrap().pages[11].width, Some(800));
    // The file once, its cover again, and some blocks for its format, directory and metadata.
    let others = counted.bytes - size - page.len() as u64;
    assert!(others < 512 * 1024, "{others}");
}

#[test]
fn local_headers_that_run_into_the_next_image_are_skipped() {
    let png = samples::png(3, 4);
    let zip = samples::stored_zip(&[("1.png", &png), ("2.png", &png), ("3.png", &png)]);
    let mut hostile = zip.clone();
    // The length of the first entry's extra field.
    hostile[28..30].copy_from_slice(&[0xFF, 0xFF]);
    let found = images(&hostile);
    assert_eq!((found.count, found.unreadable), (3, 3));
    hostile[28..30].copy_from_slice(&[40, 0]);
    let found = images(&hostile);
    assert_eq!((found.count, found.unreadable), (3, 1));
}

#[test]
fn only_the_first_images_are_read() {
    let png = samples::png(3, 4);
    let names: Vec<_> = (0..Images::MAX_READ + 2)
        .map(|number| format!("{number:05}.png"))
        .collect();
    let files: Vec<_> = names.iter().map(|name| (&name[..], &png[..])).collect();
    let bytes = samples::stored_zip(&files);
    let mut file = Cursor::new(&bytes[..]);
    let archive = Archive::open(&mut file, bytes.len() as u64).unwrap();
    let mut reading = Reading::of_book(&archive);
    // In pieces of any size.
    for piece in bytes.chunks(777) {
        reading.push(piece);
    }
    let images = reading.scan.finish();
    let read = images.iter().take_while(|image| image.header.is_some());
    assert_eq!(
        (read.count(), images.len()),
        (Images::MAX_READ, names.len())
    );
}
