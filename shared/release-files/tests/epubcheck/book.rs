//! Builds the books of the corpus.

use std::io::{Cursor, Write};

use zip::write::{ExtendedFileOptions, FileOptions};
use zip::{CompressionMethod, ZipWriter};

/// The path of the package document.
pub const OPF: &str = "OPS/book.opf";
/// The paths of the chapters.
pub const C1: &str = "OPS/c1.xhtml";
pub const C2: &str = "OPS/c2.xhtml";
/// The path of the navigation document.
pub const NAV: &str = "OPS/nav.xhtml";
/// The path of the NCX.
pub const NCX: &str = "OPS/toc.ncx";
/// The path of the container document.
pub const CONTAINER: &str = "META-INF/container.xml";

/// A picture of one pixel.
pub const PNG: [u8; 67] = *b"\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\x54\x78\x9c\x63\x60\x00\x00\x00\x02\x00\x01\x48\xaf\xa4\x71\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";

const CONTAINER_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
 <rootfiles>
  <rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
 </rootfiles>
</container>
"#;

const OPF_3: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
 <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
  <dc:identifier id="id">urn:uuid:0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4a11</dc:identifier>
  <dc:title>A Book</dc:title>
  <dc:language>en</dc:language>
  <dc:creator>A. Writer</dc:creator>
  <meta property="dcterms:modified">2024-05-06T07:08:09Z</meta>
  <meta property="schema:accessMode">textual</meta>
  <meta property="schema:accessModeSufficient">textual</meta>
  <meta property="schema:accessibilityFeature">tableOfContents</meta>
  <meta property="schema:accessibilityHazard">none</meta>
  <meta property="schema:accessibilitySummary">All is text.</meta>
 </metadata>
 <manifest>
  <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
  <item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>
  <item id="c2" href="c2.xhtml" media-type="application/xhtml+xml"/>
  <item id="css" href="style.css" media-type="text/css"/>
  <item id="dot" href="dot.png" media-type="image/png"/>
 </manifest>
 <spine>
  <itemref idref="c1"/>
  <itemref idref="c2"/>
 </spine>
</package>
"#;

const NAV_XHTML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en" lang="en">
<head><title>Contents</title></head>
<body>
<nav epub:type="toc" id="toc"><h1>Contents</h1>
<ol>
<li><a href="c1.xhtml">One</a></li>
<li><a href="c2.xhtml#s1">Two</a></li>
</ol></nav>
</body>
</html>
"#;

const OPF_2: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="2.0" unique-identifier="id">
 <metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">
  <dc:identifier id="id" opf:scheme="UUID">urn:uuid:0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4a11</dc:identifier>
  <dc:title>A Book</dc:title>
  <dc:language>en</dc:language>
  <dc:creator opf:role="aut">A. Writer</dc:creator>
  <dc:date>2024-05-06</dc:date>
 </metadata>
 <manifest>
  <item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
  <item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>
  <item id="c2" href="c2.xhtml" media-type="application/xhtml+xml"/>
  <item id="css" href="style.css" media-type="text/css"/>
  <item id="dot" href="dot.png" media-type="image/png"/>
 </manifest>
 <spine toc="ncx">
  <itemref idref="c1"/>
  <itemref idref="c2"/>
 </spine>
 <guide>
  <reference type="text" title="Start" href="c1.xhtml"/>
 </guide>
</package>
"#;

const NCX_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang="en">
<head><meta name="dtb:uid" content="urn:uuid:0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4a11"/></head>
<docTitle><text>A Book</text></docTitle>
<navMap>
<navPoint id="n1" playOrder="1"><navLabel><text>One</text></navLabel><content src="c1.xhtml"/></navPoint>
<navPoint id="n2" playOrder="2"><navLabel><text>Two</text></navLabel><content src="c2.xhtml#s1"/></navPoint>
</navMap>
</ncx>
"#;

/// The document type of a chapter of an EPUB 2.
pub const DOCTYPE_2: &str = r#"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">"#;

/// The text of a chapter.
fn chapter(doctype: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
{doctype}
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en">
<head><title>Chapter</title>
<link rel="stylesheet" type="text/css" href="style.css"/>
</head>
<body>
{body}
</body>
</html>
"#
    )
}

const BODY_1: &str = r##"<h1 id="top">One</h1>
<p>Words. <a href="c2.xhtml#s1">Two</a> <a href="#top">Top</a> <a href="https://example.com/">Web</a></p>
<p><img src="dot.png" alt="A dot"/></p>"##;
const BODY_2: &str = r#"<h1 id="s1">Two</h1>
<p>More words. <a href="c1.xhtml">One</a></p>"#;

