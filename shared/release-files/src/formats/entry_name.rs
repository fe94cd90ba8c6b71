//! Which names of archive entries are safe to read, write and unpack.

/// The longest entry name that is accepted, in bytes.
pub const MAX_ENTRY_NAME: usize = 1024;

/// Whether an archive entry may have this name: a relative path with forward slashes that stays
/// inside its folder on every system. A trailing slash (a folder) is allowed.
///
/// # Errors
/// What is wrong with the name, as the end of a sentence.
pub fn check_entry_name(name: &str) -> Result<(), &'static str> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if path.is_empty() {
        return Err("is empty");
    }
    if name.len() > MAX_ENTRY_NAME {
        return Err("is longer than 1024 bytes");
    }
    if name.chars().any(char::is_control) {
        return Err("contains a control character");
    }
    if name.contains('\\') {
        return Err("contains a backslash");
    }
    if name.starts_with('/') {
        return Err("is an absolute path");
    }
    if name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic() {
        return Err("starts with a drive letter");
    }
    match path.split('/').find_map(bad_component) {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

fn bad_component(component: &str) -> Option<&'static str> {
    match component {
        "" => Some("contains an empty folder name"),
        "." | ".." => Some("leaves its folder with a dot component"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "a",
            "OEBPS/content.opf",
            "été/図書.jpg",
            "dir/",
            "a..b",
            "...",
            "C",
        ] {
            assert_eq!(check_entry_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_escape_or_cannot_exist_are_refused() {
        let long = "x".repeat(1025);
        for name in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a\\b",
            "C:x",
            "c:/x",
            "a\nb",
            "a\0b",
            "..",
            "../",
            &long,
        ] {
            assert!(check_entry_name(name).is_err(), "{name:?}");
        }
    }
}
