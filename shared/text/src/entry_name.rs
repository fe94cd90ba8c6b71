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

/// Normalizes the name of an archive entry as other unzip tools do, so that [`check_entry_name`]
/// accepts it: a backslash separates folders, a leading slash or drive letter, `.` components and
/// empty folder names are dropped, control characters become underscores, and components beyond
/// [`MAX_ENTRY_NAME_BYTES`] are cut off. A trailing separator, which marks a folder, is kept.
///
/// # Errors
/// [`EntryNameError::DotComponent`] for a `..` component, which could lead outside the archive;
/// [`EntryNameError::Empty`] if nothing is left.
pub fn normalize_entry_name(name: &str) -> Result<String, EntryNameError> {
    let is_folder = name.ends_with(['/', '\\']);
    let limit = MAX_ENTRY_NAME_BYTES - usize::from(is_folder);
    let mut path = String::new();
    let mut is_full = false;
    for part in name.split(['/', '\\']) {
        let part = if path.is_empty() {
            without_drive(part)
        } else {
            part
        };
        match part {
            "" | "." => {}
            ".." => return Err(EntryNameError::DotComponent),
            _ if path.is_empty() => path.push_str(&part[..part.floor_char_boundary(limit)]),
            _ => {
                is_full |= path.len() + 1 + part.len() > limit;
                if !is_full {
                    path.extend(["/", part]);
                }
            }
        }
    }
    if path.is_empty() {
        return Err(EntryNameError::Empty);
    }
    if is_folder {
        path.push('/');
    }
    Ok(path.replace(char::is_control, "_"))
}

/// Removes drive letters from the start of a component.
fn without_drive(mut part: &str) -> &str {
    while let [letter, b':', ..] = part.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        part = &part[2..];
    }
    part
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
    #[test]
    fn names_of_careless_tools_are_normalized() {
        for (name, expected) in [
            ("OEBPS\\images\\a.jpg", "OEBPS/images/a.jpg"),
            ("a/b\\c", "a/b/c"),
            ("dir\\", "dir/"),
            ("/etc/passwd", "etc/passwd"),
            ("\\\\server\\share\\x", "server/share/x"),
            ("./a/./b", "a/b"),
            ("a//b", "a/b"),
            ("a/", "a/"),
            ("a/.", "a"),
            ("C:\\a.txt", "a.txt"),
            ("c:a", "a"),
            ("./C:D:/x", "x"),
            ("a/C:x", "a/C:x"),
            ("Icon\r", "Icon_"),
            ("a\0b/c\u{85}", "a_b/c_"),
            ("dots./x...", "dots./x..."),
            (".../x", ".../x"),
        ] {
            let normalized = normalize_entry_name(name);
            assert_eq!(normalized.as_deref(), Ok(expected), "{name:?}");
            assert_eq!(check_entry_name(expected), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn names_that_lead_outside_or_nowhere_are_not_normalized() {
        for name in [
            "..",
            "../x",
            "a/../x",
            "a\\..\\x",
            "C:..\\x",
            "/..",
            "x/..",
            "a/../../x",
        ] {
            let normalized = normalize_entry_name(name);
            assert_eq!(normalized, Err(EntryNameError::DotComponent), "{name}");
        }
        let long = format!("{}/{}/../x", "d".repeat(600), "d".repeat(600));
        assert_eq!(
            normalize_entry_name(&long),
            Err(EntryNameError::DotComponent)
        );
        for name in ["", "/", "./", ".", "\\", "C:", "C:/", "././/"] {
            assert_eq!(
                normalize_entry_name(name),
                Err(EntryNameError::Empty),
                "{name}"
            );
        }
    }

    #[test]
    fn long_names_are_cut_at_a_component() {
        let (folder, long) = ("d".repeat(600), "é".repeat(600));
        for (name, expected) in [
            (format!("{folder}/{folder}/x"), folder.clone()),
            (format!("{folder}\\{long}/"), format!("{folder}/")),
            (format!("{long}/"), format!("{}/", "é".repeat(511))),
            (format!("{folder}/x"), format!("{folder}/x")),
            ("x".repeat(1024), "x".repeat(1024)),
            ("x".repeat(1025), "x".repeat(1024)),
        ] {
            assert_eq!(normalize_entry_name(&name), Ok(expected.clone()));
            assert_eq!(check_entry_name(&expected), Ok(()));
        }
    }
}
