//! CBZ: a zip of page images, with a `ComicInfo.xml` where the maker was careful.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use jobs::FailureCode;

use super::archive::{Archive, Entry};
use super::model::{Contributor, Identifier, MediaInfo, Metadata};
use super::xml::{self, Node};
use super::{isbn, text};
use crate::WorkError;
use crate::watch::Watch;

/// What the files with a comic's metadata are called.
const COMIC_INFO: &str = "ComicInfo.xml";

/// Endings of page images.
const IMAGES: [&str; 9] = [
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".tif", ".jxl",
];

/// Elements of `ComicInfo.xml` that name people, and the role they have.
const PEOPLE: [(&str, &str); 7] = [
    ("Penciller", "penciller"),
    ("Inker", "inker"),
    ("Colorist", "colorist"),
    ("Letterer", "letterer"),
    ("CoverArtist", "cover artist"),
    ("Editor", "editor"),
    ("Translator", "translator"),
];

/// Whether the archive is a comic: it has images, and hardly anything else.
pub(super) fn is_comic(entries: &[Entry]) -> bool {
    let files = || {
        entries
            .iter()
            .filter(|entry| !entry.is_dir && !is_clutter(&entry.path))
    };
    let images = files().filter(|entry| is_image(&entry.path)).count();
    let others = files().count() - images;
    images > 0 && others * 10 <= images
}

/// Metadata and the leftovers of file managers.
fn is_clutter(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.eq_ignore_ascii_case(COMIC_INFO)
        || name.eq_ignore_ascii_case("Thumbs.db")
        || name.starts_with('.')
        || path.starts_with("__MACOSX/")
}

fn is_image(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    IMAGES.iter().any(|ending| path.ends_with(ending))
}

/// Reads what a comic says about itself.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    watch: &mut dyn Watch,
) -> Result<(Metadata, MediaInfo), WorkError> {
    let is_page =
        |entry: &&Entry| !entry.is_dir && !is_clutter(&entry.path) && is_image(&entry.path);
    let pages = archive.entries().iter().filter(is_page).count();
    let info = MediaInfo {
        format: "cbz".to_owned(),
        media_type: "application/vnd.comicbook+zip".to_owned(),
        pages: Some(pages as u64),
        encrypted: archive.entries().iter().any(|entry| entry.encrypted),
        ..MediaInfo::default()
    };
    let Some(index) = find_comic_info(archive.entries()) else {
        watch.info("The comic has no ComicInfo.xml.".to_owned());
        return Ok((Metadata::default(), info));
    };
    // The pages are good without it: what is wrong with the metadata only deserves a warning.
    match archive
        .read(index, xml::MAX_XML)
        .and_then(|bytes| parse(&xml::decode(&bytes)))
    {
        Ok(metadata) => Ok((metadata, info)),
        Err(WorkError::Failed(failure)) => {
            watch.warn(format!("ComicInfo.xml was not read: {failure}"));
            Ok((Metadata::default(), info))
        }
        Err(error) => Err(error),
    }
}

fn find_comic_info(entries: &[Entry]) -> Option<usize> {
    let name = |entry: &Entry| entry.path.rsplit('/').next().unwrap_or_default().to_owned();
    entries
        .iter()
        .position(|entry| name(entry).eq_ignore_ascii_case(COMIC_INFO))
}

fn parse(document: &str) -> Result<Metadata, WorkError> {
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
    let get = |name: &str| values.get(name).and_then(|value| text::field(value));
    let list = |name: &str| -> Vec<String> {
        let value = get(name).unwrap_or_default();
        value.split(',').filter_map(text::field).collect()
    };
    let people = |(element, role): &(&str, &str)| {
        let role = (*role).to_owned();
        let of = move |name| Contributor {
            name,
            role: role.clone(),
        };
        list(element).into_iter().map(of).collect::<Vec<_>>()
    };
    let gtin = get("GTIN");
    Ok(Metadata {
        title: get("Title").or_else(|| numbered_title(&get)),
        authors: list("Writer"),
        publisher: get("Publisher"),
        isbn: gtin.as_deref().and_then(isbn::parse),
        year: get("Year").and_then(|year| text::year(&year)),
        language: get("LanguageISO"),
        description: values
            .get("Summary")
            .and_then(|value| text::long_field(value)),
        subjects: list("Genre"),
        series: get("Series"),
        series_index: get("Number"),
        contributors: PEOPLE.iter().flat_map(people).collect(),
        identifiers: gtin
            .map(|value| Identifier {
                scheme: "gtin".to_owned(),
                value,
            })
            .into_iter()
            .collect(),
    })
}

/// Issues seldom have a title of their own: the series and the number name them.
fn numbered_title(get: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let series = get("Series")?;
    Some(match get("Number") {
        Some(number) => format!("{series} {number}"),
        None => series,
    })
}
