//! Sample files of the supported formats, for tests.
#![expect(
    clippy::missing_panics_doc,
    reason = "a sample that cannot be built fails its test"
)]

use std::fmt::Write as _;
use std::io::{Cursor, Write};

use flate2::{Compression, write::ZlibEncoder};
use lopdf::{Dictionary, Document, Object, Stream, dictionary, text_string};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An EPUB container that names `OEBPS/content.opf`.
pub const CONTAINER: &str = r#"<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
 <rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"#;

/// A small EPUB 3 package document.
pub const OPF3: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
 <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
  <dc:identifier id="id">urn:isbn:9780306406157</dc:identifier>
  <dc:title>The Title</dc:title><dc:creator>A. Writer</dc:creator>
  <dc:publisher>House</dc:publisher><dc:language>en</dc:language><dc:date>2021-05-06</dc:date>
 </metadata>
 <manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
 <item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/></manifest>
 <spine><itemref idref="nav"/><itemref idref="c1"/></spine>
</package>"#;

/// A red PNG of two by three pixels.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03\x08\x02\0\0\x006\x88I\xd6\
    \0\0\0\x13IDATx\xdac<\xc1\xc0\xc0\xc0\xc0\xc0\xc4\x80L\x01\0\x0f\xf4\0\xce\xa6\xc0\x1a\xbb\0\0\0\0IEND\xaeB`\x82";

/// Builds an EPUB whose cover is [`PNG`].
#[must_use]
pub fn epub_with_cover() -> Vec<u8> {
    let item = "<item id='i' href='cover.png' media-type='image/png' properties='cover-image'/>";
    let opf = OPF3.replace("</manifest>", &format!("{item}</manifest>"));
    epub(&opf, &[("OEBPS/cover.png", PNG)])
}

/// Builds a zip of these files. A name that ends in `/` is a folder; `mimetype` is stored.
#[must_use]
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        if name.ends_with('/') {
            zip.add_directory(*name, options).unwrap();
            continue;
        }
        let stored = *name == "mimetype";
        let method = if stored {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        zip.start_file(*name, options.compression_method(method))
            .unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Adds `bytes` to every offset in the directory of an archive, and to the offset of the directory.
#[must_use]
pub fn moved_by(zip: &[u8], bytes: u32) -> Vec<u8> {
    let mut moved = zip.to_vec();
    for (signature, offset) in [(b"PK\x01\x02", 42), (b"PK\x05\x06", 16)] {
        for at in (0..zip.len()).filter(|at| zip[*at..].starts_with(signature)) {
            let field = &mut moved[at + offset..at + offset + 4];
            let old = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
            field.copy_from_slice(&(old + bytes).to_le_bytes());
        }
    }
    moved
}

/// Builds an EPUB with this package document and more files.
#[must_use]
pub fn epub(opf: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut files: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/content.opf", opf.as_bytes()),
        ("OEBPS/c1.xhtml", b"<html><body>One</body></html>"),
    ];
    files.extend(more);
    zip(&files)
}

/// The beginning of a PNG of this size, in pixels.
#[must_use]
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    [
        b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR",
        &size[..],
        &[8, 0, 0, 0, 0],
    ]
    .concat()
}

/// The beginning of a JPEG of this size, behind at least so many bytes of EXIF.
#[must_use]
pub fn jpeg(width: u16, height: u16, exif: usize) -> Vec<u8> {
    const SEGMENT: u16 = u16::MAX;
    let mut jpeg = b"\xFF\xD8".to_vec();
    while jpeg.len() < exif || jpeg.len() == 2 {
        jpeg.extend([b"\xFF\xE1", &SEGMENT.to_be_bytes()[..], b"Exif\0\0"].concat());
        jpeg.resize(jpeg.len() + usize::from(SEGMENT) - 8, 0x5A);
    }
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    [&jpeg, &b"\xFF\xC0\0\x11\x08"[..], &size, b"\x03\x01\x22\0"].concat()
}

/// The beginning of a GIF of this size.
#[must_use]
pub fn gif(width: u16, height: u16) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [b"GIF89a", &size[..], b"\0\0\0"].concat()
}

/// The beginning of a WebP of this size.
#[must_use]
pub fn webp(width: u16, height: u16) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [
        b"RIFF\x30\0\0\0WEBPVP8 \x20\0\0\0\x10\0\0\x9D\x01\x2A",
        &size[..],
    ]
    .concat()
}

/// Builds a zip of these files, without compression.
#[must_use]
pub fn stored_zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Builds a PDF with a number of pages and this Info dictionary.
#[must_use]
pub fn pdf_document(pages: u32, info: Dictionary) -> Document {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let kids: Vec<Object> = (0..pages)
        .map(|_| {
            let content = document.add_object(Stream::new(Dictionary::new(), b"BT ET".to_vec()));
            let page = dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content };
            document.add_object(page).into()
        })
        .collect();
    let nodes = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => i64::from(pages) };
    document.objects.insert(tree, nodes.into());
    let catalog =
        dictionary! { "Type" => "Catalog", "Pages" => tree, "Lang" => text_string("fr-FR") };
    let catalog = document.add_object(catalog);
    let info = document.add_object(info);
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", info);
    document
}

/// An Info dictionary.
#[must_use]
pub fn pdf_info() -> Dictionary {
    dictionary! {
        "Title" => text_string("Le Détour"),
        "Author" => text_string("Anne Écrit; Paul Dessin"),
        "Keywords" => text_string("Voyage, ISBN 978-0-306-40615-7"),
        "CreationDate" => text_string("D:20190304120000Z"),
        "Producer" => text_string("Maker"),
    }
}

/// Builds a PDF file with a number of pages.
#[must_use]
pub fn pdf(pages: u32) -> Vec<u8> {
    let mut out = Vec::new();
    pdf_document(pages, pdf_info()).save_to(&mut out).unwrap();
    out
}

/// Builds a PDF of a page whose values are all references, and with XMP.
#[must_use]
pub fn pdf_of_references() -> Vec<u8> {
    let xmp = "<?xpacket begin=''?><x:xmpmeta><rdf:RDF><rdf:Description pdf:Producer='P'>\
        <dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Title</rdf:li></rdf:Alt></dc:title>\
        </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";
    let length = xmp.len();
    let xmp = format!("<</Type/Metadata/Length {length}>>stream\n{xmp}\nendstream");
    pdf_of(&[
        b"<</Pages 2 0 R/Lang 5 0 R/Version 6 0 R/Metadata 7 0 R>>",
        b"<</Kids 8 0 R/Count 9 0 R>>",
        b"<</Parent 2 0 R/MediaBox[0 0 9 9]>>",
        b"<</Author 10 0 R/CreationDate 11 0 R>>",
        b"(en)",
        b"/1.7",
        xmp.as_bytes(),
        b"[3 0 R 3 0 R]",
        b"2",
        b"<FEFF001B0065006E001B0041>",
        b"10 0 R",
    ])
}

/// Builds a PDF of two pages with fonts, a form, an annotation and a rotation.
#[must_use]
pub fn pdf_with_fonts() -> Vec<u8> {
    pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>>>",
        b"<</Type/Pages/Kids[3 0 R 5 0 R]/Count 2/MediaBox[0 0 595.28 841.89]/Resources 6 0 R>>",
        b"<</Type/Page/Parent 2 0 R/Annots[9 0 R]/CropBox[10 10 500 700]>>",
        b"<</Producer(P)>>",
        b"<</Type/Page/Parent 2 0 R/Rotate 90>>",
        b"<</Font<</A 7 0 R/B<</Type/Font/Subtype/Type1/BaseFont/Courier>>>>/XObject<</X 10 0 R>>>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/Wide/DescendantFonts[8 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Wide/FontDescriptor<</FontFile2 11 0 R>>>>",
        b"<</Type/Annot/AP<</N<</On 10 0 R>>>>/AS/On>>",
        b"<</Subtype/Form/Resources<</Font<</C 7 0 R>>/XObject<</X 10 0 R>>>>/Length 3>>stream\nq Q\nendstream",
        b"<</Length 4>>stream\nFONT\nendstream",
    ])
}

/// Builds a PDF of a page with an object stream of this index and this content.
#[must_use]
pub fn pdf_with_object_stream(index: &str, content: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(index.as_bytes()).unwrap();
    zlib.write_all(content).unwrap();
    let packed = zlib.finish().unwrap();
    let (members, first, length) = (
        index.split_whitespace().count() / 2,
        index.len(),
        packed.len(),
    );
    let head = format!(
        "<</Type/ObjStm/N {members}/First {first}/Filter/FlateDecode/Length {length}>>stream\n"
    );
    pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R>>",
        b"<</Title(T)/Producer(P)>>",
        &[head.as_bytes(), &packed, b"\nendstream"].concat(),
    ])
}

/// Builds the index of an object stream: for each member, its number and its offset.
#[must_use]
pub fn pdf_index(members: usize, offset: impl Fn(usize) -> usize) -> String {
    (0..members).fold(String::new(), |mut index, at| {
        write!(index, "{} {} ", 1_000 + at, offset(at)).unwrap();
        index
    })
}

/// Builds a PDF of these objects, numbered from 1. The first is the catalog, the fourth the Info
/// dictionary.
#[must_use]
pub fn pdf_of(objects: &[&[u8]]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (object, number) in objects.iter().zip(1..) {
        writeln!(table, "{:010} 00000 n ", pdf.len()).unwrap();
        pdf.extend(
            [
                format!("{number} 0 obj\n").as_bytes(),
                object,
                b"\nendobj\n",
            ]
            .concat(),
        );
    }
    let (at, size) = (pdf.len(), objects.len() + 1);
    let end = format!(
        "xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{at}\n%%EOF\n"
    );
    pdf.extend(end.as_bytes());
    pdf
}

/// PDFs of some 6 KB whose object streams a library parses for minutes, or to gigabytes.
#[must_use]
pub fn pdf_bombs() -> Vec<(&'static str, Vec<u8>)> {
    let open = [&b"["[..], &b"1 0 R ".repeat(400_000)].concat();
    let closed = [&open[..], b"]"].concat();
    let numbered = pdf_index(150_000, |_| 0);
    vec![
        (
            "an array that is parsed again and again",
            pdf_with_object_stream(&"9 0 ".repeat(250_000), &closed),
        ),
        (
            "an open array that is parsed again and again",
            pdf_with_object_stream(&"9 0 ".repeat(250_000), &open),
        ),
        (
            "an array that is kept many times",
            pdf_with_object_stream(&numbered, &closed),
        ),
    ]
}

/// PDFs that take minutes or gigabytes although the index of each object stream is in order.
#[must_use]
pub fn sound_pdf_bombs() -> Vec<(&'static str, Vec<u8>)> {
    let index = pdf_index(20_000, |at| at);
    let arrays = [b"[".repeat(20_000), b"1 0 R ".repeat(600_000)].concat();
    let mut array = b"[".to_vec();
    array.extend(b"1 ".repeat(8_000_000));
    array.push(b']');
    vec![
        (
            "open arrays within one another",
            pdf_with_object_stream(&index, &arrays),
        ),
        (
            "an array of 16 MB",
            pdf_of(&[
                b"<</Type/Catalog/Pages 2 0 R>>",
                b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                b"<</Type/Page/Parent 2 0 R>>",
                b"<</Title(T)/Producer(P)>>",
                &array,
            ]),
        ),
    ]
}
