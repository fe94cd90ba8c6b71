//! The rules for the names of files in archives and packages.

/// The longest accepted name of an archive entry, in bytes.
pub const MAX_ENTRY_NAME_BYTES: usize = 1024;

/// The rule that the name of an archive entry breaks. Its text completes "the name ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryNameError {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It is longer than [`MAX_ENTRY_NAME_BYTES`].
    #[error("is longer than {MAX_ENTRY_NAME_BYTES} bytes")]
    TooLong,
    /// It has a control character.
    #[error("contains a control character")]
    ControlCharacter,
    /// It has a backslash, which separates folders on some systems.
    #[error("contains a backslash")]
    Backslash,
    /// It starts with a slash.
    #[error("is an absolute path")]
    Absolute,
    /// It starts with a drive letter, as in `C:x`.
    #[error("starts with a drive letter")]
    DriveLetter,
    /// It has two slashes in a row.
    #[error("contains an empty folder name")]
    EmptyFolder,
    /// It has a `.` or `..` component.
    #[error("contains a `.` or `..` component")]
    DotComponent,
}

/// Checks that the name of an archive entry is a relative path with forward slashes that stays
/// inside its folder on every system. A trailing slash, which marks a folder, is allowed.
///
/// # Errors
/// The first broken rule.
pub fn check_entry_name(name: &str) -> Result<(), EntryNameError> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if path.is_empty() {
        return Err(EntryNameError::Empty);
    }
    if name.len() > MAX_ENTRY_NAME_BYTES {
        return Err(EntryNameError::TooLong);
    }
    if name.chars().any(char::is_control) {
        return Err(EntryNameError::ControlCharacter);
    }
    if name.contains('\\') {
        return Err(EntryNameError::Backslash);
    }
    if name.starts_with('/') {
        return Err(EntryNameError::Absolute);
    }
    if name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic() {
        return Err(EntryNameError::DriveLetter);
    }
    path.split('/').try_for_each(|component| match component {
        "" => Err(EntryNameError::EmptyFolder),
        "." | ".." => Err(EntryNameError::DotComponent),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_accepted() {
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
    fn unsafe_and_invalid_names_are_refused() {
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
