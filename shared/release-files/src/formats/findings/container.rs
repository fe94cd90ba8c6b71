//! Checks of the container: the first bytes, the names of the entries, and `META-INF`.

use std::collections::HashSet;

use text::name_key;
use zip::CompressionMethod;

use super::package::{Package, Version};
use super::{FindingId as Id, FindingList, Spot};
use crate::formats::archive::ArchiveEntry;
use crate::formats::epub_container::CONTAINER_PATH;
use crate::formats::xml::{self, Node};

/// The path of the entry with the media type.
pub const MIMETYPE: &str = "mimetype";
/// The media type of a package document.
const PACKAGE_TYPE: &str = "application/oebps-package+xml";
/// The characters that no name may have (OCF 3.3, section 4.2.3).
const FORBIDDEN: [char; 10] = ['<', '>', '"', '{', '}', '|', '^', '`', '*', '?'];
/// The length of a local header before the name, in bytes.
const HEADER_BYTES: usize = 30;

/// Checks the first entry of the archive by the first bytes of the file.
pub fn check_head(head: &[u8], entries: &[ArchiveEntry], findings: &mut FindingList) {
    let spot = Spot::file(MIMETYPE);
    let first = entries.iter().min_by_key(|entry| entry.position());
    let is_first = first.is_some_and(|entry| entry.path == MIMETYPE);
    if !is_first {
        let message = "The EPUB's first entry is not an uncompressed mimetype.";
        findings.add(Id::Pkg006, spot, message);
        return;
    }
    let header = head.get(..HEADER_BYTES);
    let header = header.filter(|header| header.starts_with(b"PK\x03\x04"));
    let extra = header.map_or(0, |header| u16::from_le_bytes([header[28], header[29]]));
    if extra > 0 {
        let message = format!("The mimetype entry has an extra field of {extra} bytes.");
        findings.add(Id::Pkg005, spot, message);
    }
    if first.is_some_and(|entry| entry.method != CompressionMethod::Stored) {
        findings.add(Id::Pkg007, spot, "The EPUB's mimetype entry is compressed.");
    }
}

/// Checks the container document.
pub fn check_root_files(
    container: &str,
    has_metadata: bool,
    version: Version,
    findings: &mut FindingList,
) {
    let spot = Spot::file(CONTAINER_PATH);
    let (mut with_type, mut with_path) = (0, 0);
    xml::walk_html(container, &mut |node| {
        let Node::Open("rootfile", attributes) = node else {
            return;
        };
        let media_type = attributes.get("media-type").unwrap_or_default();
        if media_type.trim() != PACKAGE_TYPE {
            return;
        }
        with_type += 1;
        let path = attributes.get("full-path");
        with_path += u64::from(path.is_some());
        match path.as_deref().map(str::trim) {
            None => {
                let message = "A rootfile of the container has no full-path.";
                findings.add(Id::Opf016, spot, message);
            }
            Some("") => {
                let message = "The full-path of a rootfile is empty.";
                findings.add(Id::Opf017, spot, message);
            }
            Some(_) => {}
        }
    });
    if with_type == 0 {
        let message = "No rootfile of the container has the type of a package document.";
        findings.add(Id::Rsc003, spot, message);
    }
    if with_path > 1 && version == Version::Two {
        let message = format!("The container of the EPUB 2 names {with_path} package documents.");
        findings.add(Id::Pkg013, spot, message);
    }
    if with_path > 1 && version == Version::Three && !has_metadata {
        let message = "The EPUB has several renditions, but no META-INF/metadata.xml.";
        findings.add(Id::Rsc019, Spot::WHOLE, message);
    }
}

/// Checks the names of the entries.
pub fn check_names(entries: &[ArchiveEntry], has_duplicates: bool, findings: &mut FindingList) {
    let as_stored = || {
        entries
            .iter()
            .filter(|entry| entry.broken_name_rule.is_none())
    };
    let full = full_folders(entries);
    for entry in as_stored() {
        if entry.is_dir {
            if !full.contains(entry.path.as_str()) {
                let message = format!("The folder {:?} is empty.", entry.path);
                findings.add(Id::Pkg014, Spot::WHOLE, message);
            }
        } else {
            check_name(&entry.path, findings);
        }
    }
    if has_duplicates {
        let message = "Several entries of the archive have the same name.";
        findings.add(Id::Opf060, Spot::WHOLE, message);
    }
    let mut names = HashSet::new();
    let mut keys = HashSet::new();
    for entry in as_stored().filter(|entry| !entry.is_dir) {
        let path = &entry.path;
        if !names.insert(path.to_lowercase()) {
            let message = format!("The name {path:?} differs from another in case only.");
            findings.add(Id::Opf060, Spot::WHOLE, message);
        } else if !keys.insert(name_key(path)) {
            let message = format!("The name {path:?} differs from another in its accents only.");
            findings.add(Id::Opf061, Spot::WHOLE, message);
        }
    }
}

/// The folders that have a file, each with a slash at its end.
fn full_folders(entries: &[ArchiveEntry]) -> HashSet<&str> {
    let mut full = HashSet::new();
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        let mut path = entry.path.as_str();
        while let Some((folder, _)) = path.rsplit_once('/') {
            // What is above a known folder is known, too.
            if !full.insert(&entry.path[..=folder.len()]) {
                break;
            }
            path = folder;
        }
    }
    full
}

