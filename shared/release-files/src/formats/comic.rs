//! Reads CBZ, a zip of page images, often with metadata in a `ComicInfo.xml`.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use jobs::FailureCode;

use super::archive::{Archive, ArchiveEntry};
use super::format::Format;
use super::model::{Contributor, Identifier, MediaInfo, Metadata};
use super::xml::{self, Node};
use text::{tidy_line, tidy_text};

use crate::WorkError;
use crate::metadata::{find_year, isbn};
use crate::paths::file_name;
use crate::progress::Progress;

/// The file with a comic's metadata.
const COMIC_INFO: &str = "ComicInfo.xml";

/// File name endings of page images.
const IMAGE_ENDINGS: [&str; 9] = [
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".tif", ".jxl",
];

/// The elements of `ComicInfo.xml` that name contributors, and their roles.
const CONTRIBUTORS: [(&str, &str); 7] = [
    ("Penciller", "penciller"),
    ("Inker", "inker"),
    ("Colorist", "colorist"),
    ("Letterer", "letterer"),
    ("CoverArtist", "cover artist"),
    ("Editor", "editor"),
    ("Translator", "translator"),
];

/// Returns whether the archive is a comic, with at most one other file for every ten images.
pub(super) fn is_comic(entries: &[ArchiveEntry]) -> bool {
    let files = || {
        entries
            .iter()
            .filter(|entry| !entry.is_dir && !is_clutter(&entry.path))
    };
    let images = files().filter(|entry| is_image(&entry.path)).count();
    let others = files().count() - images;
    images > 0 && others * 10 <= images
}

/// Returns whether the file is metadata or was created by a file manager.
fn is_clutter(path: &str) -> bool {
    let name = file_name(path);
    name.eq_ignore_ascii_case(COMIC_INFO)
        || name.eq_ignore_ascii_case("Thumbs.db")
        || name.starts_with('.')
        || path.starts_with("__MACOSX/")
}

fn is_image(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    IMAGE_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Reads a comic's metadata and properties.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    progress: &mut dyn Progress,
) -> Result<(Metadata, MediaInfo), WorkError> {
    let is_page =
        |entry: &&ArchiveEntry| !entry.is_dir && !is_clutter(&entry.path) && is_image(&entry.path);
    let pages = archive.entries().iter().filter(is_page).count();
    let info = MediaInfo {
        pages: Some(pages as u64),
        encrypted: archive.entries().iter().any(|entry| entry.encrypted),
        ..MediaInfo::new(Format::Cbz)
    };
    let Some(index) = find_comic_info(archive.entries()) else {
        progress.info("The comic has no ComicInfo.xml".to_owned());
        return Ok((Metadata::default(), info));
    };
    // The pages are usable without metadata, so invalid metadata is only a warning.
    match archive
        .read(index, xml::MAX_XML_BYTES)
        .and_then(|bytes| ComicInfo::parse(&xml::decode(&bytes)))
    {
        Ok(comic_info) => Ok((comic_info.metadata(), info)),
        Err(WorkError::Failed(failure)) => {
            let reason = failure.log_line();
            progress.warn(format!("ComicInfo.xml was not read: {reason}"));
            Ok((Metadata::default(), info))
        }
        Err(error) => Err(error),
    }
}

fn find_comic_info(entries: &[ArchiveEntry]) -> Option<usize> {
    let is_comic_info =
        |entry: &ArchiveEntry| file_name(&entry.path).eq_ignore_ascii_case(COMIC_INFO);
    entries.iter().position(is_comic_info)
}

/// The values of `ComicInfo.xml`, by element.
struct ComicInfo(BTreeMap<String, String>);

impl ComicInfo {
    fn parse(document: &str) -> Result<Self, WorkError> {
        let mut values = BTreeMap::<String, String>::new();
        let mut path = Vec::<String>::new();
        xml::walk(
            document,
            FailureCode::ArchiveDamaged,
            &mut |node| match node {
                Node::Open(name, _) => path.push(name.to_owned()),
                Node::Close(_) => {
                    path.pop();
                }
                Node::Text(text) => {
                    if let [_, name] = path.as_slice() {
                        values.entry(name.clone()).or_default().push_str(text);
                    }
                }
            },
        )?;
        Ok(Self(values))
    }

    fn metadata(&self) -> Metadata {
        let gtin = self.get("GTIN");
        let summary = self.0.get("Summary");
        Metadata {
            title: self.get("Title").or_else(|| self.numbered_title()),
            authors: self.list("Writer"),
            publisher: self.get("Publisher"),
            isbn: gtin.as_deref().and_then(isbn::parse),
            year: self.get("Year").and_then(|year| find_year(&year)),
            language: self.get("LanguageISO"),
            description: summary.and_then(|summary| tidy_text(summary)),
            subjects: self.list("Genre"),
            series: self.get("Series"),
            series_index: self.get("Number"),
            contributors: self.contributors(),
            identifiers: gtin
                .map(|value| Identifier {
                    scheme: "gtin".to_owned(),
                    value,
                })
                .into_iter()
                .collect(),
        }
    }

    fn get(&self, element: &str) -> Option<String> {
        self.0.get(element).and_then(|value| tidy_line(value))
    }

    /// The parts of a comma-separated value.
    fn list(&self, element: &str) -> Vec<String> {
        let value = self.get(element).unwrap_or_default();
        value.split(',').filter_map(tidy_line).collect()
    }

    fn contributors(&self) -> Vec<Contributor> {
        let mut contributors = Vec::new();
        for (element, role) in CONTRIBUTORS {
            for name in self.list(element) {
                let role = role.to_owned();
                contributors.push(Contributor { name, role });
            }
        }
        contributors
    }

    /// The series and the number, since issues seldom have a title.
    fn numbered_title(&self) -> Option<String> {
        let series = self.get("Series")?;
        Some(match self.get("Number") {
            Some(number) => format!("{series} {number}"),
            None => series,
        })
    }
}
