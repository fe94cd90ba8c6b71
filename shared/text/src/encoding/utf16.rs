//! Detects UTF-16, with and without a byte order mark.

use super::Encoding;

/// Detects UTF-16 from the beginning of a text.
///
/// A byte order mark is believed only before a plausible text: artists begin drawings in CP437 with
/// the bytes 0xFE (`■`) and 0xFF (a blank). Without a mark, the text must have ASCII characters,
/// whose high bytes are NUL.
#[must_use]
pub fn detect_utf16(bytes: &[u8]) -> Option<Encoding> {
    for (mark, encoding) in [
        (b"\xFF\xFE", Encoding::Utf16Le),
        (b"\xFE\xFF", Encoding::Utf16Be),
    ] {
        if let Some(text) = bytes.strip_prefix(mark)
            && Plausibility::measure(text, encoding).is_text()
        {
            return Some(encoding);
        }
    }
    if !bytes.contains(&0) {
        return None;
    }
    let candidates = [Encoding::Utf16Le, Encoding::Utf16Be]
        .map(|encoding| (Plausibility::measure(bytes, encoding), encoding));
    candidates
        .into_iter()
        .filter(|(plausibility, _)| plausibility.is_unmarked_text())
        .max_by_key(|(plausibility, _)| plausibility.ascii + plausibility.likely)
        .map(|(_, encoding)| encoding)
}

/// The counts of characters by how likely they are in UTF-16.
#[derive(Default)]
struct Plausibility {
    /// ASCII.
    ascii: usize,
    /// Common letters, punctuation and drawings.
    likely: usize,
    /// Any other character, such as an ideograph.
    possible: usize,
    /// What two bytes of a text in a single-byte encoding look like.
    unlikely: usize,
    /// Lone surrogates, noncharacters and private characters.
    invalid: usize,
    /// NUL characters.
    nuls: usize,
    /// Ends of lines, counted above as well.
    line_ends: usize,
    /// Ideographs and kana, counted above as well.
    ideographs: usize,
    /// Wide punctuation, counted above as well.
    wide_marks: usize,
}

impl Plausibility {
    /// Measures a text without its mark. An odd byte at the end is ignored, since a sample may end
    /// anywhere.
    fn measure(bytes: &[u8], encoding: Encoding) -> Self {
        let unit = match encoding {
            Encoding::Utf16Be => u16::from_be_bytes,
            _ => u16::from_le_bytes,
        };
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let mut counts = Self::default();
        for c in char::decode_utf16(units) {
            match c {
                Ok('\0') => counts.nuls += 1,
                Ok(c) => {
                    *counts.count_of(c) += 1;
                    counts.line_ends += usize::from(c == '\n');
                    counts.ideographs += usize::from(matches!(c, '\u{3040}'..='\u{9fff}'));
                    counts.wide_marks += usize::from("、。，！：；？".contains(c));
                }
                Err(_) => counts.invalid += 1,
            }
        }
        counts
    }

