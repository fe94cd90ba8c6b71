//! Reads the version, the pages, the Info dictionary and the XMP of a PDF.

mod date;
mod document;
mod encryption;
mod filter;
mod findings;
mod fonts;
mod metadata;
mod object_stream;
mod outline;
mod page_size;
mod page_tree;
mod pages;
mod scan;
mod strings;
mod version;
mod xmp;

use std::io::{Read, Seek, SeekFrom};

use self::findings::Findings;
use self::metadata::metadata;
use super::findings::{FindingId, FindingList, Spot};
use super::format::Format;
use super::model::{Contents, MediaInfo, Metadata};
use super::pdf_facts::PdfFacts;
use super::source::Source;
use crate::WorkError;
use crate::isolation::{self, Reader, Run};
use crate::progress::Progress;
use jobs::FailureCode;

/// The largest PDF that is read completely, in bytes. A larger one is read only at its two ends.
const MAX_WHOLE_BYTES: u64 = 16 * 1024 * 1024;
/// The bytes read from the start of a larger PDF.
const HEAD_BYTES: u64 = 256 * 1024;
/// The bytes read from the end of a larger PDF.
const TAIL_BYTES: u64 = 2 * 1024 * 1024;

/// What is read of a PDF.
pub(super) struct Pdf {
    /// The metadata.
    pub metadata: Metadata,
    /// The properties.
    pub info: MediaInfo,
    /// The outline.
    pub contents: Contents,
    /// The technical facts.
    pub facts: PdfFacts,
}

/// Reads a PDF. The library runs by `run`.
///
/// # Errors
/// [`FailureCode::PdfDamaged`] if nothing can be read, [`FailureCode::FileTooComplex`].
pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    run: Run<'_>,
    list: &mut FindingList,
    progress: &mut dyn Progress,
) -> Result<Pdf, WorkError> {
    let mut findings = if source.size() <= MAX_WHOLE_BYTES {
        read_whole(source, run, list, progress)?
    } else {
        read_ends(source, list)?
    };
    if findings.damaged && findings.objects == 0 {
        let message = "The PDF is damaged and cannot be read; upload it again.";
        return Err(WorkError::failed(FailureCode::PdfDamaged, message));
    }
    if findings.encrypted {
        progress.info("The PDF is encrypted".to_owned());
    }
    let info = MediaInfo {
        version: findings.version.clone(),
        pages: findings.pages,
        producer: findings
            .info("Producer")
            .or_else(|| findings.xmp.first(&["Producer"]))
            .or_else(|| findings.info("Creator"))
            .or_else(|| findings.xmp.first(&["CreatorTool"])),
        encrypted: findings.encrypted,
        damaged: findings.damaged,
        ..MediaInfo::new(Format::Pdf)
    };
    let contents = Contents {
        entries: std::mem::take(&mut findings.outline),
        entries_total: findings.outline_total,
        ..Contents::default()
    };
    let facts = PdfFacts {
        pdf_a: findings.xmp.pdf_a(),
        ..std::mem::take(&mut findings.facts)
    };
    Ok(Pdf {
        metadata: metadata(&findings),
        info,
        contents,
        facts,
    })
}

fn read_whole<R: Read + Seek>(
    source: &mut Source<'_, R>,
    run: Run<'_>,
    list: &mut FindingList,
    progress: &mut dyn Progress,
) -> Result<Findings, WorkError> {
    let error_slot = source.error_slot();
    source.seek(SeekFrom::Start(0))?;
    let findings: Findings = isolation::ask(run, Reader::Pdf, source, progress)
        .map_err(|error| error_slot.take_or(|| error))?;
    error_slot.check()?;
    if findings.damaged {
        let message = "The PDF is damaged; the analysis may be incomplete.";
        list.add(FindingId::Pdf001, Spot::WHOLE, message);
    }
    Ok(findings)
}

/// Reads a whole PDF by its cross-references or, if it is damaged, without them.
pub(crate) fn read_bytes(bytes: &[u8]) -> Findings {
    let findings = match document::parse(bytes) {
        Some(parsed) if parsed.lacks_info => Findings {
            raw_info: scan::scan(&[bytes], true).raw_info,
            ..parsed.findings
        },
        Some(parsed) => parsed.findings,
        None => Findings {
            damaged: true,
            ..scan::scan(&[bytes], true)
        },
    };
    with_version(findings, bytes)
}

fn with_version(findings: Findings, head: &[u8]) -> Findings {
    Findings {
        version: version::later(version::from_header(head), findings.version),
        ..findings
    }
}

fn read_ends<R: Read + Seek>(
    source: &mut Source<'_, R>,
    list: &mut FindingList,
) -> Result<Findings, WorkError> {
    let message = "The PDF is too large to read completely; only its start and end were read.";
    list.add(FindingId::Pdf002, Spot::WHOLE, message);
    let head = source.read_at(0, HEAD_BYTES)?;
    let tail = source.read_at(source.size() - TAIL_BYTES, TAIL_BYTES)?;
    Ok(with_version(scan::scan(&[&head, &tail], false), &head))
}

#[cfg(test)]
mod facts_tests;
#[cfg(test)]
mod reader_tests;
#[cfg(test)]
mod tests;
