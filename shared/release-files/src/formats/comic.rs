//! Reads CBZ, a zip of page images, often with metadata in a `ComicInfo.xml` or a
//! `MetronInfo.xml`.

use std::io::{Read, Seek};

use jobs::Failure;

use super::archive::{Archive, ArchiveEntry};
use super::comic_xml::{completed, read_comic_info, read_metron_info};
use super::findings::{FindingId, FindingList, Spot};
use super::format::Format;
use super::images::PageList;
use super::model::{Analysis, MediaInfo, Metadata};
use super::{CHECKSUM_STEP, Task, Wanted, cover, digest, images, reading_order, xml};

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
const IMAGES: [&str; 25] = [
    "jpg", "jpeg", "jfif", "jfi", "jif", "jpe", "pjpeg", "pjp", "png", "gif", "webp", "avif",
    "bmp", "tif", "tiff", "jp2", "j2k", "jpx", "jpf", "jxl", "heic", "heif", "jxr", "wdp", "hdp",
];

/// The extensions of small files that come with comics: notes, links, checksums, metadata.
const COMPANIONS: [&str; 18] = [
    "nfo", "diz", "txt", "url", "webloc", "lnk", "sfv", "md5", "sha1", "sha256", "xml", "json",
    "yaml", "yml", "ini", "db", "log", "asc",
];
/// The largest companion, in bytes.
const MAX_COMPANION_BYTES: u64 = 1024 * 1024;

/// The extensions of works and programs. An archive with one of these is no comic.
const WORKS: [&str; 32] = [
    "pdf", "epub", "mobi", "azw", "azw3", "fb2", "djvu", "chm", "doc", "docx", "odt", "ppt",
    "pptx", "xls", "xlsx", "zip", "rar", "7z", "gz", "tar", "cbz", "cbr", "exe", "msi", "bat",
    "cmd", "sh", "jar", "apk", "dll", "mp3", "mp4",
];
/// The names of the first page of a web site, without extensions.
const SITE_STARTS: [&str; 2] = ["index", "default"];

/// Files that a file manager or an image viewer creates.
const CLUTTER: [&str; 6] = [
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "Icon_",
    "pspbrwse.jbf",
    "ZbThumbnail.info",
];
/// Folders that a system or a file manager creates.
const CLUTTER_FOLDERS: [&str; 4] = [
    "__MACOSX",
    "@eaDir",
    "System Volume Information",
    "$RECYCLE.BIN",
];

/// The part of a file in a comic.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Page,
    Companion,
    /// Metadata, or a file that no one meant to pack.
    Clutter,
    /// A small file of an unknown kind.
    Extra,
    Other,
}

/// Returns whether the archive is a comic: it has no more companions than images, and at most one
/// other file for every ten images. One small file of an unknown kind is always allowed.
pub(super) fn is_comic(entries: &[ArchiveEntry]) -> bool {
    let count = |part| parts(entries).filter(|found| *found == part).count();
    let pages = count(Part::Page);
    let (extras, others) = (count(Part::Extra), count(Part::Other));
    let has_few_others = (extras + others) * 10 <= pages || (extras == 1 && others == 0);
    pages > 0 && count(Part::Companion) <= pages && has_few_others
}

fn parts(entries: &[ArchiveEntry]) -> impl Iterator<Item = Part> {
    let files = entries.iter().filter(|entry| !entry.is_dir);
    files.map(part)
}

/// Returns the positions of the pages, in the order of the archive.
pub(super) fn pages(entries: &[ArchiveEntry]) -> Vec<usize> {
    let is_page = |entry: &ArchiveEntry| !entry.is_dir && part(entry) == Part::Page;
    let pages = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is_page(entry));
    pages.map(|(index, _)| index).collect()
}

/// Returns the positions of the pages, in the reading order.
pub(super) fn pages_in_order(entries: &[ArchiveEntry]) -> Vec<usize> {
    let mut pages = pages(entries);
    pages.sort_by(|a, b| reading_order::compare(&entries[*a].path, &entries[*b].path));
    pages
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
    } else if is_one_of(&WORKS) || starts_site(name) || entry.size > MAX_COMPANION_BYTES {
        Part::Other
    } else {
        Part::Extra
    }
}

fn starts_site(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    SITE_STARTS
        .iter()
        .any(|start| stem.eq_ignore_ascii_case(start))
}

fn is_clutter(path: &str, name: &str) -> bool {
    let metadata = METADATA_FILES.iter().map(|(name, _)| name);
    // A stream of a file in NTFS: `Thumbs.db:encryptable`.
    let file = name.split(':').next().unwrap_or_default();
    name.starts_with('.')
        || metadata
            .chain(&CLUTTER)
            .any(|clutter| file.eq_ignore_ascii_case(clutter))
        || path.split('/').any(is_clutter_folder)
}

/// Returns whether a folder is one that a system creates. A title may begin with a point, too, but
/// it has several words.
fn is_clutter_folder(folder: &str) -> bool {
    let is_hidden = folder.starts_with('.') && !folder.starts_with("..") && folder.len() > 1;
    (is_hidden && !folder.contains(' '))
        || CLUTTER_FOLDERS
            .iter()
            .any(|clutter| folder.eq_ignore_ascii_case(clutter))
}

/// Reads a comic: its metadata and properties and, if they are wanted, its images, together with
/// the checksums.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    task: &mut Task<'_>,
) -> Result<Analysis, WorkError> {
    let (metadata, info) = read_metadata(archive, &mut task.findings, task.progress)?;
    let mut analysis = Analysis::new(metadata, info);
    if task.wanted != Wanted::Metadata {
        let page_list = PageList::read(archive)?;
        let named = page_list.front_cover;
        let (painter, findings, progress) = (task.painter(), &mut task.findings, &*task.progress);
        analysis.cover = cover::of_comic(archive, named, painter, findings, progress)?;
        if task.wanted == Wanted::Text {
            return Ok(analysis);
        }
        let mut images = images::Reading::of_comic(archive, page_list);
        let (_, source) = archive.split();
        let mut also = |chunk: &[u8]| images.push(chunk);
        task.progress.start_step(CHECKSUM_STEP);
        task.digest = Some(digest::digest(source, &mut also, task.progress)?);
        analysis.images = Some(images.finish());
    }
    Ok(analysis)
}

fn read_metadata<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    findings: &mut FindingList,
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
                let message = format!("{name} was not read: {}", failure.message);
                let path = &archive.entries()[index].path;
                findings.add(FindingId::Cbz001, Spot::file(path), message);
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
pub(super) fn find_file(entries: &[ArchiveEntry], name: &str) -> Option<usize> {
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