    fn count_of(&mut self, c: char) -> &mut usize {
        let bytes = u16::try_from(u32::from(c)).map(u16::to_be_bytes);
        let is_text = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x1B);
        match (c, bytes) {
            (_, Ok([0, low])) if is_text(low) => &mut self.ascii,
            (
                '\u{1}'..='\u{ff}' | '\u{2500}'..='\u{25ff}' | '\u{3000}'..='\u{30ff}' | '\u{feff}',
                _,
            ) => &mut self.likely,
            ('\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}'..='\u{ffff}', _) => {
                &mut self.invalid
            }
            // A letter or a line end in the other byte order, two ASCII characters, or a run.
            (_, Ok([high, low])) if is_text(high) && (low == 0 || is_text(low)) => {
                &mut self.unlikely
            }
            (_, Ok([high, low])) if high == low => &mut self.unlikely,
            (
                '\u{100}'..='\u{7ff}'
                | '\u{e00}'..='\u{eff}'
                | '\u{1e00}'..='\u{2044}'
                | '\u{20a0}'..='\u{27bf}',
                _,
            ) => &mut self.likely,
            _ => &mut self.possible,
        }
    }

    fn total(&self) -> usize {
        self.ascii + self.likely + self.possible + self.unlikely + self.invalid
    }

    fn is_text(&self) -> bool {
        self.invalid * 20 <= self.total()
            && self.unlikely <= self.ascii + self.likely + self.possible
    }

    fn is_unmarked_text(&self) -> bool {
        let has_enough_ascii = self.ascii * 16 >= self.total() && self.unlikely * 4 <= self.total();
        self.is_text() && self.ascii >= 2 && (has_enough_ascii || self.is_ideographic())
    }

    /// Returns whether a text consists of ideographs, in lines and with punctuation that no
    /// single-byte text looks like. Many ideographs look like two ASCII characters.
    fn is_ideographic(&self) -> bool {
        self.nuls == 0
            && self.line_ends > 0
            && self.wide_marks > 0
            && (self.ideographs + self.wide_marks) * 2 >= self.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn text_of_every_script_is_detected_in_both_byte_orders() {
        for text in [
            "Title: Salt\r\n",
            "╔══════════════╗\r\n║ Title : Salt ║\r\n╚══════════════╝\r\n",
            "────────────────────────────\r\nSalt\r\n",
            "ÜÜÛÛßß Salt ßßÛÛÜÜ\r\n",
            "Название: Серая гавань\r\nАвтор: Мара\r\n",
            "Τίτλος: Γκρίζο λιμάνι\r\n",
            "Tytuł: Żółć\r\n",
            "タイトル: 灰色の港\r\nさくしゃ: まら\r\n",
            "כותרת: הנמל האפור\r\n",
            "제목: 회색 항구\r\n",
            "三体问题，科幻小说。\r\n这是第二行。\r\n",
            "三体问题，科幻小说。这是第二行，三体问题，科幻小说。这是第二行。\r\n三体问题。\r\n",
        ] {
            for (encoding, to_bytes, mark) in [
                (
                    Encoding::Utf16Le,
                    u16::to_le_bytes as fn(u16) -> _,
                    "\u{feff}",
                ),
                (Encoding::Utf16Be, u16::to_be_bytes, "\u{feff}"),
                (Encoding::Utf16Le, u16::to_le_bytes, ""),
                (Encoding::Utf16Be, u16::to_be_bytes, ""),
            ] {
                let bytes = utf16(&format!("{mark}{text}"), to_bytes);
                assert_eq!(detect_utf16(&bytes), Some(encoding), "{text} {mark:?}");
                assert_eq!(detect_utf16(&bytes[..bytes.len() - 1]), Some(encoding));
            }
        }
    }

    #[test]
    fn marked_text_without_ascii_is_detected() {
        for text in ["", "日本", "ひらがな", "한국어", "𠀀𠀁", "é"] {
            let bytes = utf16(&format!("\u{feff}{text}"), u16::to_le_bytes);
            assert_eq!(detect_utf16(&bytes), Some(Encoding::Utf16Le), "{text}");
        }
    }

    #[test]
    fn drawings_that_start_like_a_mark_are_not_utf16() {
        for bytes in [
            &b"\xFE\xFF GREY \xFE\xFF\xFE\r\n\xDC\xDC\xDB\xDB\xDF\xDF\r\n"[..],
            b"\xFE\xFF\xFE\xFF\xFE Title: The Grey Harbour\r\n",
            b"\xFF\xFE The Grey Harbour \xFE\xFF\r\n",
            b"\xFF\xFE\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xFE\xFF",
            b"\xFE\xFF\xB0\xB0\xB1\xB1\xB2\xB2\xDB\xDB\xDB\xDB",
            b"plain text\r\n",
            b"plain text with one \0\r\n",
            b"plain texts \r\0\n\0 with two of them\r\n",
            b"no odd text\x02\x300\r\0\n\0 with two of them\r\n",
        ] {
            assert_eq!(detect_utf16(bytes), None, "{bytes:?}");
        }
    }
}
