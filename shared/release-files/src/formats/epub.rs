//! Reads EPUB 2 and 3, from the container to the package document.

use std::io::{Read, Seek};

use jobs::{Failure, FailureCode};

use super::archive::Archive;
use super::epub_container::{CONTAINER_PATH, RootFile, read_root_files};
use super::format::Format;
use super::model::{MediaInfo, Metadata};
use super::opf::{self, PackageDocument};
use super::xml::{self, Node};
use crate::WorkError;
use crate::progress::Progress;

/// The entry that contains the media type of an EPUB.
const MIMETYPE_PATH: &str = "mimetype";
/// The largest `mimetype` entry, in bytes.
const MAX_MIMETYPE_BYTES: u64 = 1024;

/// The list of encrypted files.
const ENCRYPTION_PATH: &str = "META-INF/encryption.xml";

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
    let package = read_package(archive)?;
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
    match archive.read(index, MAX_MIMETYPE_BYTES) {
        Ok(content) if content.trim_ascii() == Format::Epub.media_type().as_bytes() => {}
        Ok(_) => progress.warn("The EPUB's mimetype entry contains another type".to_owned()),
        // The container is what a reader needs.
        Err(WorkError::Failed(failure)) => {
            let reason = failure.log_line();
            progress.warn(format!("The EPUB's mimetype entry was not read: {reason}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Reads the package document: the first that the container declares as one, or else the first
/// document that is one.
fn read_package<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
) -> Result<PackageDocument, WorkError> {
    let mut first_failure = None;
    for file in read_root_files(archive)? {
        match read_root_file(archive, &file) {
            Ok(package) => return Ok(package),
            Err(WorkError::Failed(failure)) if may_try_next(&file, failure.code) => {
                first_failure.get_or_insert(failure);
            }
            Err(error) => return Err(error),
        }
    }
    let failure = first_failure.unwrap_or_else(|| {
        let message = "The EPUB's container names no package document.";
        Failure::new(FailureCode::EpubContainerMissing, message)
    });
    Err(failure.into())
}

/// Returns whether the next document may be the book, although this one failed with `code`.
fn may_try_next(file: &RootFile, code: FailureCode) -> bool {
    match code {
        FailureCode::EpubOpfMissing => true,
        // Another rendition of the book, such as a PDF.
        _ => !file.is_package && code != FailureCode::XmlEntitiesRefused,
    }
}

fn read_root_file<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    file: &RootFile,
) -> Result<PackageDocument, WorkError> {
    let index = file.find(archive).ok_or_else(|| file.missing())?;
    let document = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    Ok(opf::parse(&document)?)
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
    .any(|path| archive.find_ignoring_case(path).is_some());
    match encrypts_content(archive) {
        Ok((encrypts, failure)) => {
            locked |= encrypts;
            if let Some(failure) = failure {
                let reason = failure.log_line();
                progress.warn(format!(
                    "{ENCRYPTION_PATH} was not read completely: {reason}"
                ));
            }
        }
        // Title and authors are not encrypted, so they can be read without it.
        Err(WorkError::Failed(failure)) => {
            let reason = failure.log_line();
            progress.warn(format!("{ENCRYPTION_PATH} was not read: {reason}"));
        }
        Err(error) => return Err(error),
    }
    if locked {
        progress.warn("The EPUB is protected by DRM; its content cannot be read".to_owned());
    }
    Ok(locked)
}

/// Returns whether the list of encrypted files has others than fonts, and the failure at which
/// reading it ended early.
fn encrypts_content<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
) -> Result<(bool, Option<Failure>), WorkError> {
    let Some(index) = archive.find_ignoring_case(ENCRYPTION_PATH) else {
        return Ok((false, None));
    };
    let document = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    let mut encrypts_content = false;
    let mut in_data = false;
    let walked = xml::walk(
        &document,
        FailureCode::EpubDamaged,
        &mut |node| match node {
            Node::Open("EncryptedData", _) => in_data = true,
            Node::Close("EncryptedData") => in_data = false,
            Node::Open("EncryptionMethod", attributes) if in_data => {
                let algorithm = attributes.get("Algorithm").unwrap_or_default();
                encrypts_content |= !FONT_OBFUSCATIONS.contains(&algorithm.as_str());
            }
            _ => {}
        },
    );
    Ok((encrypts_content, walked.err()))
}

#[cfg(test)]
#[path = "epub_tests.rs"]
mod tests;
