//! Compares the names of files as a person does.

use unicode_normalization::UnicodeNormalization;

/// Returns the key of a name: names with the same key differ in case or in the way of writing an
/// accent only, with a composed letter (NFC) or with a mark of its own (NFD, as macOS does).
#[must_use]
pub fn name_key(name: &str) -> String {
    let lower = name.to_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    lower.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_names_are_the_same_name() {
        for (name, other) in [
            ("été.pdf", "e\u{301}te\u{301}.pdf"),
            ("Été.PDF", "e\u{301}te\u{301}.pdf"),
            ("İ.txt", "I\u{307}.TXT"),
            ("が.cbz", "か\u{3099}.cbz"),
            ("한.txt", "\u{1112}\u{1161}\u{11ab}.txt"),
            ("Tiếng Việt", "Tie\u{302}\u{301}ng Vie\u{323}\u{302}t"),
        ] {
            assert_eq!(name_key(name), name_key(other), "{name}");
        }
    }

    #[test]
    fn other_names_stay_apart() {
        for (name, other) in [("été.pdf", "ete.pdf"), ("ﬁ.txt", "fi.txt"), ("a/b", "b")] {
            assert_ne!(name_key(name), name_key(other), "{name}");
        }
    }
}
