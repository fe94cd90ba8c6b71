//! Transliteration to ASCII, for names and for DOS text files.
//!
//! A letter never vanishes: it is spelled with ASCII letters, or the text has no spelling.

mod spelling;

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::decompose_compatible, is_nfc};

use self::spelling::Spelling;

/// The longest spelling of one character, in bytes: that of the Arabic formula U+FDFA.
pub const MAX_SPELLING_BYTES: usize = 32;

/// Spells a text with ASCII characters. A letter without a spelling becomes `?`; a symbol without
/// an equivalent disappears.
#[must_use]
pub fn transliterate(text: &str) -> String {
    Speller::new(text).spell().0
}

/// Like [`transliterate`], but returns `None` if a letter has no spelling, or if the text has only
/// signs, which are spelled with no letter at all.
#[must_use]
pub fn spell(text: &str) -> Option<String> {
    let (ascii, is_complete) = Speller::new(text).spell();
    is_complete.then_some(ascii)
}

/// Composes letters with their accents (NFC): the spelling of a letter depends on them. A voicing
/// mark is an accent of halfwidth katakana, and a square is the text within it.
fn composed(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_form_of_text) {
        let mut parts = String::with_capacity(text.len());
        for c in text.chars() {
            if is_form_of_text(c) {
                decompose_compatible(c, |part| parts.push(part));
            } else {
                parts.push(c);
            }
        }
        Cow::Owned(parts.nfc().collect())
    } else if is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Returns whether a character is halfwidth katakana, or a text in parentheses, a circle or a
/// square, which is no symbol.
const fn is_form_of_text(c: char) -> bool {
    matches!(c, '\u{249c}'..='\u{24b5}' | '\u{3200}'..='\u{33ff}' | '\u{ff61}'..='\u{ff9f}')
}

/// The transliteration of one text.
struct Speller<'a> {
    text: Cow<'a, str>,
    ascii: String,
    /// False once a letter has no spelling.
    is_complete: bool,
    /// True after an ideograph, which is a word of its own.
    is_after_ideograph: bool,
    /// True once the text has a sign, which needs a letter.
    has_sign: bool,
}

impl<'a> Speller<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: composed(text),
            ascii: String::with_capacity(text.len()),
            is_complete: true,
            is_after_ideograph: false,
            has_sign: false,
        }
    }

    /// Returns the spelling, and whether it is complete.
    fn spell(mut self) -> (String, bool) {
        if self.text.is_ascii() {
            return (self.text.into_owned(), true);
        }
        let text = std::mem::take(&mut self.text);
        let mut chars = text.chars().peekable();
        let (mut previous, mut repeated) = (None, None);
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            let spelling = Spelling::from_char(c, (previous, next));
            if spelling == Spelling::Repetition {
                self.push(
                    repeated.map_or(Spelling::Unknown, |c| Spelling::from_char(c, (None, next))),
                );
            } else {
                self.push(spelling);
                repeated = c.is_alphabetic().then_some(c);
            }
            previous = Some(c);
        }
        // A sign without a letter is dropped, unless nothing else is left.
        let is_spelled =
            !self.has_sign || self.ascii.bytes().any(|byte| byte.is_ascii_alphanumeric());
        (self.ascii, self.is_complete && is_spelled)
    }

    fn push(&mut self, spelling: Spelling) {
        match spelling {
            Spelling::Ascii(c) if !c.is_ascii_alphanumeric() => {
                self.end_word();
                self.ascii.push(c);
            }
            Spelling::Ascii(c) => self.push_letters(std::iter::once(c)),
            Spelling::Letters(letters) => self.push_letters(letters.chars()),
            Spelling::LowerCase(letters) => {
                self.push_letters(letters.chars().map(|c| c.to_ascii_lowercase()));
            }
            Spelling::Word(word) => {
                if self.ascii.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    self.ascii.push(' ');
                }
                self.ascii.push_str(word.trim_end());
                self.is_after_ideograph = true;
            }
            Spelling::Sign => self.has_sign = true,
            Spelling::Symbol(symbol) => {
                self.end_word();
                self.ascii.push_str(symbol);
            }
            Spelling::Nothing => {}
            Spelling::Repetition | Spelling::Unknown => {
                self.separate_from_ideograph();
                self.is_complete = false;
                self.ascii.push('?');
            }
        }
    }

    fn push_letters(&mut self, letters: impl Iterator<Item = char>) {
        self.separate_from_ideograph();
        self.ascii
            .extend(letters.filter(char::is_ascii_alphanumeric));
    }

    fn separate_from_ideograph(&mut self) {
        if self.is_after_ideograph {
            self.ascii.push(' ');
        }
        self.is_after_ideograph = false;
    }

    fn end_word(&mut self) {
        self.is_after_ideograph = false;
    }
}

#[cfg(test)]
#[path = "ascii_tests.rs"]
mod tests;
