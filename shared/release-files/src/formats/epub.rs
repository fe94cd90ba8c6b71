//! EPUB 2 and 3: from the container to the package document.

use std::io::{Read, Seek};

use jobs::{Failure, FailureCode};

use super::archive::Archive;
use super::model::{MediaInfo, Metadata};
use super::opf;
use super::xml::{self, Node};
use crate::WorkError;
use crate::watch::Watch;

/// Where an EPUB says where its package document is.
const CONTAINER: &str = "META-INF/container.xml";
/// The media type that an EPUB's first entry names.
pub const MEDIA_TYPE: &str = "application/epub+zip";

/// Algorithms that only scramble fonts; a book that uses them is not locked.
const FONT_SCRAMBLERS: [&str; 2] = [
    "http://www.idpf.org/2008/embedding",
    "http://ns.adobe.com/pdf/enc#RC",
];

/// Whether the archive claims to be an EPUB: by its `mimetype` entry, or its container.
pub(super) fn is_epub<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<bool, WorkError> {
    if archive.find(CONTAINER).is_some() {
        return Ok(true);
    }
    let Some(index) = archive.find("mimetype") else {
        return Ok(false);
    };
    match archive.read(index, 1024) {
        Ok(content) => Ok(content.trim_ascii() == MEDIA_TYPE.as_bytes()),
        // A zip may contain a broken or large file of this name and be no EPUB.
        Err(WorkError::Failed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads what an EPUB says about itself.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    watch: &mut dyn Watch,
) -> Result<(Metadata, MediaInfo), WorkError> {
    check_mimetype(archive, watch)?;
    let opf_path = package_path(archive)?;
    let Some(index) = archive
        .find(&opf_path)
        .or_else(|| archive.find_ignoring_case(&opf_path))
    else {
        let sentence = format!("The EPUB's package document {opf_path:?} is missing.");
        return Err(WorkError::failed(FailureCode::EpubOpfMissing, sentence));
    };
    let package = opf::parse(&xml::decode(&archive.read(index, xml::MAX_XML)?))?;
    if package.chapters == 0 {
        watch.warn("The EPUB has no chapters in its reading order.".to_owned());
    }
    if !package.has_nav && !package.has_ncx {
        watch.warn("The EPUB has no table of contents.".to_owned());
    }
    let toc = [("nav", package.has_nav), ("ncx", package.has_ncx)];
    let layout = if package.fixed_layout {
        "fixed"
    } else {
        "reflowable"
    };
    let info = MediaInfo {
        format: "epub".to_owned(),
        media_type: MEDIA_TYPE.to_owned(),
        version: package.version,
        chapters: Some(package.chapters),
        toc: toc
            .iter()
            .filter(|(_, has)| *has)
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        layout: Some(layout.to_owned()),
        producer: package.producer,
        encrypted: is_locked(archive, watch)?,
        ..MediaInfo::default()
    };
    Ok((package.metadata, info))
}

fn check_mimetype<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    watch: &mut dyn Watch,
) -> Result<(), WorkError> {
    let first = archive
        .entries()
        .first()
        .is_some_and(|entry| entry.path == "mimetype" && entry.size == entry.compressed_size);
    if !first {
        watch.warn("The EPUB's mimetype is not its first, uncompressed entry.".to_owned());
    }
    let Some(index) = archive.find("mimetype") else {
        return Ok(());
    };
    if archive.read(index, 1024)?.trim_ascii() != MEDIA_TYPE.as_bytes() {
        watch.warn("The EPUB's mimetype entry names another type.".to_owned());
    }
    Ok(())
}

fn package_path<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<String, WorkError> {
    let missing = |sentence| WorkError::failed(FailureCode::EpubContainerMissing, sentence);
    let Some(index) = archive.find_ignoring_case(CONTAINER) else {
        return Err(missing("The EPUB has no META-INF/container.xml."));
    };
    let container = xml::decode(&archive.read(index, xml::MAX_XML)?);
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

/// Whether anything but fonts is encrypted, or the book carries a licence.
fn is_locked<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    watch: &mut dyn Watch,
) -> Result<bool, WorkError> {
    let mut locked = [
        "META-INF/rights.xml",
        "META-INF/license.lcpl",
        "META-INF/sinf.xml",
    ]
    .into_iter()
    .any(|path| archive.find(path).is_some());
    if let Some(index) = archive.find("META-INF/encryption.xml") {
        let document = xml::decode(&archive.read(index, xml::MAX_XML)?);
        locked |= encrypts_content(&document)?;
    }
    if locked {
        watch.warn("The EPUB is protected by DRM; its content cannot be read.".to_owned());
    }
    Ok(locked)
}

fn encrypts_content(document: &str) -> Result<bool, Failure> {
    let mut found = false;
    let mut inside = false;
    xml::walk(document, FailureCode::EpubDamaged, &mut |node| match node {
        Node::Open("EncryptedData", _) => inside = true,
        Node::Close("EncryptedData") => inside = false,
        Node::Open("EncryptionMethod", attributes) if inside => {
            let algorithm = attributes.get("Algorithm").unwrap_or_default();
            found |= !FONT_SCRAMBLERS.contains(&algorithm.as_str());
        }
        _ => {}
    })?;
    Ok(found)
}
