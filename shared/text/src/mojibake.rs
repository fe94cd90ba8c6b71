//! Undoes mojibake: a text that was decoded in the wrong encoding, and saved again.

use std::sync::LazyLock;

use encoding_rs::WINDOWS_1252;
use oem_cp::{code_table::ENCODING_TABLE_CP437, encode_char_checked};

use crate::{
    encoding::{Encoding, decode},
    is_unprintable,
};

/// The number of times that a text may have been decoded wrongly.
const MAX_ROUNDS: usize = 3;
/// The number of drawing characters that proves a drawing.
const MIN_DRAWN: usize = 8;
/// The number of characters that proves a wrong decoding, if all others are ASCII.
const MIN_CHARS: usize = 6;
/// The number of characters that proves a wrong decoding beside others that are correct.
const MIN_CHARS_BESIDE_OTHERS: usize = 8;

/// A wrong decoding that was undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mojibake {
    /// The encoding of the text.
    pub encoding: Encoding,
    /// The encoding that it was decoded in.
    pub decoded_as: Charset,
}

/// A character set that a text was wrongly decoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// The DOS code page.
    Cp437,
    /// Western European, with punctuation at 0x80 to 0x9F.
    Windows1252,
    /// Western European, with control characters at 0x80 to 0x9F.
    Latin1,
}

impl Charset {
    /// The name in a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cp437 => "cp437",
            Self::Windows1252 => "windows-1252",
            Self::Latin1 => "iso-8859-1",
        }
    }

    /// Returns the byte of a character that is not ASCII.
    fn byte(self, c: char) -> Option<u8> {
        match (self, c) {
            (Self::Cp437, _) => encode_char_checked(c, &ENCODING_TABLE_CP437),
            (_, '\u{a0}'..='\u{ff}') | (Self::Latin1, '\u{80}'..='\u{9f}') => {
                u8::try_from(u32::from(c)).ok()
            }
            (Self::Windows1252, _) => {
                let at = HIGH_WINDOWS_1252.iter().position(|high| *high == c)?;
                u8::try_from(at + 0x80).ok()
            }
            (Self::Latin1, _) => None,
        }
    }
}

/// The characters of Windows-1252 at 0x80 to 0x9F.
static HIGH_WINDOWS_1252: LazyLock<Vec<char>> = LazyLock::new(|| {
    let bytes: Vec<u8> = (0x80..=0x9F).collect();
    let text = WINDOWS_1252.decode_without_bom_handling(&bytes).0;
    text.chars().collect()
});

/// Undoes the wrong decodings of a text, where that is certain. Returns the text and what was
/// undone, in that order; `None` if the text is as it should be.
#[must_use]
pub fn undo(text: &str) -> Option<(String, Vec<Mojibake>)> {
    let mut undone = Vec::new();
    let mut current = None;
    while undone.len() < MAX_ROUNDS
        && let Some((text, mojibake)) = undo_once(current.as_deref().unwrap_or(text))
    {
        undone.push(mojibake);
        current = Some(text);
    }
    current.map(|text| (text, undone))
}

fn undo_once(text: &str) -> Option<(String, Mojibake)> {
    if text.is_ascii() {
        return None;
    }
    [Charset::Cp437, Charset::Windows1252, Charset::Latin1]
        .into_iter()
        .find_map(|decoded_as| {
            let of = |encoding| Mojibake {
                encoding,
                decoded_as,
            };
            undo_utf8(text, decoded_as)
                .map(|text| (text, of(Encoding::Utf8)))
                .or_else(|| undo_cp437(text, decoded_as).map(|text| (text, of(Encoding::Cp437))))
        })
}

/// Undoes UTF-8 that was decoded in a single-byte character set: `ΓûêΓûê` is `██`, and `Ã©` is `é`.
/// Each run of characters that are not ASCII is UTF-8 or was not decoded wrongly.
fn undo_utf8(text: &str, charset: Charset) -> Option<String> {
    let mut evidence = Evidence::default();
    let mut before = "";
    let mut rest = runs(text, charset).peekable();
    while let Some((run, is_plain)) = rest.next() {
        if !is_plain && !is_drawn(run) {
            let after = rest.peek().map_or("", |(after, _)| after);
            evidence.add(redecode(run, charset).as_deref(), before, after);
        }
        before = run;
    }
    // A run of drawing characters may be a drawing, if anything else was decoded correctly.
    let keeps_drawings = evidence.failures > 0;
    let undo_run = |(run, is_plain): (&str, bool)| {
        let is_kept = is_plain || keeps_drawings && is_drawn(run);
        let redecoded = if is_kept {
            None
        } else {
            redecode(run, charset)
        };
        redecoded.unwrap_or_else(|| run.to_owned())
    };
    evidence
        .is_certain()
        .then(|| runs(text, charset).map(undo_run).collect())
}

