//! Characters that no reader can see, but that change what the reader sees.

/// Returns whether a character has no place in a line of text: a control character, a separator of
/// lines or paragraphs, or a format character that reorders the text or is invisible (Unicode
/// Standard Annex #9, section 2, and Unicode Technical Report #36, section 3). The joiners U+200C
/// and U+200D are part of Persian and Indic words. The soft hyphen U+00AD and the zero-width space
/// U+200B, with which Thai and Khmer separate words, only say where a line may break.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'
            | '\u{180e}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_marks_and_separators_are_unprintable() {
        for c in "\0\n\u{7f}\u{85}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}".chars() {
            assert!(is_unprintable(c), "{c:?}");
        }
    }

    #[test]
    fn letters_of_every_script_are_printable() {
        for c in "a é ß 日本語 עברית العربية می\u{200c}خواهم क्\u{200d}ष 🎧 co\u{ad}op ไทย\u{200b}คำ"
            .chars()
        {
            assert!(!is_unprintable(c), "{c:?}");
        }
    }
}