fn check_name(path: &str, findings: &mut FindingList) {
    let spot = Spot::file(path);
    if path.ends_with('.') {
        findings.add(
            Id::Pkg011,
            spot,
            format!("The name {path:?} ends with a point."),
        );
    }
    if path.contains(FORBIDDEN) {
        let message = format!("The name {path:?} has characters that are not allowed.");
        findings.add(Id::Pkg009, spot, message);
    }
    if path.contains(char::is_whitespace) {
        findings.add(Id::Pkg010, spot, format!("The name {path:?} has a blank."));
    }
    if !path.is_ascii() {
        let message = format!("The name {path:?} has characters beyond ASCII.");
        findings.add(Id::Pkg012, spot, message);
    }
}

/// Compares the files with the manifest.
pub fn check_files(package: &Package, entries: &[ArchiveEntry], findings: &mut FindingList) {
    let files = entries.iter().filter(|entry| !entry.is_dir);
    let names: HashSet<&str> = files.map(|entry| entry.path.as_str()).collect();
    for item in &package.items {
        if let Some(path) = item.path.as_deref().filter(|path| !names.contains(path)) {
            let message = format!("The file {path:?} of the manifest is not in the book.");
            findings.add(Id::Rsc001, Spot::file(path), message);
        }
    }
    if package.has_unsound_address {
        return;
    }
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        let path = entry.path.as_str();
        let is_of_the_container = path == MIMETYPE || is_in_meta_inf(path);
        let is_known = path == package.path || package.item_at(path).is_some();
        if !is_of_the_container && !is_known && entry.broken_name_rule.is_none() {
            let message = format!("The manifest does not list the file {path:?}.");
            findings.add(Id::Opf003, Spot::file(path), message);
        }
    }
}

/// Whether a file belongs to the container.
fn is_in_meta_inf(path: &str) -> bool {
    let folder = path.split('/').next().unwrap_or_default();
    folder.eq_ignore_ascii_case("META-INF")
}

/// Finds the encrypted files of the manifest.
pub fn check_encrypted(package: &Package, encrypted: &[String], findings: &mut FindingList) {
    for path in encrypted {
        if package.item_at(path).is_some() {
            let message = format!("The file {path:?} is encrypted, so that it was not checked.");
            findings.add(Id::Rsc004, Spot::file(path), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::formats::archive::Archive;
    use crate::formats::samples;

    fn ids(bytes: &[u8], check: impl Fn(&[ArchiveEntry], &mut FindingList)) -> Vec<&'static str> {
        let mut cursor = Cursor::new(bytes);
        let archive = Archive::open(&mut cursor, bytes.len() as u64).unwrap();
        let mut findings = FindingList::default();
        check(archive.entries(), &mut findings);
        let found = findings.finish().0.into_iter();
        found.map(|finding| finding.id.as_str()).collect()
    }

    #[test]
    fn names_are_checked() {
        for (names, expected) in [
            (vec!["a/b.xhtml", "a/"], vec![]),
            (vec!["a b"], vec!["PKG-010"]),
            (vec!["a."], vec!["PKG-011"]),
            (vec!["\u{e9}"], vec!["PKG-012"]),
            (vec!["a*"], vec!["PKG-009"]),
            (vec!["a/", "b/c"], vec!["PKG-014"]),
            (vec!["a/", "a/b/", "a/b/c"], vec![]),
            (vec!["a", "A"], vec!["OPF-060"]),
            (
                vec!["\u{e9}", "e\u{301}"],
                vec!["OPF-061", "PKG-012", "PKG-012"],
            ),
        ] {
            let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b""[..])).collect();
            let bytes = samples::zip(&files);
            let found = ids(&bytes, |entries, findings| {
                check_names(entries, false, findings);
            });
            assert_eq!(found, expected, "{names:?}");
        }
    }

    #[test]
    fn first_entry_is_checked() {
        let sound = samples::zip(&[("mimetype", b"x"), ("a", b"x")]);
        let other = samples::zip(&[("a", b"x"), ("mimetype", b"x")]);
        let mut extra = sound[..HEADER_BYTES].to_vec();
        extra[28] = 4;
        let found = |bytes: &[u8], head: &[u8]| {
            ids(bytes, |entries, findings| {
                check_head(head, entries, findings);
            })
        };
        assert!(found(&sound, &sound).is_empty());
        assert_eq!(found(&other, &other), ["PKG-006"]);
        assert_eq!(found(&sound, &extra), ["PKG-005"]);
        assert!(found(&sound, b"PK").is_empty());
    }

    #[test]
    fn root_files_are_checked() {
        let found = |container: &str, version| {
            let mut findings = FindingList::default();
            check_root_files(container, false, version, &mut findings);
            let found = findings.finish().0.into_iter();
            found.map(|finding| finding.id.as_str()).collect::<Vec<_>>()
        };
        let file = |path: &str| format!("<rootfile {path} media-type='{PACKAGE_TYPE}'/>");
        let sound = file("full-path='a'");
        assert!(found(&sound, Version::Three).is_empty());
        assert_eq!(found("<c/>", Version::Three), ["RSC-003"]);
        assert_eq!(found(&file(""), Version::Three), ["OPF-016"]);
        assert_eq!(found(&file("full-path=' '"), Version::Two), ["OPF-017"]);
        assert_eq!(found(&sound.repeat(2), Version::Two), ["PKG-013"]);
        assert_eq!(found(&sound.repeat(2), Version::Three), ["RSC-019"]);
    }
}
