//! The container document of an EPUB, which names its package documents.

use std::io::{Read, Seek};

use jobs::{Failure, FailureCode};
use text::{excerpt, name_key};

use super::archive::Archive;
use super::xml::{self, Node};
use crate::WorkError;

/// The file that names the package document.
pub const CONTAINER_PATH: &str = "META-INF/container.xml";

/// The media type of a package document.
const PACKAGE_TYPE: &str = "application/oebps-package+xml";
/// The largest number of documents that are tried.
const MAX_ROOT_FILES: usize = 16;
/// The longest excerpt of a path in a message, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// A document that the container names.
#[derive(Debug, PartialEq)]
pub struct RootFile {
    /// The path, as in the container.
    pub path: String,
    /// True if its media type is that of a package document.
    pub is_package: bool,
}

impl RootFile {
    /// The error that the archive does not have the document.
    pub fn missing(&self) -> Failure {
        let path = excerpt(&self.path, MAX_SHOWN_CHARS);
        let message = format!("The EPUB's package document {path:?} is missing.");
        Failure::new(FailureCode::EpubOpfMissing, message)
    }

    /// Finds the document in the archive: by its path as it is, or else by what careless tools mean
    /// by it, or else by the path in another case, or with its accents composed otherwise.
    pub fn find<R: Read + Seek>(&self, archive: &Archive<'_, R>) -> Option<usize> {
        let paths = candidate_paths(&self.path);
        let exact = paths.iter().find_map(|path| archive.find(path));
        exact
            .or_else(|| {
                paths
                    .iter()
                    .find_map(|path| archive.find_ignoring_case(path))
            })
            .or_else(|| {
                let keys: Vec<String> = paths.iter().map(|path| name_key(path)).collect();
                let mut entries = archive.entries().iter();
                entries.position(|entry| !entry.is_dir && keys.contains(&name_key(&entry.path)))
            })
    }
}

/// Reads the container: its package documents, those with the right media type first.
///
/// # Errors
/// [`FailureCode::EpubContainerMissing`] if there is no container, or it names no document;
/// [`FailureCode::EpubDamaged`]; or those of reading the archive.
pub fn read_root_files<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
) -> Result<Vec<RootFile>, WorkError> {
    let missing = |message| WorkError::failed(FailureCode::EpubContainerMissing, message);
    let Some(index) = archive.find_ignoring_case(CONTAINER_PATH) else {
        return Err(missing("The EPUB has no META-INF/container.xml."));
    };
    let container = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    let root_files = parse(&container)?;
    if root_files.is_empty() {
        return Err(missing("The EPUB's container names no package document."));
    }
    Ok(root_files)
}

fn parse(container: &str) -> Result<Vec<RootFile>, Failure> {
    let mut found = Vec::new();
    xml::walk(container, FailureCode::EpubDamaged, &mut |node| {
        if let Node::Open(name, attributes) = node
            && name.eq_ignore_ascii_case("rootfile")
            && found.len() < MAX_ROOT_FILES
            && let Some(path) = attributes.get("full-path")
            && !path.trim().trim_start_matches('/').is_empty()
        {
            let media_type = attributes.get("media-type").unwrap_or_default();
            let is_package = media_type.trim().eq_ignore_ascii_case(PACKAGE_TYPE);
            found.push(RootFile { path, is_package });
        }
    })?;
    // The sort is stable: the first package document is the book.
    found.sort_by_key(|file| !file.is_package);
    Ok(found)
}

/// Returns the paths in the archive that a path in the container may mean, the likeliest first. It
/// is a URL by the standard, but many tools write the plain name.
fn candidate_paths(path: &str) -> Vec<String> {
    let decoded = percent_decode(path);
    let mut paths = vec![path.to_owned(), resolve(path), resolve(&decoded)];
    paths.dedup();
    paths
}

