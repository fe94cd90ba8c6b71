//! Reads CBZ, a zip of page images, often with metadata in a `ComicInfo.xml` or a
//! `MetronInfo.xml`.

use std::io::{Read, Seek};

use jobs::Failure;

use super::archive::{Archive, ArchiveEntry};
use super::comic_xml::{completed, read_comic_info, read_metron_info};
use super::format::Format;
use super::model::{MediaInfo, Metadata};
use super::xml;

use crate::WorkError;
use crate::paths::{file_name, has_extension};
use crate::progress::Progress;

/// Reads the metadata in the text of a file.
type Reader = fn(&str) -> Result<Metadata, Failure>;

/// The files with a comic's metadata. Of two, the first wins, field by field.
const METADATA_FILES: [(&str, Reader); 2] = [
    ("ComicInfo.xml", read_comic_info),
    ("MetronInfo.xml", read_metron_info),
];

/// The extensions of page images.
const IMAGES: [&str; 18] = [
    "jpg", "jpeg", "jfif", "jpe", "png", "gif", "webp", "avif", "bmp", "tif", "tiff", "jp2", "j2k",
    "jpx", "jxl", "heic", "heif", "jxr",
];

/// The extensions of small files that come with comics: notes, links, checksums, metadata.
const COMPANIONS: [&str; 18] = [
    "nfo", "diz", "txt", "url", "webloc", "lnk", "sfv", "md5", "sha1", "sha256", "xml", "json",
    "yaml", "yml", "ini", "db", "log", "asc",
];
/// The largest companion, in bytes.
const MAX_COMPANION_BYTES: u64 = 1024 * 1024;

/// Files that a file manager creates.
const CLUTTER: [&str; 4] = ["Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon_"];
/// Folders that a file manager creates.
const CLUTTER_FOLDERS: [&str; 2] = ["__MACOSX", "@eaDir"];

/// The part of a file in a comic.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Page,
    Companion,
    /// Metadata, or a file that no one meant to pack.
    Clutter,
    Other,
}

/// Returns whether the archive is a comic: it has no more companions than images, and at most one
/// other file for every ten images.
pub(super) fn is_comic(entries: &[ArchiveEntry]) -> bool {
    let count = |part| parts(entries).filter(|found| *found == part).count();
    let pages = count(Part::Page);
    pages > 0 && count(Part::Companion) <= pages && count(Part::Other) * 10 <= pages
}

fn parts(entries: &[ArchiveEntry]) -> impl Iterator<Item = Part> {
    let files = entries.iter().filter(|entry| !entry.is_dir);
    files.map(part)
}

fn part(entry: &ArchiveEntry) -> Part {
    let (path, name) = (entry.path.as_str(), file_name(&entry.path));
    let is_one_of = |extensions: &[&str]| extensions.iter().any(|one| has_extension(name, one));
    if is_clutter(path, name) {
        Part::Clutter
    } else if is_one_of(&IMAGES) {
        Part::Page
    } else if is_one_of(&COMPANIONS) && entry.size <= MAX_COMPANION_BYTES {
        Part::Companion
    } else {
        Part::Other
    }
}

fn is_clutter(path: &str, name: &str) -> bool {
    let metadata = METADATA_FILES.iter().map(|(name, _)| name);
    name.starts_with('.')
        || metadata
            .chain(&CLUTTER)
            .any(|clutter| name.eq_ignore_ascii_case(clutter))
        || path
            .split('/')
            .any(|folder| CLUTTER_FOLDERS.contains(&folder))
}

/// Reads a comic's metadata and properties.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    progress: &mut dyn Progress,
) -> Result<(Metadata, MediaInfo), WorkError> {
    let pages = parts(archive.entries()).filter(|part| *part == Part::Page);
    let info = MediaInfo {
        pages: Some(pages.count() as u64),
        encrypted: archive.entries().iter().any(|entry| entry.encrypted),
        ..MediaInfo::new(Format::Cbz)
    };
    let mut metadata = Metadata::default();
    let mut has_metadata = false;
    for (name, reader) in METADATA_FILES {
        let Some(index) = find_file(archive.entries(), name) else {
            continue;
        };
        has_metadata = true;
        let bytes = archive.read(index, xml::MAX_XML_BYTES);
        match bytes.and_then(|bytes| Ok(reader(&xml::decode(&bytes))?)) {
            Ok(found) => metadata = completed(metadata, found),
            // The pages are usable without metadata, so invalid metadata is only a warning.
            Err(WorkError::Failed(failure)) => {
                let reason = failure.log_line();
                progress.warn(format!("{name} was not read: {reason}"));
            }
            Err(error) => return Err(error),
        }
    }
    if !has_metadata {
        progress.info("The comic has no ComicInfo.xml and no MetronInfo.xml".to_owned());
    }
    metadata.title = metadata.title.take().or_else(|| numbered_title(&metadata));
    Ok((metadata, info))
}

/// Finds the file with this name, in any case, that is in the fewest folders.
fn find_file(entries: &[ArchiveEntry], name: &str) -> Option<usize> {
    let named = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.is_dir && file_name(&entry.path).eq_ignore_ascii_case(name));
    let found = named.min_by_key(|(_, entry)| entry.path.matches('/').count());
    found.map(|(index, _)| index)
}

/// The series and the number, since issues seldom have a title.
fn numbered_title(metadata: &Metadata) -> Option<String> {
    let series = metadata.series.as_ref()?;
    Some(match &metadata.series_index {
        Some(number) => format!("{series} {number}"),
        None => series.clone(),
    })
}

#[cfg(test)]
#[path = "comic_tests.rs"]
mod tests;
