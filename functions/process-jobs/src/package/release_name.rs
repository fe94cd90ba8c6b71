//! The rules that every release name keeps.

/// The shortest release name, in characters.
pub const MIN_RELEASE_NAME: usize = 8;
/// The longest release name, in characters.
pub const MAX_RELEASE_NAME: usize = 160;

/// Whether `name` is a release name: 8 to 160 characters of `[A-Za-z0-9._-]`, words joined by
/// single dots, underscores or hyphens, ending in `-GROUP`, where the group is of letters, digits
/// and underscores.
///
/// # Errors
/// The rule that it breaks, as the end of a sentence that begins with the name.
pub fn check_release_name(name: &str) -> Result<(), &'static str> {
    let joins = |byte: u8| matches!(byte, b'.' | b'_' | b'-');
    let bytes = name.as_bytes();
    if !bytes.iter().all(|&byte| byte.is_ascii_alphanumeric() || joins(byte)) {
        return Err("may only contain letters without accents, digits, '.', '_' and '-'");
    }
    if !(MIN_RELEASE_NAME..=MAX_RELEASE_NAME).contains(&bytes.len()) {
        return Err("must have 8 to 160 characters");
    }
    if joins(bytes[0]) || joins(bytes[bytes.len() - 1]) {
        return Err("must begin and end with a letter or a digit");
    }
    if bytes.windows(2).any(|pair| joins(pair[0]) && joins(pair[1])) {
        return Err("must join its words with single dots, underscores or hyphens");
    }
    match name.rsplit_once('-') {
        Some((_, group)) if !group.contains('.') => Ok(()),
        _ => Err("must end in '-' and the group's name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_keep_the_rules_pass() {
        for name in [
            "Author.Name-Title.Of.Book-2024-ePub-GROUP",
            "A_Title-2024-GRP_1",
            "Title-GR",
            &format!("{}-GROUP", "a".repeat(154)),
        ] {
            assert_eq!(check_release_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn each_rule_is_enforced() {
        for (name, rule) in [
            ("Té.Title-GROUP", "accents"),
            ("A Title-GROUP", "letters"),
            ("../Title-GROUP", "begin"),
            ("Ti-GRP", "8 to 160"),
            ("", "8 to 160"),
            (&format!("{}-GROUP", "a".repeat(155)), "8 to 160"),
            (".Title-GROUP", "begin"),
            ("A.Title-GROUP-", "end"),
            ("A..Title-GROUP", "single"),
            ("A.Title.GROUP", "group"),
            ("A.Title-The.GROUP", "group"),
        ] {
            let reason = check_release_name(name).unwrap_err();
            assert!(reason.contains(rule), "{name}: {reason}");
        }
    }
}
