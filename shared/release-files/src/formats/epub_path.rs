//! Paths in the documents of an EPUB: which file of the archive they mean.

use std::collections::HashMap;

use text::name_key;

use super::archive::ArchiveEntry;

/// The files of an archive by their paths.
#[derive(Debug)]
pub struct PathIndex {
    exact: HashMap<String, usize>,
    /// By the paths without case, and with composed accents.
    by_key: HashMap<String, usize>,
}

impl PathIndex {
    /// Lists the files of an archive.
    pub fn new(entries: &[ArchiveEntry]) -> Self {
        let mut index = Self {
            exact: HashMap::new(),
            by_key: HashMap::new(),
        };
        for (at, entry) in entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is_dir)
        {
            // Of several files with one path, the last is what unpacking leaves.
            index.exact.insert(entry.path.clone(), at);
            index.by_key.entry(name_key(&entry.path)).or_insert(at);
        }
        index
    }

    /// Finds a file by a path from the top of the archive: by the path as it is, or else by what
    /// careless tools mean by it, or else by the path in another case, or with its accents composed
    /// otherwise.
    pub fn find(&self, path: &str) -> Option<usize> {
        let paths = candidate_paths(path);
        let exact = paths.iter().find_map(|path| self.exact.get(path));
        let found = exact.or_else(|| {
            let mut keys = paths.iter().map(|path| name_key(path));
            keys.find_map(|key| self.by_key.get(&key))
        });
        found.copied()
    }
}

/// Returns the path from the top of the archive that an address in `document` means, without its
/// query and its fragment. An address in another place, such as a web page, has none.
pub fn join(document: &str, address: &str) -> Option<String> {
    let path = address.split(['#', '?']).next().unwrap_or_default();
    let is_absolute = path
        .split('/')
        .next()
        .is_some_and(|part| part.contains(':'));
    if is_absolute || path.starts_with("//") {
        return None;
    }
    if path.is_empty() {
        return Some(document.to_owned());
    }
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{folder}/{path}"))
}

/// Returns the paths in the archive that a path in the container may mean, the likeliest first. It
/// is a URL by the standard, but many tools write the plain name.
fn candidate_paths(path: &str) -> Vec<String> {
    let decoded = percent_decode(path);
    let mut paths = vec![path.to_owned(), resolve(path), resolve(&decoded)];
    paths.dedup();
    paths
}

/// Resolves a path from the top of the archive: blanks around it, `.` and empty components are
/// dropped, `..` leaves a folder but not the archive, and a backslash separates folders.
fn resolve(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.trim().split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Replaces `%` and two hexadecimal digits with the byte that they mean, and keeps any other `%`.
fn percent_decode(path: &str) -> String {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after
            .first_chunk::<2>()
            .filter(|_| byte == b'%')
            .and_then(|digits| hex::decode(digits).ok());
        if let Some(escaped) = escaped {
            decoded.extend(escaped);
            rest = &after[2..];
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::formats::archive::Archive;
    use crate::formats::samples;

    fn found(full_path: &str, entries: &[&str]) -> Option<String> {
        let files: Vec<(&str, &[u8])> = entries.iter().map(|path| (*path, &b"x"[..])).collect();
        let bytes = samples::zip(&files);
        let mut cursor = Cursor::new(&bytes);
        let archive = Archive::open(&mut cursor, bytes.len() as u64).unwrap();
        let index = PathIndex::new(archive.entries()).find(full_path)?;
        Some(archive.entries()[index].path.clone())
    }

    #[test]
    fn package_document_is_found_by_careless_paths() {
        for (full_path, entry) in [
            ("OEBPS/content.opf", "OEBPS/content.opf"),
            ("./OEBPS/content.opf", "OEBPS/content.opf"),
            ("/OEBPS/content.opf", "OEBPS/content.opf"),
            (" OEBPS/content.opf\n", "OEBPS/content.opf"),
            ("OEBPS\\content.opf", "OEBPS/content.opf"),
            ("\\OEBPS\\.\\content.opf", "OEBPS/content.opf"),
            ("../OEBPS//content.opf", "OEBPS/content.opf"),
            ("META-INF/../OEBPS/content.opf", "OEBPS/content.opf"),
            ("oebps/Content.OPF", "OEBPS/content.opf"),
            ("OPS/%C3%A9t%C3%A9.opf", "OPS/été.opf"),
            ("OPS/100%25%20Book.opf", "OPS/100% Book.opf"),
            ("OPS%2Fa.opf", "OPS/a.opf"),
            ("ops/A%20b.opf", "OPS/a B.opf"),
            ("%zz%.opf", "%zz%.opf"),
            ("OPS/\u{e9}.opf", "OPS/e\u{301}.opf"),
            ("OPS/e\u{301}.opf", "OPS/\u{e9}.opf"),
            ("OPS/e%CC%81.opf", "OPS/\u{e9}.opf"),
            ("ops/%C3%89.opf", "OPS/e\u{301}.OPF"),
        ] {
            let path = found(full_path, &["mimetype", entry]);
            assert_eq!(path.as_deref(), Some(entry), "{full_path}");
        }
        assert_eq!(found("a.opf", &["b.opf", "x/a.opf"]), None);
        assert_eq!(found("..", &["a.opf"]), None);
    }

    #[test]
    fn path_is_tried_as_it_is_before_it_is_decoded() {
        let both = ["OPS/a b.opf", "OPS/a%20b.opf"];
        assert_eq!(found("OPS/a%20b.opf", &both).as_deref(), Some(both[1]));
        assert_eq!(found("OPS/A%20b.opf", &both).as_deref(), Some(both[1]));
        assert_eq!(found("OPS/a b.opf", &both).as_deref(), Some(both[0]));
    }

    #[test]
    fn address_is_relative_to_its_document() {
        for (address, path) in [
            ("c1.xhtml", Some("OPS/text/c1.xhtml")),
            ("../img/a.png#x", Some("OPS/text/../img/a.png")),
            ("#here", Some("OPS/text/nav.xhtml")),
            ("https://example.com/a", None),
            ("//example.com/a", None),
            ("/OPS/a.png?x=/", Some("/OPS/a.png")),
            ("a/b:c.xhtml", Some("OPS/text/a/b:c.xhtml")),
        ] {
            assert_eq!(
                join("OPS/text/nav.xhtml", address).as_deref(),
                path,
                "{address}"
            );
        }
        assert_eq!(resolve("OPS/text/../img/a.png"), "OPS/img/a.png");
    }
}
