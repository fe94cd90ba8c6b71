//! Reads EPUB 2 and 3, from the container to the package document.

use std::io::{Read, Seek};

use jobs::{Failure, FailureCode};

use super::archive::Archive;
use super::contents::Book;
use super::cover;
use super::epub_container::{CONTAINER_PATH, RootFile, read_root_files};
use super::epub_path::PathIndex;
use super::findings::{
    BookCheck, Container, FindingId, FindingList, Spot, check_accessibility, check_head,
    percent_decode,
};
use super::format::Format;
use super::model::{Accessibility, Analysis, MediaInfo, Metadata};
use super::opf::{self, PackageDocument};
use super::xml::{self, Node};
use super::{CHECKSUM_STEP, Task, Wanted};
use crate::WorkError;

/// The entry that contains the media type of an EPUB.
const MIMETYPE_PATH: &str = "mimetype";
/// The largest `mimetype` entry, in bytes.
const MAX_MIMETYPE_BYTES: u64 = 1024;

/// The list of encrypted files.
const ENCRYPTION_PATH: &str = "META-INF/encryption.xml";

/// The largest number of encrypted files that are named.
const MAX_ENCRYPTED: usize = 1_000;

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

/// Reads an EPUB and, if they are wanted, its text and its images, together with the checksums.
/// `head` has the first bytes of the file.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    head: &[u8],
    task: &mut Task<'_>,
) -> Result<Analysis, WorkError> {
    let painter = task.painter();
    let findings = &mut task.findings;
    check_head(head, archive.entries(), findings);
    check_mimetype(archive, findings)?;
    let paths = PathIndex::new(archive.entries());
    let documents = read_package(archive, &paths)?;
    let (path, package) = (documents.path, documents.package);
    if package.chapters == 0 {
        let message = "The EPUB has no chapters in its reading order.";
        findings.add(FindingId::Epub006, Spot::file(&path), message);
    }
    if package.toc.is_empty() {
        let message = "The EPUB has no table of contents.";
        findings.add(FindingId::Epub003, Spot::file(&path), message);
    }
    let (is_locked, encrypted) = is_locked(archive, findings)?;
    let is_all_wanted = task.wanted == Wanted::All;
    let mut check = None;
    if is_all_wanted {
        let container = Container {
            entries: archive.entries(),
            has_duplicates: archive.has_duplicate_paths(),
            document: &documents.container,
            encrypted: &encrypted,
        };
        check = BookCheck::begin(&path, &documents.text, &container, &paths, findings);
    }
    let mut analysis = Analysis::new(Metadata::default(), MediaInfo::new(Format::Epub));
    let mut inferred = None;
    if task.wanted != Wanted::Metadata && !is_locked {
        if is_all_wanted {
            task.progress.start_step(CHECKSUM_STEP);
        }
        let book = Book {
            archive,
            paths: &paths,
            path: &path,
            package: &package,
            check,
        };
        let reading = book.read(findings, task.progress)?;
        analysis.contents = reading.contents;
        analysis.images = Some(reading.images);
        inferred = Some(reading.inferred);
        task.digest = Some(reading.digest);
        let document = (path.as_str(), &package);
        let progress = &*task.progress;
        analysis.cover = cover::of_epub(archive, &paths, document, painter, findings, progress)?;
    }
    let accessibility = Accessibility {
        declared: package.accessibility,
        inferred,
    };
    if is_all_wanted {
        check_accessibility(&path, &accessibility, findings);
    }
    Ok(Analysis {
        metadata: package.metadata,
        mediainfo: MediaInfo {
            version: package.version,
            chapters: Some(package.chapters),
            toc: package.toc,
            layout: Some(package.layout),
            producer: package.producer,
            encrypted: is_locked,
            ..analysis.mediainfo
        },
        accessibility: Some(accessibility),
        ..analysis
    })
}

