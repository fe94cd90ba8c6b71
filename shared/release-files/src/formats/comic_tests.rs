use std::io::Cursor;

use super::*;
use crate::formats::{Analysis, analyze, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn analyzed(files: &[(&str, &[u8])]) -> (Analysis, Recorder) {
    let bytes = samples::zip(files);
    let mut progress = Recorder::default();
    let size = bytes.len() as u64;
    let mut cursor = Cursor::new(&bytes);
    let analysis = analyze(&mut cursor, "c.cbz", size, &in_process, &mut progress);
    (analysis.unwrap(), progress)
}

/// Returns the format and the number of pages of an archive with these files.
fn format_of(names: &[&str]) -> (Format, Option<u64>) {
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"x"[..])).collect();
    let info = analyzed(&files).0.mediainfo;
    (info.format, info.pages)
}

#[test]
fn images_of_every_kind_are_pages() {
    for extension in IMAGES {
        let (small, capital) = (format!("1.{extension}"), extension.to_uppercase());
        let names = [small.as_str(), &format!("p/2.{capital}"), "p/"];
        assert_eq!(format_of(&names), (Format::Cbz, Some(2)), "{extension}");
    }
    assert_eq!(format_of(&["1.svg", "2.pdf"]), (Format::Zip, None));
    assert_eq!(format_of(&["jpg", "a/png"]), (Format::Zip, None));
    assert_eq!(format_of(&["/1.jpg", "\\2.jpg"]), (Format::Cbz, Some(2)));
}

#[test]
fn comic_may_have_a_few_other_small_files() {
    for more in [
        &["release.nfo"][..],
        &["read more.url", "notes.txt"],
        &["pages.sfv", "FILE_ID.DIZ", "info.json"],
        &["ComicInfo.xml", "MetronInfo.xml"],
        &["Thumbs.db", "desktop.ini", ".DS_Store", "__MACOSX/._1.jpg"],
        &[
            "p/Desktop.INI",
            "p/__MACOSX/1.jpg",
            "@eaDir/1.jpg",
            "Icon\r",
        ],
        &["Thumbs.db:encryptable", "pspbrwse.jbf", "ZbThumbnail.info"],
        &["System Volume Information/x", "$Recycle.bin/1.jpg"],
        &[".fseventsd/0a", ".Spotlight-V100/a/b", ".Trashes/1.jpg"],
        &["read.html"],
        &["CREDITS", "a.txt"],
        &["LICENSE"],
        &["style.css"],
        &["p/x.opf", ".fseventsd/0a"],
    ] {
        let names = [&["1.jpg", "2.jpg", "3.jpg"][..], more].concat();
        assert_eq!(format_of(&names), (Format::Cbz, Some(3)), "{more:?}");
    }
    let title = [".hack Volume 1/1.jpg", ".hack Volume 1/2.jpg"];
    assert_eq!(format_of(&title), (Format::Cbz, Some(2)));
    assert_eq!(format_of(&["1.jpg", "a.url"]), (Format::Cbz, Some(1)));
}

#[test]
fn archive_of_other_files_is_no_comic() {
    for more in [
        &["index.html"][..],
        &["book.pdf"],
        &["tool.exe"],
        &["a.html", "style.css"],
        &["CREDITS", "book.pdf"],
        &["a.txt", "b.txt", "c.txt", "d.txt"],
    ] {
        let names = [&["1.jpg", "2.jpg", "3.jpg"][..], more].concat();
        assert_eq!(format_of(&names), (Format::Zip, None), "{more:?}");
    }
    assert_eq!(format_of(&["ComicInfo.xml", "a.nfo"]), (Format::Zip, None));
    assert_eq!(
        format_of(&["__MACOSX/1.jpg", ".1.jpg"]),
        (Format::Zip, None)
    );
    let large = vec![b' '; usize::try_from(MAX_COMPANION_BYTES).unwrap() + 1];
    for name in ["a.txt", "a.rtf"] {
        let (analysis, _) = analyzed(&[("1.jpg", b"x"), (name, &large)]);
        assert_eq!(analysis.mediainfo.format, Format::Zip, "{name}");
    }
}

#[test]
fn both_metadata_files_are_read() {
    let page: (&str, &[u8]) = ("1.jpg", b"x");
    let comic: (&str, &[u8]) = (
        "ComicInfo.xml",
        b"<ComicInfo><Number>3</Number></ComicInfo>",
    );
    let metron: (&str, &[u8]) = (
        "metroninfo.XML",
        b"<MetronInfo><Series><Name>Saga</Name></Series><Number>9</Number></MetronInfo>",
    );
    for (files, title) in [
        (&[page, comic, metron][..], Some("Saga 3")),
        (&[page, metron], Some("Saga 9")),
        (
            &[page, metron, ("ComicInfo.xml", b"<broken")],
            Some("Saga 9"),
        ),
        (&[page, comic], None),
    ] {
        let (analysis, progress) = analyzed(files);
        assert_eq!(analysis.metadata.title.as_deref(), title);
        assert!(progress.infos.is_empty(), "{:?}", progress.infos);
    }
}

#[test]
fn metadata_file_nearest_the_top_is_read() {
    let info = |title: &str| format!("<ComicInfo><Title>{title}</Title></ComicInfo>");
    let (top, inner) = (info("Top"), info("Inner"));
    let (analysis, _) = analyzed(&[
        ("a/b/ComicInfo.xml", b"<ComicInfo/>"),
        ("1.jpg", b"x"),
        ("a/comicinfo.xml", inner.as_bytes()),
    ]);
    assert_eq!(analysis.metadata.title.as_deref(), Some("Inner"));
    let (analysis, _) = analyzed(&[
        ("a/ComicInfo.xml", inner.as_bytes()),
        ("1.jpg", b"x"),
        ("ComicInfo.xml", top.as_bytes()),
    ]);
    assert_eq!(analysis.metadata.title.as_deref(), Some("Top"));
}
