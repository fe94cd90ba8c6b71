//! Reading files: what they are, what they say about themselves, what is in them.
//!
//! Pure work over `Read + Seek`, in memory that does not grow with the file. [`analyse`] is the
//! entrance; [`archive`] also serves whoever unpacks a package.

pub mod archive;
mod comic;
pub mod detect;
pub mod digest;
pub mod entry_name;
mod epub;
pub mod isbn;
pub mod model;
pub mod opf;
mod pdf;
mod pdf_scan;
mod plain;
mod source;
pub mod text;
pub mod xml;

use std::io::{Read, Seek};

use archive::{Archive, Entry};
use detect::Kind;
use jobs::FailureCode;
pub use model::{Analysis, Contributor, Identifier, MediaInfo, Metadata, Structure, StructureFile};
use source::Source;

use crate::WorkError;
use crate::watch::Watch;

/// Analyses the file in `reader`.
///
/// `path` only serves messages: the format is found from the content. `size` is the file's size
/// in bytes. The steps are `read` and `checksum`; the latter reports its progress in bytes.
///
/// # Errors
/// [`WorkError::Failed`] with a code of [`code`] when the file can never be analysed,
/// [`WorkError::Io`] when it could not be read, [`WorkError::Stopped`] as `watch` says.
pub fn analyse<R: Read + Seek>(
    reader: &mut R,
    path: &str,
    size: u64,
    watch: &mut dyn Watch,
) -> Result<Analysis, WorkError> {
    watch.stopped()?;
    if size == 0 {
        let sentence = format!("The file {path:?} is empty.");
        return Err(WorkError::failed(FailureCode::FileEmpty, sentence));
    }
    watch.step("read");
    let mut analysis = read(reader, size, watch)?;
    let info = &mut analysis.mediainfo;
    info.size = size;
    warn_of_extension(path, &info.format, watch);
    watch.step("checksum");
    let digest = digest::digest(&mut Source::new(reader, size), watch)?;
    info.crc32 = digest::crc32_text(digest.crc32);
    info.sha256 = digest.sha256;
    if info.encoding.is_some() {
        info.lines = Some(digest.line_feeds);
    }
    Ok(analysis)
}

fn read<R: Read + Seek>(
    reader: &mut R,
    size: u64,
    watch: &mut dyn Watch,
) -> Result<Analysis, WorkError> {
    let mut source = Source::new(reader, size);
    let head = source.window(0, detect::HEAD)?;
    let info = |format: &str, media_type: &str| MediaInfo {
        format: format.to_owned(),
        media_type: media_type.to_owned(),
        ..MediaInfo::default()
    };
    let (metadata, mediainfo) = match detect::detect(&head) {
        Kind::Zip => return read_zip(Archive::from_source(source)?, watch),
        Kind::Pdf => pdf::read(&mut source, watch)?,
        Kind::Text => (
            Metadata::default(),
            plain::read(&source.window(0, plain::SAMPLE)?),
        ),
        Kind::Other(format, media_type) => (Metadata::default(), info(format, media_type)),
        Kind::Unknown => {
            watch.warn("The file's format is not known.".to_owned());
            (
                Metadata::default(),
                info("unknown", "application/octet-stream"),
            )
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
    watch: &mut dyn Watch,
) -> Result<Analysis, WorkError> {
    let (metadata, mediainfo) = if epub::is_epub(&mut archive)? {
        epub::read(&mut archive, watch)?
    } else if comic::is_comic(archive.entries()) {
        comic::read(&mut archive, watch)?
    } else {
        let info = MediaInfo {
            format: "zip".to_owned(),
            media_type: "application/zip".to_owned(),
            encrypted: archive.entries().iter().any(|entry| entry.encrypted),
            ..MediaInfo::default()
        };
        (Metadata::default(), info)
    };
    Ok(Analysis {
        metadata,
        mediainfo,
        structure: structure(archive.entries()),
    })
}

fn structure(entries: &[Entry]) -> Structure {
    let files = || entries.iter().filter(|entry| !entry.is_dir);
    let total = files().count();
    let listed = files()
        .take(Structure::MAX_FILES)
        .map(|entry| StructureFile {
            path: entry.path.clone(),
            size: entry.size,
            compressed_size: entry.compressed_size,
            crc32: digest::crc32_text(entry.crc32),
            encrypted: entry.encrypted,
        });
    Structure {
        files: listed.collect(),
        files_total: total as u64,
        files_truncated: total > Structure::MAX_FILES,
        total_size: files().fold(0, |sum, entry| sum.saturating_add(entry.size)),
    }
}

fn warn_of_extension(path: &str, format: &str, watch: &mut dyn Watch) {
    let usual = detect::usual_extensions(format);
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return;
    };
    if !usual.is_empty()
        && !usual
            .iter()
            .any(|usual| usual.eq_ignore_ascii_case(extension))
    {
        watch.warn(format!(
            "The file {name:?} is of the format {format}, unlike its name."
        ));
    }
}

#[cfg(any(test, feature = "testing"))]
pub mod samples;
#[cfg(test)]
mod tests;

#[cfg(test)]
mod property_tests;
