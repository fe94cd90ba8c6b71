//! Reads the names of archive entries.

use encoding_rs::SHIFT_JIS;
use jobs::{Failure, FailureCode};
use text::{EntryNameError, check_entry_name, excerpt, normalize_entry_name};
use zip::read::ZipFileEntry;

/// The longest excerpt of a name in a message, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// The name of an archive entry.
pub(super) struct EntryName {
    /// The path, which [`check_entry_name`] accepts.
    pub path: String,
    /// The stored name and the rule that it breaks, if it differs from the path.
    pub stored: Option<(String, EntryNameError)>,
}

/// Reads the name of an entry. Returns `None` for the archive's own folder, such as `./`.
///
/// # Errors
/// [`FailureCode::ArchiveUnsafeName`] if the name has a `..` component.
pub(super) fn read_name(entry: &ZipFileEntry<'_>) -> Result<Option<EntryName>, Failure> {
    let name = decode(entry);
    let Err(rule) = check_entry_name(&name) else {
        let (path, stored) = (name, None);
        return Ok(Some(EntryName { path, stored }));
    };
    let path = match normalize_entry_name(&name) {
        Ok(path) => path,
        Err(EntryNameError::Empty) if name.ends_with(['/', '\\']) => return Ok(None),
        // A file without a name has content nevertheless.
        Err(EntryNameError::Empty) => "_".to_owned(),
        Err(reason) => {
            let shown = excerpt(&name, MAX_SHOWN_CHARS);
            let message = format!("The name {shown:?} of an archive entry {reason}.");
            return Err(Failure::new(FailureCode::ArchiveUnsafeName, message));
        }
    };
    let stored = Some((name, rule));
    Ok(Some(EntryName { path, stored }))
}

/// Decodes a name as UTF-8, as Shift JIS, or as CP437.
fn decode(entry: &ZipFileEntry<'_>) -> String {
    let raw = entry.name_raw();
    let decoded = entry.name().ok().map(std::borrow::Cow::into_owned);
    match decode_shift_jis(raw) {
        Some(name) => name,
        None => decoded.unwrap_or_else(|| String::from_utf8_lossy(raw).into_owned()),
    }
}

/// Decodes a name that is in Shift JIS, as far as its backslashes show: in Shift JIS a backslash is
/// also the second byte of characters such as `表` and `ソ`, where it separates no folders.
fn decode_shift_jis(raw: &[u8]) -> Option<String> {
    let backslashes = raw.split(|byte| *byte == b'\\').count() - 1;
    if backslashes == 0 || std::str::from_utf8(raw).is_ok() {
        return None;
    }
    let name = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(raw)?;
    let has_second_byte = name.matches('\\').count() < backslashes;
    let is_japanese = name.chars().any(is_japanese_letter);
    // In other encodings the first byte is an accented letter, mostly at the end of a word.
    let mut pairs = name.chars().zip(name.chars().skip(1));
    let ends_a_word = pairs.any(|(a, b)| a.is_ascii_alphabetic() && is_japanese_letter(b));
    (has_second_byte && is_japanese && !ends_a_word).then(|| name.into_owned())
}

const fn is_japanese_letter(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

/// The names of an archive that were normalized.
#[derive(Default)]
pub(super) struct NormalizedNames {
    count: usize,
    first: Option<String>,
}

impl NormalizedNames {
    /// Adds a name if it was normalized.
    pub(super) fn add(&mut self, name: &EntryName) {
        let Some((stored, rule)) = &name.stored else {
            return;
        };
        self.count += 1;
        self.first.get_or_insert_with(|| {
            let [stored, path] = [stored, &name.path].map(|name| excerpt(name, MAX_SHOWN_CHARS));
            format!("The name {stored:?} of an archive entry {rule}; it is read as {path:?}")
        });
    }

    /// Returns a sentence about the names, or `None` if there are none.
    pub(super) fn warning(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(match self.count {
            1 => first.clone(),
            count => format!("{first} ({count} such names in all)"),
        })
    }
}