/// A file of a book, and how it is packed.
#[derive(Clone)]
struct File {
    path: String,
    content: Vec<u8>,
    is_stored: bool,
    extra: bool,
}

/// A book that can be changed.
#[derive(Clone)]
pub struct Book {
    files: Vec<File>,
}

impl Book {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let mut book = Self { files: Vec::new() };
        for (path, content) in files {
            book = book.with(path, content);
        }
        book.files[0].is_stored = true;
        book
    }

    /// A sound EPUB 3.
    pub fn epub_3() -> Self {
        let doctype = "<!DOCTYPE html>";
        Self::new(&[
            ("mimetype", b"application/epub+zip"),
            (CONTAINER, CONTAINER_XML.as_bytes()),
            (OPF, OPF_3.as_bytes()),
            (NAV, NAV_XHTML.as_bytes()),
            (C1, chapter(doctype, BODY_1).as_bytes()),
            (C2, chapter(doctype, BODY_2).as_bytes()),
            ("OPS/style.css", b"p { margin: 0 }\n"),
            ("OPS/dot.png", &PNG),
        ])
    }

    /// A sound EPUB 2.
    pub fn epub_2() -> Self {
        Self::new(&[
            ("mimetype", b"application/epub+zip"),
            (CONTAINER, CONTAINER_XML.as_bytes()),
            (OPF, OPF_2.as_bytes()),
            (NCX, NCX_XML.as_bytes()),
            (C1, chapter(DOCTYPE_2, BODY_1).as_bytes()),
            (C2, chapter(DOCTYPE_2, BODY_2).as_bytes()),
            ("OPS/style.css", b"p { margin: 0 }\n"),
            ("OPS/dot.png", &PNG),
        ])
    }

    /// Adds or replaces a file. A path that ends in `/` is a folder.
    pub fn with(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref().to_vec();
        if let Some(file) = self.files.iter_mut().find(|file| file.path == path) {
            file.content = content;
        } else {
            self.files.push(File {
                path: path.to_owned(),
                content,
                is_stored: false,
                extra: false,
            });
        }
        self
    }

    /// Removes a file.
    pub fn without(mut self, path: &str) -> Self {
        let before = self.files.len();
        self.files.retain(|file| file.path != path);
        assert!(self.files.len() < before, "{path}");
        self
    }

    /// Replaces a part of a file's text.
    pub fn edit(mut self, path: &str, from: &str, to: &str) -> Self {
        let mut files = self.files.iter_mut();
        let file = files.find(|file| file.path == path).unwrap();
        let text = String::from_utf8(file.content.clone()).unwrap();
        assert!(text.contains(from), "{path}: {from}");
        file.content = text.replacen(from, to, 1).into_bytes();
        self
    }

    /// Adds an item to the manifest, and its file.
    pub fn with_item(self, item: &str, path: &str, content: impl AsRef<[u8]>) -> Self {
        let end = format!(" {item}\n </manifest>");
        self.edit(OPF, " </manifest>", &end).with(path, content)
    }

    /// Adds to the end of the first chapter's body.
    pub fn with_text(self, markup: &str) -> Self {
        let end = format!("{markup}\n</body>");
        self.edit(C1, "</body>", &end)
    }

    /// Compresses `mimetype`.
    pub fn with_packed_mimetype(mut self) -> Self {
        self.files[0].is_stored = false;
        self
    }

    /// Adds an extra field to `mimetype`.
    pub fn with_extra_field(mut self) -> Self {
        self.files[0].extra = true;
        self
    }

    /// Whether it is an EPUB 3.
    pub fn is_epub_3(&self) -> bool {
        self.files.iter().any(|file| file.path == NAV)
    }

    /// The text of a chapter with this body.
    pub fn chapter(doctype: &str, body: &str) -> String {
        chapter(doctype, body)
    }

    /// Packs the book.
    pub fn pack(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for file in &self.files {
            let mut options = FileOptions::<ExtendedFileOptions>::default();
            if file.path.ends_with('/') {
                zip.add_directory(file.path.as_str(), options).unwrap();
                continue;
            }
            if file.is_stored {
                options = options.compression_method(CompressionMethod::Stored);
            }
            if file.extra {
                let data = [1, 2, 3, 4];
                options.add_extra_field(0x9999, data, false).unwrap();
            }
            zip.start_file(file.path.as_str(), options).unwrap();
            zip.write_all(&file.content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}
