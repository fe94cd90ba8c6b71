//! Analyzes files: their format, their metadata, and the files inside them.
//!
//! The memory it uses does not grow with the file. [`archive`] also unpacks packages.

pub mod archive;
mod archive_name;
mod comic;
mod comic_xml;
mod detect;
mod digest;
mod epub;
mod epub_container;
mod format;
mod html_entities;
mod local_header;
mod marks;
mod model;
mod opf;
mod opf_metadata;
mod pdf;
mod pdf_header;
mod plain;
mod prefixed_zip;
#[cfg(test)]
mod property_tests;
mod roles;
#[cfg(any(test, feature = "testing"))]
pub mod samples;
mod source;
#[cfg(test)]
mod tests;
mod xml;

use std::io::{Read, Seek};

use jobs::FailureCode;

use self::archive::{Archive, ArchiveEntry};
pub use self::format::Format;
pub use self::model::{
    Analysis, Contributor, Identifier, Layout, MediaInfo, Metadata, Structure, StructureFile,
    TableOfContents,
};
pub(crate) use self::pdf::read_bytes as read_pdf;
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
    let mut analysis = read(reader, size, run, progress)?;
    let info = &mut analysis.mediainfo;
    info.size = size;
    warn_about_extension(path, info.format, progress);
    progress.start_step("checksum");
    let digest = digest::digest(&mut Source::new(reader, size), progress)?;
    info.crc32 = format_crc32(digest.crc32);
    info.sha256 = digest.sha256;
    if info.encoding.is_some() {
        info.lines = Some(digest.line_feeds);
    }
    Ok(analysis)
}

/// Reads the metadata of the file in `reader`, which has `size` bytes, and its format. Unlike
/// [`analyze`], it reads only the parts of the file that have them.
///
/// # Errors
/// [`WorkError::Failed`] if the file cannot be analyzed.
pub fn read_metadata<R: Read + Seek>(
    reader: &mut R,
    path: &str,
    size: u64,
    run: Run<'_>,
    progress: &mut dyn Progress,
) -> Result<(Metadata, Format), WorkError> {
    require_content(path, size)?;
    let analysis = read(reader, size, run, progress)?;
    Ok((analysis.metadata, analysis.mediainfo.format))
}

fn require_content(path: &str, size: u64) -> Result<(), WorkError> {
    if size == 0 {
        let message = format!("The file {path:?} is empty; upload it again.");
        return Err(WorkError::failed(FailureCode::FileEmpty, message));
    }
    Ok(())
}

fn read<R: Read + Seek>(
    reader: &mut R,
    size: u64,
    run: Run<'_>,
    progress: &mut dyn Progress,
) -> Result<Analysis, WorkError> {
    let mut source = Source::new(reader, size);
    let head = source.read_at(0, detect::HEAD_BYTES)?;
    let tail_start = size.saturating_sub(detect::TAIL_BYTES);
    let mut format = detect::detect(&head, || source.read_at(tail_start, detect::TAIL_BYTES))?;
    if prefixed_zip::is_zip(format, &head, &mut source)? {
        format = Format::Zip;
    }
    let (metadata, mediainfo) = match format {
        Format::Zip => return read_zip(Archive::from_source(source)?, progress),
        Format::Pdf => pdf::read(&mut source, run, progress)?,
        Format::Text => {
            let sample = source.read_at(0, plain::SAMPLE_BYTES)?;
            (Metadata::default(), plain::read(&sample))
        }
        format => {
            if format == Format::Unknown {
                progress.warn("The format of the file is not known".to_owned());
            }
            (Metadata::default(), MediaInfo::new(format))
        }
    };
    Ok(Analysis {
        metadata,
        mediainfo,
        structure: Structure::default(),
    })
}

fn read_zip<R: Read + Seek>(
    mut archive: Archive<'_, R>,
    progress: &mut dyn Progress,
) -> Result<Analysis, WorkError> {
    for warning in archive.name_warnings() {
        progress.warn(warning);
    }
    let (metadata, mediainfo) = if epub::is_epub(&mut archive)? {
        epub::read(&mut archive, progress)?
    } else if comic::is_comic(archive.entries()) {
        comic::read(&mut archive, progress)?
    } else {
        let info = MediaInfo {
            encrypted: archive.entries().iter().any(|entry| entry.encrypted),
            ..MediaInfo::new(Format::Zip)
        };
        (Metadata::default(), info)
    };
    Ok(Analysis {
        metadata,
        mediainfo,
        structure: structure(archive.entries()),
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

fn warn_about_extension(path: &str, format: Format, progress: &mut dyn Progress) {
    let name = file_name(path);
    if let Some((_, extension)) = name.rsplit_once('.')
        && !format.allows_extension(extension)
    {
        let format = format.as_str();
        progress.warn(format!(
            "The format of {name:?} is {format}, unlike its name"
        ));
    }
}
