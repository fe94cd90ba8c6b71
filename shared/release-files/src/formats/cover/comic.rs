//! The cover of a CBZ.

use std::io::{Read, Seek};

use super::super::archive::Archive;
use super::super::comic;
use super::super::findings::FindingList;
use super::{Cover, describe, image_at};
use crate::WorkError;
use crate::isolation::Run;
use crate::progress::Progress;

/// Reads the cover: the page at the position that `ComicInfo.xml` names, in the reading order, or
/// else the first.
pub(in super::super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    named: Option<usize>,
    painter: Option<Run<'_>>,
    findings: &mut FindingList,
    progress: &dyn Progress,
) -> Result<Option<Cover>, WorkError> {
    let pages = comic::pages_in_order(archive.entries());
    let named = named.and_then(|number| pages.get(number));
    for index in named.into_iter().chain(pages.first()) {
        if let Some(image) = image_at(archive, *index)? {
            return describe(archive, image, painter, findings, progress).map(Some);
        }
    }
    Ok(None)
}