/// Splits a text into runs of plain characters and of others. Plain are ASCII and what no viewer
/// shows, such as a separator of lines, if the character set lacks it.
fn runs(mut text: &str, charset: Charset) -> impl Iterator<Item = (&str, bool)> {
    let is_plain = move |c: char| c.is_ascii() || is_unprintable(c) && charset.byte(c).is_none();
    std::iter::from_fn(move || {
        let is_plain_run = is_plain(text.chars().next()?);
        let end = text.find(|c: char| is_plain(c) != is_plain_run);
        let (run, rest) = text.split_at(end.unwrap_or(text.len()));
        text = rest;
        Some((run, is_plain_run))
    })
}

fn is_drawn(run: &str) -> bool {
    run.chars().all(is_drawing)
}

/// Encodes a run in `charset` and decodes it as UTF-8.
fn redecode(run: &str, charset: Charset) -> Option<String> {
    let bytes: Option<Vec<u8>> = run.chars().map(|c| charset.byte(c)).collect();
    String::from_utf8(bytes?).ok()
}

/// The evidence that a text is UTF-8 that was decoded wrongly.
#[derive(Default)]
struct Evidence {
    /// Decoded characters.
    chars: usize,
    /// Those that are seldom in an NFO, or that may end a word in capitals, as in `HYVÄ…`.
    doubtful: usize,
    /// Runs that are not UTF-8.
    failures: usize,
}

impl Evidence {
    /// Adds a run between the runs `before` and `after`, decoded again if that is possible.
    fn add(&mut self, decoded: Option<&str>, before: &str, after: &str) {
        let Some(decoded) = decoded else {
            self.failures += 1;
            return;
        };
        let is_doubtful = before.ends_with(|c: char| c.is_ascii_uppercase())
            && !is_within_name(before, decoded, after);
        for c in decoded.chars() {
            self.chars += 1;
            self.doubtful += usize::from(is_doubtful || !is_usual(c));
        }
    }

    fn is_certain(&self) -> bool {
        if self.failures == 0 {
            self.chars > 0 && (self.doubtful == 0 || self.chars >= MIN_CHARS)
        } else {
            self.chars >= MIN_CHARS_BESIDE_OTHERS.max(4 * self.failures)
        }
    }
}

/// Returns whether the decoded letters stand between one capital and a small letter: the `ü` of
/// `MÃ¼ller`. In `HYVÄ…` nothing follows, and the word is in capitals.
fn is_within_name(before: &str, decoded: &str, after: &str) -> bool {
    let capitals = before.chars().rev().take(2);
    capitals.filter(char::is_ascii_uppercase).count() == 1
        && decoded.chars().all(char::is_lowercase)
        && after.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Undoes CP437 that was decoded as Windows-1252 or ISO-8859-1: `ÜÜÛÛßß` is `▄▄██▀▀`. Letters that
/// stand in runs outside of words, many more than letters in words, prove a drawing.
fn undo_cp437(text: &str, charset: Charset) -> Option<String> {
    if charset == Charset::Cp437 || text.contains(is_drawing) || !is_drawn_with_letters(text) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        bytes.push(if c.is_ascii() {
            u8::try_from(u32::from(c)).ok()?
        } else {
            charset.byte(c)?
        });
    }
    Some(decode(&bytes, Encoding::Cp437).into_owned())
}

/// Returns whether a text has runs of the letters that blocks and lines of CP437 look like, and few
/// such letters within words.
fn is_drawn_with_letters(text: &str) -> bool {
    let (mut drawn, mut written) = (0_usize, 0_usize);
    let (mut before, mut run) = (' ', (' ', 0_usize, ' '));
    for c in text.chars().chain([' ']) {
        let (letter, length, preceding) = run;
        if c == letter {
            run.1 += 1;
        } else {
            let in_word = preceding.is_ascii_alphabetic() || c.is_ascii_alphabetic();
            if length >= 3 && !in_word && is_block_letter(letter) {
                drawn += length;
            } else if in_word && letter.is_alphabetic() && !letter.is_ascii() {
                written += length;
            }
            run = (c, 1, before);
        }
        before = c;
    }
    drawn >= MIN_DRAWN && drawn >= 2 * written
}

/// The letters that no language repeats three times: `─ ═ █ ▄ ▀ ▌ ▐` in CP437.
const fn is_block_letter(c: char) -> bool {
    matches!(c, 'Ä' | 'Í' | 'Û' | 'Ü' | 'ß' | 'Ý' | 'Þ')
}

/// Returns whether a character is a box drawing or a block element.
const fn is_drawing(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}')
}

/// Returns whether a character is usual in an NFO of Western Europe.
const fn is_usual(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{17f}' | '\u{2010}'..='\u{203a}' | '€' | '™' | '\u{2190}'..='\u{21ff}'
        | '\u{2500}'..='\u{266f}' | '\u{feff}')
}

#[cfg(test)]
#[path = "mojibake_tests.rs"]
mod tests;