fn check_mimetype<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    findings: &mut FindingList,
) -> Result<(), WorkError> {
    let spot = Spot::file(MIMETYPE_PATH);
    let Some(index) = archive.find(MIMETYPE_PATH) else {
        return Ok(());
    };
    match archive.read(index, MAX_MIMETYPE_BYTES) {
        Ok(content) if content == Format::Epub.media_type().as_bytes() => {}
        Ok(content) if content.trim_ascii() == Format::Epub.media_type().as_bytes() => {
            let message = "The EPUB's mimetype entry has blanks around the type.";
            findings.add(FindingId::Pkg007, spot, message);
        }
        Ok(_) => {
            let message = "The EPUB's mimetype entry contains another type.";
            findings.add(FindingId::Pkg007, spot, message);
        }
        // The container is what a reader needs.
        Err(WorkError::Failed(failure)) => {
            let reason = failure.message;
            let message = format!("The EPUB's mimetype entry was not read: {reason}");
            findings.add(FindingId::Epub004, spot, message);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The documents from the container to the book.
struct Documents {
    /// The text of the container document.
    container: String,
    /// The path of the package document.
    path: String,
    /// The text of the package document.
    text: String,
    /// The package document.
    package: PackageDocument,
}

/// Reads the package document: the first that the container declares as one, or else the first
/// document that is one.
fn read_package<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    paths: &PathIndex,
) -> Result<Documents, WorkError> {
    let mut first_failure = None;
    let (root_files, container) = read_root_files(archive)?;
    for file in root_files {
        match read_root_file(archive, paths, &file) {
            Ok((path, text, package)) => {
                return Ok(Documents {
                    container,
                    path,
                    text,
                    package,
                });
            }
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
    paths: &PathIndex,
    file: &RootFile,
) -> Result<(String, String, PackageDocument), WorkError> {
    let index = paths.find(&file.path).ok_or_else(|| file.missing())?;
    let document = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    let path = archive.entries()[index].path.clone();
    let package = opf::parse(&document)?;
    Ok((path, document, package))
}

/// Returns whether anything other than fonts is encrypted, or the book has a license, and the paths
/// of the encrypted files.
fn is_locked<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    findings: &mut FindingList,
) -> Result<(bool, Vec<String>), WorkError> {
    let mut paths = Vec::new();
    let mut locked = [
        "META-INF/rights.xml",
        "META-INF/license.lcpl",
        "META-INF/sinf.xml",
    ]
    .into_iter()
    .any(|path| archive.find_ignoring_case(path).is_some());
    let spot = Spot::file(ENCRYPTION_PATH);
    match encrypts_content(archive) {
        Ok((encrypts, found, failure)) => {
            (locked, paths) = (locked | encrypts, found);
            if let Some(failure) = failure {
                let reason = failure.message;
                let message = format!("{ENCRYPTION_PATH} was not read completely: {reason}");
                findings.add(FindingId::Epub005, spot, message);
            }
        }
        // Title and authors are not encrypted, so they can be read without it.
        Err(WorkError::Failed(failure)) => {
            let reason = failure.message;
            let message = format!("{ENCRYPTION_PATH} was not read: {reason}");
            findings.add(FindingId::Epub005, spot, message);
        }
        Err(error) => return Err(error),
    }
    if locked {
        let message = "The EPUB is protected by DRM; its content cannot be read.";
        findings.add(FindingId::Epub001, Spot::WHOLE, message);
    }
    Ok((locked, paths))
}

/// Returns whether the list of encrypted files has others than fonts, the paths of the first, and
/// the failure at which reading it ended early.
fn encrypts_content<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
) -> Result<(bool, Vec<String>, Option<Failure>), WorkError> {
    let Some(index) = archive.find_ignoring_case(ENCRYPTION_PATH) else {
        return Ok((false, Vec::new(), None));
    };
    let document = xml::decode(&archive.read(index, xml::MAX_XML_BYTES)?);
    let mut encrypts_content = false;
    let mut paths = Vec::new();
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
            Node::Open("CipherReference", attributes) if paths.len() < MAX_ENCRYPTED => {
                let path = attributes.get("URI");
                paths.extend(path.and_then(|path| percent_decode(&path)));
            }
            _ => {}
        },
    );
    Ok((encrypts_content, paths, walked.err()))
}

#[cfg(test)]
#[path = "epub_tests.rs"]
mod tests;
