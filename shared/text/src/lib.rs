//! The text of release files: encodings, cleaning, transliteration to ASCII.

pub mod ascii;
pub mod encoding;
mod line;
mod tidy;
mod unprintable;

pub use self::{
    line::{MAX_MESSAGE_CHARS, excerpt, one_line},
    tidy::{tidy_line, tidy_text},
    unprintable::is_unprintable,
};
