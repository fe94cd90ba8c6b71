use std::io::Cursor;

use super::super::samples;
use super::*;
use crate::formats::{Analysis, ContentsEntry, analyze};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

const NAV: &str = "<html xmlns:epub='e'><head><title>T</title></head><body><nav epub:type='landmarks'>\
    <ol><li><a href='x'>Not this</a></li></ol></nav><nav epub:type='toc'><h1>Contents</h1><ol>\
    <li><a href='text/c1.xhtml'>One &amp; <i>only</i></a> 3<ol><li><a href='text/c1.xhtml#b'>One, b</a></li></ol></li>\
    <li><span>Part</span><ol><li><a href='text/c%202.xhtml'>Two</a></li></ol></li>\
    <li><a href='https://example.com'><img alt='Far away'/></a></li></ol></nav></body></html>";

const NCX: &str = "<ncx><docTitle><text>T</text></docTitle><navMap><navPoint><navLabel><text>Eins</text></navLabel>\
    <content src='text/c1.xhtml#x'/><navPoint><navLabel><text>Zwei</text></navLabel><content src='none.xhtml'/></navPoint>\
    </navPoint></navMap><pageList><pageTarget><navLabel><text>1</text></navLabel></pageTarget></pageList></ncx>";

fn opf(toc: &str) -> String {
    format!(
        "<package version='3.0'><metadata><title>T</title></metadata><manifest>{toc}\
        <item id='c1' href='text/c1.xhtml' media-type='application/xhtml+xml'/>\
        <item id='c2' href='text/c%202.xhtml' media-type='application/xhtml+xml'/></manifest>\
        <spine><itemref idref='c1'/><itemref idref='c2'/><itemref idref='c1'/><itemref idref='none'/></spine></package>"
    )
}

const CHAPTER: &str = "<html><body><p>One two three<img src='a.png'/></p></body></html>";
const NAV_ITEM: &str = "<item id='n' href='nav.xhtml' properties='nav'/>";
const NCX_ITEM: &str = "<item id='x' href='toc.ncx' media-type='application/x-dtbncx+xml'/>";

fn contents_of(toc_items: &str, nav: &str) -> Contents {
    read(toc_items, nav).0
}

fn read(toc_items: &str, nav: &str) -> (Contents, InferredAccessibility) {
    let (epub, _) = read_with(&opf(toc_items), nav, CHAPTER);
    (epub.contents, epub.accessibility.unwrap().inferred.unwrap())
}

/// Reads a book with this package document, navigation document and first chapter.
fn read_with(opf: &str, nav: &str, chapter: &str) -> (Analysis, Recorder) {
    let bytes = samples::zip(&[
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", samples::CONTAINER.as_bytes()),
        ("OEBPS/content.opf", opf.as_bytes()),
        ("OEBPS/nav.xhtml", nav.as_bytes()),
        ("OEBPS/toc.ncx", NCX.as_bytes()),
        ("OEBPS/text/c1.xhtml", chapter.as_bytes()),
        (
            "OEBPS/text/c 2.xhtml",
            "<html><body><p>四五</p></body></html>".as_bytes(),
        ),
    ]);
    let mut cursor = Cursor::new(&bytes);
    let mut progress = Recorder::default();
    let size = bytes.len() as u64;
    let epub = analyze(&mut cursor, "book.epub", size, &in_process, &mut progress).unwrap();
    (epub, progress)
}

/// Draws a tree as lines, indented by level.
fn draw(entries: &[ContentsEntry], level: usize) -> String {
    let draw_one = |entry: &ContentsEntry| {
        let path = entry.path.as_deref().unwrap_or("-");
        format!(
            "{:>level$}{} {path}\n{}",
            "",
            entry.title,
            draw(&entry.entries, level + 1)
        )
    };
    entries.iter().map(draw_one).collect()
}

#[test]
fn navigation_document_comes_before_the_ncx() {
    let contents = contents_of(&format!("{NCX_ITEM}{NAV_ITEM}"), NAV);
    let expected = "One & only OEBPS/text/c1.xhtml\n One, b OEBPS/text/c1.xhtml\nPart -\n \
        Two OEBPS/text/c 2.xhtml\nFar away -\n";
    assert_eq!(draw(&contents.entries, 0), expected);
    assert_eq!(contents.entries_total, 5);
}

#[test]
fn ncx_is_read_where_there_is_no_other_table() {
    let expected = "Eins OEBPS/text/c1.xhtml\n Zwei -\n";
    for (items, nav) in [
        (NCX_ITEM.to_owned(), NAV),
        (format!("{NAV_ITEM}{NCX_ITEM}"), "<html/>"),
    ] {
        assert_eq!(draw(&contents_of(&items, nav).entries, 0), expected);
    }
}

#[test]
fn first_list_is_the_table_if_none_says_so() {
    let nav = NAV.replace("epub:type", "class");
    assert_eq!(
        draw(&contents_of(NAV_ITEM, &nav).entries, 0),
        "Not this -\n"
    );
}

