//! Makes hostile and broken files.

use std::io::{Cursor, Write as _};

use release_files::formats::samples;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Returns 990 metadata elements with this name and a long text.
pub(super) fn long_elements(name: &str) -> String {
    format!("<dc:{name}>{}</dc:{name}>", "x".repeat(1_000)).repeat(990)
}

/// Returns an EPUB with more metadata elements.
pub(super) fn with_metadata(elements: &str) -> Vec<u8> {
    let end = format!("{elements}</metadata>");
    samples::epub(&samples::OPF3.replace("</metadata>", &end), &[])
}

/// Returns an EPUB whose container names this package document.
pub(super) fn replaced_container(path: &str) -> Vec<u8> {
    let container = samples::CONTAINER.replace("OEBPS/content.opf", path);
    samples::zip(&[
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", container.as_bytes()),
    ])
}

/// Returns an NFO with a list of files.
pub(super) fn listing(count: usize) -> Vec<u8> {
    let lines: Vec<String> = (0..count).map(|at| format!("f{at}.zip\r\n")).collect();
    ("Files\r\n".to_owned() + &lines.concat()).into_bytes()
}

/// Replaces every occurrence of `from` with `to`, which has the same length.
pub(super) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    assert!(!at.is_empty(), "nothing to replace");
    for at in at {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// Overwrites bytes in each local header, at offset `local`, and in each directory entry, at offset
/// `central`.
pub(super) fn with_headers(bytes: &[u8], local: usize, central: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (signature, offset) in [(b"PK\x03\x04", local), (b"PK\x01\x02", central)] {
        let at: Vec<usize> = (0..bytes.len())
            .filter(|at| bytes[*at..].starts_with(signature))
            .collect();
        for at in at {
            bytes[at + offset..at + offset + value.len()].copy_from_slice(value);
        }
    }
    bytes
}

/// Returns a zip of `count` files with this content.
pub(super) fn zip_with(count: usize, content: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for at in 0..count {
        zip.start_file(format!("{at}.txt"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Returns a zip with a symbolic link.
pub(super) fn symlink() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    zip.finish().unwrap().into_inner()
}

/// Returns an EPUB in which `&lol9;` expands to a billion times `lol`.
pub(super) fn billion_laughs() -> Vec<u8> {
    let level = |at| {
        format!(
            "<!ENTITY lol{at} \"{}\">",
            format!("&lol{};", at - 1).repeat(10)
        )
    };
    let levels = (1..10).map(level).collect::<Vec<_>>().concat();
    let doctype = format!("<!DOCTYPE package [<!ENTITY lol0 \"lol\">{levels}]><package");
    let opf = samples::OPF3
        .replace("<package", &doctype)
        .replace("The Title", "&lol9;");
    samples::epub(&opf, &[])
}

/// Returns a PDF that declares an encryption.
pub(super) fn encrypted_pdf() -> Vec<u8> {
    let mut document = samples::pdf_document(1, samples::pdf_info());
    document.trailer.set(
        "Encrypt",
        lopdf::dictionary! { "Filter" => "Standard", "V" => 9 },
    );
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}
