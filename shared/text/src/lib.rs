//! The text of release files: encodings, cleaning, transliteration to ASCII.

pub mod ascii;
pub mod encoding;
mod entry_name;
mod line;
pub mod mojibake;
mod name_key;
mod tidy;
mod unprintable;

pub use self::{
    entry_name::{EntryNameError, MAX_ENTRY_NAME_BYTES, check_entry_name, normalize_entry_name},
    line::{MAX_MESSAGE_CHARS, excerpt, one_line},
    name_key::name_key,
    tidy::{tidy_line, tidy_text},
    unprintable::is_unprintable,
};