/// Resolves a path from the top of the archive: blanks around it, `.` and empty components are
/// dropped, `..` leaves a folder but not the archive, and a backslash separates folders.
fn resolve(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.trim().split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Replaces `%` and two hexadecimal digits with the byte that they mean, and keeps any other `%`.
fn percent_decode(path: &str) -> String {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after
            .first_chunk::<2>()
            .filter(|_| byte == b'%')
            .and_then(|digits| hex::decode(digits).ok());
        if let Some(escaped) = escaped {
            decoded.extend(escaped);
            rest = &after[2..];
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::formats::samples;

    fn found(full_path: &str, entries: &[&str]) -> Option<String> {
        let files: Vec<(&str, &[u8])> = entries.iter().map(|path| (*path, &b"x"[..])).collect();
        let bytes = samples::zip(&files);
        let mut cursor = Cursor::new(&bytes);
        let archive = Archive::open(&mut cursor, bytes.len() as u64).unwrap();
        let file = RootFile {
            path: full_path.to_owned(),
            is_package: true,
        };
        let index = file.find(&archive)?;
        Some(archive.entries()[index].path.clone())
    }

    #[test]
    fn package_document_is_found_by_careless_paths() {
        for (full_path, entry) in [
            ("OEBPS/content.opf", "OEBPS/content.opf"),
            ("./OEBPS/content.opf", "OEBPS/content.opf"),
            ("/OEBPS/content.opf", "OEBPS/content.opf"),
            (" OEBPS/content.opf\n", "OEBPS/content.opf"),
            ("OEBPS\\content.opf", "OEBPS/content.opf"),
            ("\\OEBPS\\.\\content.opf", "OEBPS/content.opf"),
            ("../OEBPS//content.opf", "OEBPS/content.opf"),
            ("META-INF/../OEBPS/content.opf", "OEBPS/content.opf"),
            ("oebps/Content.OPF", "OEBPS/content.opf"),
            ("OPS/%C3%A9t%C3%A9.opf", "OPS/été.opf"),
            ("OPS/100%25%20Book.opf", "OPS/100% Book.opf"),
            ("OPS%2Fa.opf", "OPS/a.opf"),
            ("ops/A%20b.opf", "OPS/a B.opf"),
            ("%zz%.opf", "%zz%.opf"),
            ("OPS/\u{e9}.opf", "OPS/e\u{301}.opf"),
            ("OPS/e\u{301}.opf", "OPS/\u{e9}.opf"),
            ("OPS/e%CC%81.opf", "OPS/\u{e9}.opf"),
            ("ops/%C3%89.opf", "OPS/e\u{301}.OPF"),
        ] {
            let path = found(full_path, &["mimetype", entry]);
            assert_eq!(path.as_deref(), Some(entry), "{full_path}");
        }
        assert_eq!(found("a.opf", &["b.opf", "x/a.opf"]), None);
        assert_eq!(found("..", &["a.opf"]), None);
    }

    #[test]
    fn path_is_tried_as_it_is_before_it_is_decoded() {
        let both = ["OPS/a b.opf", "OPS/a%20b.opf"];
        assert_eq!(found("OPS/a%20b.opf", &both).as_deref(), Some(both[1]));
        assert_eq!(found("OPS/A%20b.opf", &both).as_deref(), Some(both[1]));
        assert_eq!(found("OPS/a b.opf", &both).as_deref(), Some(both[0]));
    }

    #[test]
    fn package_documents_come_before_other_renditions() {
        let container = "<container><rootfiles><rootfile full-path='a.pdf' media-type='application/pdf'/>\
            <rootfile media-type='application/oebps-package+xml'/><rootfile full-path=' '/>\
            <rootfile full-path='b.opf' media-type=' Application/OEBPS-package+xml'/>\
            <rootfile full-path='c.opf' media-type='application/oebps-package+xml'/>\
            </rootfiles></container>";
        let files = parse(container).unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.is_package))
            .collect();
        assert_eq!(paths, [("b.opf", true), ("c.opf", true), ("a.pdf", false)]);
        let many = format!("<c>{}</c>", "<rootfile full-path='a'/>".repeat(1_000));
        assert_eq!(parse(&many).unwrap().len(), MAX_ROOT_FILES);
    }
}
