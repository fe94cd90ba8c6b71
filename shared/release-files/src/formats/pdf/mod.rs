//! PDF: its version, its pages, its Info dictionary.

mod document;
mod findings;
mod scan;

use std::io::{Read, Seek};

use jobs::FailureCode;
use text::tidy_line;

use self::findings::Findings;
use super::format::Format;
use super::model::{MediaInfo, Metadata};
use super::source::Source;
use crate::WorkError;
use crate::metadata::{find_year, isbn, split_people};
use crate::progress::Progress;

/// The largest PDF that is read as a whole, in bytes; of a larger one, only the two ends are.
const MAX_WHOLE_BYTES: u64 = 64 * 1024 * 1024;
/// How much of the start of a larger PDF is read, in bytes.
const HEAD_BYTES: u64 = 256 * 1024;
/// How much of the end of a larger PDF is read, in bytes.
const TAIL_BYTES: u64 = 2 * 1024 * 1024;

/// Reads a PDF's metadata and properties.
///
/// # Errors
/// [`FailureCode::PdfDamaged`] when nothing at all can be read, and the file's own errors.
pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    progress: &mut dyn Progress,
) -> Result<(Metadata, MediaInfo), WorkError> {
    let findings = if source.size() <= MAX_WHOLE_BYTES {
        read_whole(source, progress)?
    } else {
        read_ends(source, progress)?
    };
    if findings.damaged && findings.objects == 0 {
        let sentence = "The PDF is damaged and nothing in it can be read; upload it again.";
        return Err(WorkError::failed(FailureCode::PdfDamaged, sentence));
    }
    if findings.encrypted {
        progress.info("The PDF is encrypted".to_owned());
    }
    let info = MediaInfo {
        version: findings.version.clone(),
        pages: findings.pages,
        producer: findings
            .info("Producer")
            .or_else(|| findings.info("Creator")),
        encrypted: findings.encrypted,
        damaged: findings.damaged,
        ..MediaInfo::new(Format::Pdf)
    };
    Ok((metadata(&findings), info))
}

fn read_whole<R: Read + Seek>(
    source: &mut Source<'_, R>,
    progress: &mut dyn Progress,
) -> Result<Findings, WorkError> {
    let bytes = source.read_at(0, source.size())?;
    progress.check_cancelled()?;
    let mut findings = document::parse(&bytes).unwrap_or_else(|| {
        progress.warn("The PDF is damaged; the analysis may be incomplete".to_owned());
        Findings {
            damaged: true,
            ..scan::scan(&[&bytes], true)
        }
    });
    findings.version = findings.version.or_else(|| scan::header_version(&bytes));
    Ok(findings)
}

fn read_ends<R: Read + Seek>(
    source: &mut Source<'_, R>,
    progress: &mut dyn Progress,
) -> Result<Findings, WorkError> {
    let warning = "The PDF is too large to be read whole; only its start and end were read";
    progress.warn(warning.to_owned());
    let head = source.read_at(0, HEAD_BYTES)?;
    let tail = source.read_at(source.size() - TAIL_BYTES, TAIL_BYTES)?;
    let findings = scan::scan(&[&head, &tail], false);
    Ok(Findings {
        version: findings.version.or_else(|| scan::header_version(&head)),
        ..findings
    })
}

fn metadata(findings: &Findings) -> Metadata {
    let keywords = findings.info("Keywords").unwrap_or_default();
    let places = ["Subject", "Keywords", "Title"];
    Metadata {
        title: findings.info("Title"),
        authors: split_people(&findings.info("Author").unwrap_or_default()),
        isbn: places
            .iter()
            .find_map(|key| isbn::find(&findings.info(key)?)),
        year: findings
            .info("CreationDate")
            .and_then(|date| find_year(&date)),
        language: findings.language.clone(),
        description: findings.info("Subject"),
        subjects: keywords.split([',', ';']).filter_map(tidy_line).collect(),
        ..Metadata::default()
    }
}

#[cfg(test)]
mod tests;
