//! Text as release files carry it: encodings, one-line cleaning, transliteration to ASCII.

pub mod ascii;
pub mod encoding;
mod line;

pub use line::{MAX_MESSAGE_CHARS, one_line};
