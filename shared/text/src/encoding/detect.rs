//! Detects the encoding of a text.

use super::{Encoding, strip_utf8_marks, utf16::detect_utf16};

/// The size from which a text that ends within a character counts as truncated.
const MIN_TRUNCATED_BYTES: usize = 4096;

/// Detects the encoding of a text from its beginning, which may end within a character.
#[must_use]
pub fn detect(sample: &[u8]) -> Encoding {
    let unmarked = strip_utf8_marks(sample);
    if unmarked.len() < sample.len() {
        return if is_marked_utf8(unmarked) {
            Encoding::Utf8Bom
        } else {
            detect_single_byte(unmarked)
        };
    }
    if let Some(utf16) = detect_utf16(sample) {
        return utf16;
    }
    if sample.is_ascii() {
        return Encoding::Ascii;
    }
    if is_whole_utf8(sample) || is_mostly_utf8(sample) {
        Encoding::Utf8
    } else {
        detect_single_byte(sample)
    }
}

/// Returns whether a text is UTF-8, except that it may end within a character.
fn is_whole_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A single byte at the end may be a letter in another encoding.
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let is_cut = error.error_len().is_none();
            is_cut && (!before.is_ascii() || bytes.len() >= MIN_TRUNCATED_BYTES)
        }
    }
}

/// Returns whether the text after a UTF-8 mark is UTF-8, perhaps with a few broken bytes. Some tools
/// put a mark before any text; in a drawing of CP437 nearly every byte is invalid, and what is valid
/// consists of drawing characters only.
fn is_marked_utf8(bytes: &[u8]) -> bool {
    if is_whole_utf8(bytes) {
        return true;
    }
    let is_certain =
        |c: &char| !c.is_ascii() && !c.encode_utf8(&mut [0; 4]).bytes().all(is_drawing);
    let (mut certain, mut errors) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        certain += chunk.valid().chars().filter(is_certain).count();
        errors += usize::from(!chunk.invalid().is_empty());
    }
    certain >= errors.max(1)
}

/// Returns whether a byte is a box drawing or a block element of CP437.
const fn is_drawing(byte: u8) -> bool {
    matches!(byte, 0xB0..=0xDF)
}

/// Returns whether a damaged text is UTF-8. Text in another encoding rarely contains valid
/// multi-byte sequences.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sequences, mut errors) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        errors += usize::from(!chunk.invalid().is_empty());
    }
    sequences > 4 * errors
}

/// Distinguishes CP437 from Windows-1252. CP437 has box drawing at 0xB0 to 0xDF, in runs or between
/// spaces, and accented letters at 0x80 to 0xA5. Windows-1252 has accented letters at 0xC0 to 0xFF,
/// single among ASCII letters, and quotes, dashes and signs at 0x80 to 0xA5.
fn detect_single_byte(bytes: &[u8]) -> Encoding {
    let (mut cp437, mut windows) = (0_usize, 0_usize);
    for (at, &byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).map_or(b' ', |at| bytes[at]);
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        let in_word = before.is_ascii_alphabetic() || after.is_ascii_alphabetic();
        let within_word = before.is_ascii_lowercase() && after.is_ascii_lowercase();
        match byte {
            0xB0..=0xDF if before == byte || after == byte => cp437 += 2,
            // The degree sign, the middle dot and `»` are common in Windows-1252.
            0xB0..=0xDF if !in_word && !matches!(byte, 0xB0 | 0xB7 | 0xBB) => cp437 += 1,
            // Windows-1252 does not define these.
            0x81 | 0x8D | 0x8F | 0x90 | 0x9D => cp437 += 3,
            0x80..=0x90 | 0x93..=0x9A | 0xA0..=0xA5 if within_word => cp437 += 2,
            // The word `à`. An ellipsis would follow a word without a space.
            0x85 if before == b' ' && after == b' ' => cp437 += 1,
            0xE0 if before == b' ' && after == b' ' => windows += 1,
            0xC0..=0xFF if in_word => windows += 2,
            0x80 | 0x85 | 0x91..=0x97 | 0xA0 | 0xA9 | 0xAB | 0xAE | 0xB0 | 0xB7 | 0xBB => {
                windows += 1;
            }
            _ => {}
        }
    }
    if windows > cp437 {
        Encoding::Windows1252
    } else {
        Encoding::Cp437
    }
}
