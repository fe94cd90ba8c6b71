//! Analyzes files: their format, their metadata, and the files inside them.
//!
//! The memory it uses does not grow with the file. [`archive`] also unpacks packages.

mod accessibility;
pub mod archive;
mod archive_name;
mod chapter;
mod comic;
mod comic_xml;
mod contents;
mod contents_tree;
mod cover;
mod detect;
mod digest;
mod document_pass;
mod entry_scan;
mod epub;
mod epub_container;
mod epub_path;
mod extent;
pub mod findings;
mod format;
mod html_entities;
mod html_text;
mod image_facts;
mod images;
mod language;
mod local_header;
mod marks;
mod model;
mod opf;
mod opf_metadata;
mod pdf;
mod pdf_facts;
mod pdf_header;
mod plain;
mod prefixed_zip;
#[cfg(test)]
mod property_tests;
mod reading_order;
mod roles;
#[cfg(any(test, feature = "testing"))]
pub mod samples;
mod source;
mod table_of_contents;
#[cfg(test)]
mod tests;
mod words;
mod xml;

use std::io::{Read, Seek};

use jobs::FailureCode;

use self::archive::{Archive, ArchiveEntry};
pub(crate) use self::cover::draw as draw_thumbnail;
#[cfg(test)]
pub(crate) use self::cover::samples as cover_samples;
pub use self::cover::{Cover, Thumbnail};
use self::digest::Digest;
pub use self::extent::Extent;
use self::findings::{FindingId, FindingList, Spot, write_log};
pub use self::format::Format;
pub(crate) use self::html_text::html_text;
pub use self::image_facts::{
    DuplicatePage, ImagePage, Images, LargestImage, PageListDifference, PageListField,
};
pub use self::model::{
    Accessibility, Analysis, Chapter, Contents, ContentsEntry, Contributor, DeclaredAccessibility,
    Identifier, InferredAccessibility, Layout, MediaInfo, Metadata, Structure, StructureFile,
    TableOfContents,
};
pub(crate) use self::pdf::read_bytes as read_pdf;
pub use self::pdf_facts::{PdfCipher, PdfEncryption, PdfFacts, PdfPermissions};
use self::source::Source;
use crate::WorkError;
use crate::checksum::format_crc32;
use crate::isolation::Run;
use crate::paths::file_name;
use crate::progress::Progress;

/// Analyzes the file in `reader`, which has `size` bytes.
///
/// `path` is only used in messages; the format is detected from the content. The steps are `read`
/// and `checksum`; the latter reports its progress in bytes. A library that needs bounds runs by
/// `run`.
///
/// # Errors
/// [`WorkError::Failed`] if the file cannot be analyzed.
pub fn analyze<R: Read + Seek>(
    reader: &mut R,
    path: &str,
    size: u64,
    run: Run<'_>,
    progress: &mut dyn Progress,
) -> Result<Analysis, WorkError> {
    progress.check_cancelled()?;
    require_content(path, size)?;
    progress.start_step("read");
    let mut task = Task::new(Wanted::All, run, progress);
    let mut analysis = read(Source::new(reader, size), &mut task)?;
    let Task {
        mut findings,
        digest,
        progress,
        ..
    } = task;
    check_extension(path, analysis.mediainfo.format, &mut findings);
    (analysis.findings, analysis.findings_total) = findings.finish();
    write_log(&analysis.findings, progress);
    let digest = if let Some(digest) = digest {
        digest
    } else {
        progress.start_step(CHECKSUM_STEP);
        digest::digest(&mut Source::new(reader, size), &mut |_| {}, progress)?
    };
    let info = &mut analysis.mediainfo;
    info.size = size;
    info.crc32 = format_crc32(digest.crc32);
    info.sha256 = digest.sha256;
    if info.encoding.is_some() {
        info.lines = Some(digest.line_feeds);
    }
    Ok(analysis)
}

/// What a file says of the work in it.
#[derive(Debug)]
pub struct Description {
    /// The metadata.
    pub metadata: Metadata,
    /// The file's format.
    pub format: Format,
    /// What an EPUB says of its accessibility.
    pub accessibility: DeclaredAccessibility,
    /// How much of it there is, as far as it was read.
    pub extent: Extent,
}

/// The largest book whose text is read by [`describe`], in bytes.
pub const MAX_DESCRIBED_BYTES: u64 = 8 * 1024 * 1024;

/// Reads what the file in `reader`, which has `size` bytes, says of the work in it. Unlike
/// [`analyze`], it reads only the parts of a large file that say it. It reads the text and the cover
/// of a small one, of at most [`MAX_DESCRIBED_BYTES`].
///
/// # Errors
/// [`WorkError::Failed`] if the file cannot be analyzed.
pub fn describe<R: Read + Seek>(
    reader: &mut R,
    path: &str,
    size: u64,
    run: Run<'_>,
    progress: &mut dyn Progress,
) -> Result<Description, WorkError> {
    require_content(path, size)?;
    let wanted = if size <= MAX_DESCRIBED_BYTES {
        Wanted::Text
    } else {
        Wanted::Metadata
    };
    let mut task = Task::new(wanted, run, progress);
    let analysis = read(Source::new(reader, size), &mut task)?;
    write_log(&task.findings.finish().0, task.progress);
    Ok(Description {
        extent: Extent::from_analysis(&analysis),
        metadata: analysis.metadata,
        format: analysis.mediainfo.format,
        accessibility: analysis.accessibility.unwrap_or_default().declared,
    })
}

