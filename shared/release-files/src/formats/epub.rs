//! Reads EPUB 2 and 3, from the container to the package document.

use std::io::{Read, Seek};

use jobs::{Failure, FailureCode};

use super::archive::Archive;
use super::format::Format;
use super::model::{MediaInfo, Metadata};
use super::opf;
use super::xml::{self, Node};
use crate::WorkError;
use crate::progress::Progress;

/// The file that names the package document.
const CONTAINER_PATH: &str = "META-INF/container.xml";
/// The entry that contains the media type of an EPUB.
const MIMETYPE_PATH: &str = "mimetype";
/// The largest `mimetype` entry, in bytes.
const MAX_MIMETYPE_BYTES: u64 = 1024;

/// The algorithms that only obfuscate fonts. A book that uses them is not locked.
const FONT_OBFUSCATIONS: [&str; 2] = [
    "http://www.idpf.org/2008/embedding",
    "http://ns.adobe.com/pdf/enc#RC",
];

/// Returns whether the archive is an EPUB by its `mimetype` entry or its container.
pub(super) fn is_epub<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<bool, WorkError> {
    if archive.find(CONTAINER_PATH).is_some() {
        return Ok(true);
    }
    let Some(index) = archive.find(MIMETYPE_PATH) else {
        return Ok(false);
    };
    match archive.read(index, MAX_MIMETYPE_BYTES) {
        Ok(content) => Ok(content.trim_ascii() == Format::Epub.media_type().as_bytes()),
        // A different kind of zip may have a damaged or large file with this name.
        Err(WorkError::Failed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads an EPUB's metadata and properties.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    progress: &mut dyn Progress,
) -> Result<(Metadata, MediaInfo), WorkError> {
    check_mimetype(archive, progress)?;
    let opf_path = package_path(archive)?;
    let Some(index) = archive
        .find(&opf_path)
        .or_else(|| archive.find_ignoring_case(&opf_path))
    else {
        let message = format!("The EPUB's package document {opf_path:?} is missing.");
        return Err(WorkError::failed(FailureCode::EpubOpfMissing, message));
    };
    let package = opf::parse(&xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?))?;
    if package.chapters == 0 {
        progress.warn("The EPUB has no chapters in its reading order".to_owned());
    }
    if package.toc.is_empty() {
        progress.warn("The EPUB has no table of contents".to_owned());
    }
    let info = MediaInfo {
        version: package.version,
        chapters: Some(package.chapters),
        toc: package.toc,
        layout: Some(package.layout),
        producer: package.producer,
        encrypted: is_locked(archive, progress)?,
        ..MediaInfo::new(Format::Epub)
    };
    Ok((package.metadata, info))
}

fn check_mimetype<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    progress: &mut dyn Progress,
) -> Result<(), WorkError> {
    let first = archive
        .entries()
        .first()
        .is_some_and(|entry| entry.path == MIMETYPE_PATH && entry.size == entry.compressed_size);
    if !first {
        progress.warn("The EPUB's first entry is not an uncompressed mimetype".to_owned());
    }
    let Some(index) = archive.find(MIMETYPE_PATH) else {
        return Ok(());
    };
    if archive.read(index, MAX_MIMETYPE_BYTES)?.trim_ascii() != Format::Epub.media_type().as_bytes()
    {
        progress.warn("The EPUB's mimetype entry contains another type".to_owned());
    }
    Ok(())
}

fn package_path<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<String, WorkError> {
    let missing = |message| WorkError::failed(FailureCode::EpubContainerMissing, message);
    let Some(index) = archive.find_ignoring_case(CONTAINER_PATH) else {
        return Err(missing("The EPUB has no META-INF/container.xml."));
    };
    let container = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    let mut path = None;
    xml::walk(&container, FailureCode::EpubDamaged, &mut |node| {
        if let Node::Open("rootfile", attributes) = node
            && path.is_none()
        {
            path = attributes.get("full-path");
        }
    })?;
    let path = path.map(|path| path.trim_start_matches('/').to_owned());
    path.filter(|path| !path.is_empty())
        .ok_or_else(|| missing("The EPUB's container names no package document."))
}

/// Returns whether anything other than fonts is encrypted, or the book has a license.
fn is_locked<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    progress: &mut dyn Progress,
) -> Result<bool, WorkError> {
    let mut locked = [
        "META-INF/rights.xml",
        "META-INF/license.lcpl",
        "META-INF/sinf.xml",
    ]
    .into_iter()
    .any(|path| archive.find(path).is_some());
    if let Some(index) = archive.find("META-INF/encryption.xml") {
        let document = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
        locked |= encrypts_content(&document)?;
    }
    if locked {
        progress.warn("The EPUB is protected by DRM; its content cannot be read".to_owned());
    }
    Ok(locked)
}

fn encrypts_content(document: &str) -> Result<bool, Failure> {
    let mut encrypts_content = false;
    let mut in_data = false;
    xml::walk(document, FailureCode::EpubDamaged, &mut |node| match node {
        Node::Open("EncryptedData", _) => in_data = true,
        Node::Close("EncryptedData") => in_data = false,
        Node::Open("EncryptionMethod", attributes) if in_data => {
            let algorithm = attributes.get("Algorithm").unwrap_or_default();
            encrypts_content |= !FONT_OBFUSCATIONS.contains(&algorithm.as_str());
        }
        _ => {}
    })?;
    Ok(encrypts_content)
}
