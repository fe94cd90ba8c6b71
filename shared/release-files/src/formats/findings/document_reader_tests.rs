use super::*;
use crate::formats::xml;

fn read(text: &str) -> Document {
    let mut reader = DocumentReader::new(text, text.contains("<ncx"));
    let is_whole = xml::walk_events(text, &mut |event, end| reader.visit(event, end));
    reader.end(is_whole);
    reader.finish()
}

#[test]
fn links_have_their_kinds_and_lines() {
    let document = read(
        "<html xmlns:epub='e' xmlns:xlink='x'><a href='a'/>\n<nav epub:type='page-list'><a href='b'/></nav>\n\
        <a href='c'/><img src='d' srcset='e 2x, f'/><svg><image xlink:href='g'/></svg>\
        <link rel='stylesheet' href='h'/><link rel='next' href='i'/></html>",
    );
    let links: Vec<_> = document
        .links
        .iter()
        .map(|link| (link.kind, link.address.as_str(), link.line))
        .collect();
    let expected = [
        (LinkKind::Hyperlink, "a", 1),
        (LinkKind::Pages, "b", 2),
        (LinkKind::Hyperlink, "c", 3),
        (LinkKind::Image, "d", 3),
        (LinkKind::Image, "e", 3),
        (LinkKind::Image, "f", 3),
        (LinkKind::Image, "g", 3),
        (LinkKind::Style, "h", 3),
    ];
    assert_eq!(links, expected);
    assert!(document.uses.contains(&Use::Svg) && document.fault.is_none());
}

#[test]
fn fault_ends_the_document() {
    let document = read("<html>\n<p id='a'>\n<b></p><p id='c'/></html>");
    assert_eq!(document.fault.unwrap().0, 3);
    assert_eq!(document.ids.unwrap().len(), 1);
    let sound = "<!DOCTYPE html PUBLIC 'x'><html><p a='&eacute;'>&nbsp;&#233;&amp;</p></html>";
    assert_eq!(read(sound).fault, None);
}

#[test]
fn ids_and_links_of_a_document_are_bounded() {
    let ids: Vec<_> = (0..=MAX_IDS).map(|n| format!("<p id='{n}'/>")).collect();
    let ids = ids.concat();
    assert!(read(&format!("<html>{ids}</html>")).ids.is_none());
    let links = "<a href='x'/><a href=''/>".repeat(MAX_LINKS + 1);
    let document = read(&format!("<html>{links}</html>"));
    assert_eq!(document.links.len(), MAX_LINKS);
    assert_eq!(document.empty_links.len(), Document::MAX_EMPTY);
}

#[test]
fn labels_of_an_ncx_have_text() {
    let document = read(
        "<ncx><head><meta name='dtb:uid' content=' u '/></head><text>a</text>\n<text> </text>\
        <content src='b'/></ncx>",
    );
    assert_eq!(document.empty_labels, [2]);
    assert_eq!(document.uid.as_deref(), Some(" u "));
    assert_eq!(document.links[0].kind, LinkKind::Point);
}
