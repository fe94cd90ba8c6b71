//! The text of release files: encodings, cleaning, transliteration to ASCII.

pub mod ascii;
pub mod encoding;
mod line;
mod tidy;

pub use self::{
    line::{MAX_MESSAGE_CHARS, one_line},
    tidy::{tidy_line, tidy_text},
};
