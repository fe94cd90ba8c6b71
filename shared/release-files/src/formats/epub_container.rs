//! The container document of an EPUB, which names its package documents.

use std::io::{Read, Seek};

use jobs::{Failure, FailureCode};
use text::excerpt;

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
}

/// Reads the container: its package documents, those with the right media type first, and its text.
///
/// # Errors
/// [`FailureCode::EpubContainerMissing`] if there is no container, or it names no document;
/// [`FailureCode::EpubDamaged`]; or those of reading the archive.
pub fn read_root_files<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
) -> Result<(Vec<RootFile>, String), WorkError> {
    let missing = |message| WorkError::failed(FailureCode::EpubContainerMissing, message);
    let Some(index) = archive.find_ignoring_case(CONTAINER_PATH) else {
        return Err(missing("The EPUB has no META-INF/container.xml."));
    };
    let container = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    let root_files = parse(&container)?;
    if root_files.is_empty() {
        return Err(missing("The EPUB's container names no package document."));
    }
    Ok((root_files, container))
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

#[cfg(test)]
mod tests {
    use super::*;

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