/// Reads a package document that is a file of its own: the metadata of a book, and what it says of
/// its accessibility.
///
/// # Errors
/// [`FailureCode::EpubDamaged`] if it is none.
pub fn read_package_document(bytes: &[u8]) -> Result<(Metadata, DeclaredAccessibility), WorkError> {
    let package = opf::parse(&xml::decode(bytes))?;
    Ok((package.metadata, package.accessibility))
}

/// The largest package document that [`read_package_document`] is for, in bytes.
pub const MAX_PACKAGE_DOCUMENT_BYTES: u64 = xml::MAX_XML_BYTES;

fn require_content(path: &str, size: u64) -> Result<(), WorkError> {
    if size == 0 {
        let message = format!("The file {path:?} is empty; upload it again.");
        return Err(WorkError::failed(FailureCode::FileEmpty, message));
    }
    Ok(())
}

/// What is read of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Its metadata and its properties.
    Metadata,
    /// The text of a book and the size of its cover, too.
    Text,
    /// Everything: also the checksums, the findings and a thumbnail.
    All,
}

/// The step that reads the whole file.
const CHECKSUM_STEP: &str = "checksum";

/// The reading of a file.
struct Task<'t> {
    wanted: Wanted,
    run: Run<'t>,
    findings: FindingList,
    /// The checksums, if they were computed while the text or the images were read.
    digest: Option<Digest>,
    progress: &'t mut dyn Progress,
}

impl<'t> Task<'t> {
    fn new(wanted: Wanted, run: Run<'t>, progress: &'t mut dyn Progress) -> Self {
        Self {
            wanted,
            run,
            findings: FindingList::default(),
            digest: None,
            progress,
        }
    }

    /// What draws the thumbnail, if it is wanted.
    fn painter(&self) -> Option<Run<'t>> {
        (self.wanted == Wanted::All).then_some(self.run)
    }
}

/// Reads a file, but for its checksums.
fn read<R: Read + Seek>(
    mut source: Source<'_, R>,
    task: &mut Task<'_>,
) -> Result<Analysis, WorkError> {
    let head = source.read_at(0, detect::HEAD_BYTES)?;
    let tail_start = source.size().saturating_sub(detect::TAIL_BYTES);
    let mut format = detect::detect(&head, || source.read_at(tail_start, detect::TAIL_BYTES))?;
    if prefixed_zip::is_zip(format, &head, &mut source)? {
        format = Format::Zip;
    }
    match format {
        Format::Zip => read_zip(&mut Archive::from_source(source)?, &head, task),
        Format::Pdf => {
            let pdf = pdf::read(&mut source, task.run, &mut task.findings, task.progress)?;
            Ok(Analysis {
                contents: pdf.contents,
                pdf: Some(pdf.facts),
                ..Analysis::new(pdf.metadata, pdf.info)
            })
        }
        Format::Text => {
            let sample = source.read_at(0, plain::SAMPLE_BYTES)?;
            Ok(Analysis::new(Metadata::default(), plain::read(&sample)))
        }
        format => {
            if format == Format::Unknown {
                let message = "The format of the file is not known.";
                task.findings.add(FindingId::File001, Spot::WHOLE, message);
            }
            Ok(Analysis::new(Metadata::default(), MediaInfo::new(format)))
        }
    }
}

fn read_zip<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    head: &[u8],
    task: &mut Task<'_>,
) -> Result<Analysis, WorkError> {
    for (id, warning) in archive.name_oddities() {
        task.findings.add(id, Spot::WHOLE, format!("{warning}."));
    }
    let analysis = if epub::is_epub(archive)? {
        epub::read(archive, head, task)?
    } else if comic::is_comic(archive.entries()) {
        comic::read(archive, task)?
    } else {
        let info = MediaInfo {
            encrypted: archive.entries().iter().any(|entry| entry.encrypted),
            ..MediaInfo::new(Format::Zip)
        };
        Analysis::new(Metadata::default(), info)
    };
    Ok(Analysis {
        structure: structure(archive.entries()),
        ..analysis
    })
}

fn structure(entries: &[ArchiveEntry]) -> Structure {
    let files = || entries.iter().filter(|entry| !entry.is_dir);
    let total = files().count();
    let listed = files()
        .take(Structure::MAX_FILES)
        .map(|entry| StructureFile {
            path: entry.path.clone(),
            size: entry.size,
            compressed_size: entry.compressed_size,
            crc32: format_crc32(entry.crc32),
            encrypted: entry.encrypted,
        });
    Structure {
        files: listed.collect(),
        files_total: total as u64,
        files_truncated: total > Structure::MAX_FILES,
        total_size: files().fold(0, |sum, entry| sum.saturating_add(entry.size)),
    }
}

fn check_extension(path: &str, format: Format, findings: &mut FindingList) {
    let name = file_name(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return;
    };
    if format == Format::Epub && extension.eq_ignore_ascii_case("epub") && extension != "epub" {
        let message = format!("The extension of {name:?} is not in lower case.");
        findings.add(FindingId::Pkg016, Spot::WHOLE, message);
    }
    if !format.allows_extension(extension) {
        let format = format.as_str();
        let message = format!("The format of {name:?} is {format}, unlike its name.");
        findings.add(FindingId::File002, Spot::WHOLE, message);
    }
}