#[test]
fn each_document_is_counted_once() {
    let contents = contents_of(NAV_ITEM, NAV);
    let chapters: Vec<_> = contents
        .chapters
        .iter()
        .map(|chapter| (chapter.path.as_str(), chapter.words, chapter.characters))
        .collect();
    let expected = [
        ("OEBPS/text/c1.xhtml", Some(3), Some(0)),
        ("OEBPS/text/c 2.xhtml", Some(0), Some(2)),
    ];
    assert_eq!(chapters, expected);
    assert_eq!((contents.words, contents.characters), (Some(3), Some(2)));
    assert_eq!(contents.reading_minutes, Some(1));
}

#[test]
fn table_is_cut_to_its_first_entries_and_levels() {
    let many: Vec<String> = (0..600)
        .map(|n| format!("<li><a href='x'>{n}</a></li>"))
        .collect();
    let nav = format!("<nav epub:type='toc'><ol>{}</ol></nav>", many.concat());
    let contents = contents_of(NAV_ITEM, &nav);
    assert_eq!((contents.entries.len(), contents.entries_total), (500, 600));
    assert_eq!(contents.entries[499].title, "499");

    let deep = format!(
        "{}{}",
        "<ol><li><a>x</a>".repeat(20),
        "</li></ol>".repeat(20)
    );
    let nav = format!("<nav epub:type='toc'>{deep}</nav>");
    let contents = contents_of(NAV_ITEM, &nav);
    let drawn = draw(&contents.entries, 0);
    let level = |line: &str| line.chars().take_while(|&c| c == ' ').count();
    assert_eq!(
        drawn.lines().map(level).max(),
        Some(Contents::MAX_LEVELS - 1)
    );
    assert_eq!((drawn.lines().count(), contents.entries_total), (20, 20));
}

#[test]
fn contents_tell_of_accessibility() {
    let (_, inferred) = read(&format!("{NCX_ITEM}{NAV_ITEM}"), NAV);
    let expected = InferredAccessibility {
        has_table_of_contents: true,
        // Of the NCX.
        has_page_list: true,
        images: Some(1),
        images_without_text: Some(1),
    };
    assert_eq!(inferred, expected);
    let nav = NAV.replace("landmarks", "page-list");
    assert!(read(NAV_ITEM, &nav).1.has_page_list);
    assert!(!read(NAV_ITEM, NAV).1.has_page_list);
}

#[test]
fn list_of_another_type_is_no_table_of_contents() {
    let landmarks = NAV.replace("'toc'", "'page-list'");
    let contents = contents_of(&format!("{NAV_ITEM}{NCX_ITEM}"), &landmarks);
    assert_eq!(contents.entries[0].title, "Eins");
    let by_role = NAV.replace("epub:type='toc'", "role='doc-toc'");
    assert_eq!(contents_of(NAV_ITEM, &by_role).entries_total, 5);
}

#[test]
fn title_is_read_without_its_markup() {
    let nav = "<nav epub:type='toc'><ol><li><a id='x'> </a><a href='a'>One<br/>\
        <ruby>字<rt>ji</rt></ruby></a> later<ol><li><span>Below</span></li></ol>text</li></ol></nav>";
    let contents = contents_of(NAV_ITEM, nav);
    assert_eq!(draw(&contents.entries, 0), "One 字 -\n Below -\n");
}

#[test]
fn ncx_is_found_by_the_reading_order() {
    let item = NCX_ITEM.replace("application/x-dtbncx+xml", "text/xml");
    let package = opf(&item).replace("<spine>", "<spine toc='x'>");
    let (epub, _) = read_with(&package, NAV, CHAPTER);
    assert_eq!(epub.mediainfo.toc, [TableOfContents::Ncx]);
    assert_eq!(epub.contents.entries[0].title, "Eins");
}

#[test]
fn text_that_is_not_read_is_not_counted_in_part() {
    let too_large = format!("<p>{}</p>", "word ".repeat(1_000_000));
    for chapter in [too_large.as_str(), "<p>one</p><!-- no end"] {
        let (epub, progress) = read_with(&opf(NAV_ITEM), NAV, chapter);
        let contents = epub.contents;
        let counts = (
            contents.words,
            contents.characters,
            contents.reading_minutes,
        );
        assert_eq!(counts, (None, None, None));
        assert_eq!(
            (contents.chapters[0].words, contents.chapters[1].words),
            (None, Some(0))
        );
        assert_eq!(epub.accessibility.unwrap().inferred.unwrap().images, None);
        let is_about_it = |line: &String| line.contains("not counted");
        assert!(progress.warnings.iter().any(is_about_it));
    }
}

#[test]
fn item_that_is_named_often_is_looked_up_once() {
    let long = format!("{}.xhtml", "é".repeat(100_000));
    let item = format!("<item id='long' href='{long}'/>");
    let refs = "<itemref idref='long'/><itemref idref='c1'/>".repeat(9_000);
    let package = opf(&item).replace("<spine>", &format!("<spine>{refs}"));
    let (epub, _) = read_with(&package, NAV, CHAPTER);
    assert_eq!(epub.contents.chapters_total, 2);
}
