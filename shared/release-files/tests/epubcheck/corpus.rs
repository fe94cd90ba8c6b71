//! The corpus: sound books, and a book for each planted fault.

use super::book::{Book, C2, CONTAINER, NAV, NCX, OPF};
use super::corpus_parts;

/// A book of the corpus.
pub struct Case {
    /// The name of the file without its extension, unique in the corpus.
    pub name: String,
    /// The extension.
    pub extension: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Case {
    /// The name of the file.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.extension)
    }
}

pub fn case(name: &str, book: &Book) -> Case {
    packed(name, book.pack())
}

fn packed(name: &str, bytes: Vec<u8>) -> Case {
    Case {
        name: name.to_owned(),
        extension: "epub",
        bytes,
    }
}

/// All books.
pub fn corpus() -> Vec<Case> {
    let parts = [
        sound(),
        containers(),
        names(),
        corpus_parts::packages(),
        corpus_parts::manifests(),
        corpus_parts::media_types(),
        corpus_parts::navigation(),
        corpus_parts::links(),
        corpus_parts::documents(),
        more(),
    ];
    parts.into_iter().flatten().collect()
}

fn more() -> Vec<Case> {
    let image =
        |book: Book, src: &str| book.with_text(&format!(r#"<p><img src="{src}" alt="x"/></p>"#));
    let date2 = "<dc:date>2024-05-06</dc:date>";
    let both = || {
        v3().with_item(
            r#"<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>"#,
            NCX,
            ncx(),
        )
        .edit(OPF, "<spine>", r#"<spine toc="ncx">"#)
    };
    vec![
        case("image-with-blank", &image(v3(), "do t.png")),
        case("date-compact-2", &v2().edit(OPF, date2, "<dc:date>20240506</dc:date>")),
        case("spine-repeats-id-2", &v2().edit(OPF, "</spine>", r#"<itemref idref="c1"/></spine>"#)),
        case("ncx-other-identifier-3", &both().edit(NCX, "4a11", "4a12")),
        case("svg-in-image", &v3().with_item(r#"<item id="map" href="map.svg" media-type="image/svg+xml"/>"#, "OPS/map.svg", r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="c9.xhtml"><rect width="9" height="9"/></a></svg>"#).with_text(r#"<p><img src="map.svg" alt="A map"/></p>"#)),
        case("version-4-and-names", &v3().edit(OPF, r#"version="3.0""#, r#"version="4.0""#).with("OPS/x y.txt", "x").without("OPS/dot.png")),
        case("nav-order-fragments", &v3().edit(C2, "</body>", r#"<p id="s2">x</p></body>"#).edit(NAV, "c2.xhtml#s1", "c2.xhtml#s2").edit(NAV, "</ol>", r#"<li><a href="c2.xhtml#s1">Start</a></li></ol>"#)),
        case("circle-2", &v2().edit(OPF, r#"<item id="css" href="style.css""#, r#"<item id="css" fallback="css" href="style.css""#)),
    ]
}

pub fn v3() -> Book {
    Book::epub_3()
}

pub fn v2() -> Book {
    Book::epub_2()
}

fn sound() -> Vec<Case> {
    let svg = v3()
        .with_item(
            r#"<item id="map" href="map.svg" media-type="image/svg+xml"/>"#,
            "OPS/map.svg",
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>A map</title><rect id="r" width="9" height="9"/></svg>"#,
        )
        .with_text(r#"<p><img src="map.svg" alt="A map"/><a href="map.svg#r">The map</a></p>"#)
        .edit(OPF, r#"<itemref idref="c2"/>"#, r#"<itemref idref="c2"/><itemref idref="map" linear="no"/>"#);
    let folders = v3()
        .with("OPS/text/c3.xhtml", Book::chapter("<!DOCTYPE html>", r#"<p id="p">Three <a href="../c1.xhtml#top">One</a></p>"#).replace("style.css", "../style.css"))
        .edit(OPF, "</manifest>", r#"<item id="c3" href="text/c3.xhtml" media-type="application/xhtml+xml"/> </manifest>"#)
        .edit(OPF, "</spine>", r#"<itemref idref="c3"/> </spine>"#)
        .with_text(r#"<p><a href="text/c3.xhtml#p">Three</a> <a href="./text/../c2.xhtml">Two</a></p>"#);
    vec![
        case("sound-3", &v3()),
        case("sound-2", &v2()),
        case("sound-3-with-svg", &svg),
        case("sound-3-with-folders", &folders),
    ]
}

fn ncx() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?>
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang="en">
<head><meta name="dtb:uid" content="urn:uuid:0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4a11"/></head>
<docTitle><text>A Book</text></docTitle>
<navMap><navPoint id="n1" playOrder="1"><navLabel><text>One</text></navLabel><content src="c1.xhtml"/></navPoint></navMap>
</ncx>
"#
}

fn containers() -> Vec<Case> {
    let rootfile =
        r#"<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>"#;
    let encryption = |algorithm: &str, uri: &str| {
        format!(
            r#"<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference URI="{uri}"/></enc:CipherData></enc:EncryptedData></encryption>"#
        )
    };
    let mut cases = vec![
        case("mimetype-packed", &v2().with_packed_mimetype()),
        case("mimetype-extra-field", &v3().with_extra_field()),
        case("mimetype-with-line-break", &v3().with("mimetype", "application/epub+zip\n")),
        case("container-wrong-type", &v3().edit(CONTAINER, "application/oebps-package+xml", "text/xml")),
        case(
            "container-without-path",
            &v3().edit(CONTAINER, rootfile, &format!("{rootfile}<rootfile media-type=\"application/oebps-package+xml\"/>")),
        ),
        case(
            "container-empty-path",
            &v3().edit(CONTAINER, rootfile, &format!("{rootfile}<rootfile full-path=\"\" media-type=\"application/oebps-package+xml\"/>")),
        ),
        case(
            "container-two-books",
            &v2().edit(CONTAINER, rootfile, &format!("{rootfile}{rootfile}")),
        ),
        case("font-obfuscated", &v3().with("META-INF/encryption.xml", encryption("http://www.idpf.org/2008/embedding", "OPS/dot.otf")).with_item(r#"<item id="f" href="dot.otf" media-type="application/vnd.ms-opentype"/>"#, "OPS/dot.otf", "OTTO")),
    ];
    let upper = case("extension-in-capitals", &v3());
    cases.push(Case {
        extension: "EPUB",
        ..upper
    });
    cases
}

/// A book with one more chapter, at a path and an address.
pub fn with_chapter(book: Book, path: &str, href: &str) -> Book {
    let doctype = if book.is_epub_3() {
        "<!DOCTYPE html>"
    } else {
        super::book::DOCTYPE_2
    };
    let item = format!(r#"<item id="c3" href="{href}" media-type="application/xhtml+xml"/>"#);
    book.with_item(&item, path, Book::chapter(doctype, "<p>Three</p>"))
        .edit(OPF, "</spine>", r#" <itemref idref="c3"/></spine>"#)
}

fn names() -> Vec<Case> {
    let renamed = |from: &str, to: &str| {
        let bytes = with_chapter(v3(), from, "c3.xhtml").pack();
        let mut changed = bytes;
        let mut at = 0;
        while at + from.len() <= changed.len() {
            if changed[at..].starts_with(from.as_bytes()) {
                changed[at..at + to.len()].copy_from_slice(to.as_bytes());
            }
            at += 1;
        }
        changed
    };
    vec![
        case(
            "name-with-accent-2",
            &with_chapter(v2(), "OPS/cé.xhtml", "cé.xhtml"),
        ),
        case(
            "name-with-star",
            &with_chapter(v3(), "OPS/c*3.xhtml", "c*3.xhtml"),
        ),
        case(
            "name-with-end-point",
            &v3().with_item(
                r#"<item id="x" href="x." media-type="text/css"/>"#,
                "OPS/x.",
                "p {}",
            ),
        ),
        case("folder-empty", &v3().with("OPS/img/", "")),
        case(
            "folder-full",
            &with_chapter(
                v3().with("OPS/text/", ""),
                "OPS/text/c3.xhtml",
                "text/c3.xhtml",
            )
            .edit("OPS/text/c3.xhtml", "style.css", "../style.css"),
        ),
        packed("entry-twice", renamed("OPS/c3.xhtml", "OPS/c2.xhtml")),
        case(
            "entry-twice-composed",
            &with_chapter(
                with_chapter(v3(), "OPS/\u{e9}.xhtml", "%C3%A9.xhtml"),
                "OPS/e\u{301}.xhtml",
                "e%CC%81.xhtml",
            )
            .edit(OPF, r#"id="c3""#, r#"id="c4""#)
            .edit(OPF, r#"idref="c3""#, r#"idref="c4""#),
        ),
    ]
}
