//! Reads and writes the files of a release: book formats, archives, NFO, SFV.
//!
//! The crate works on any `Read` and `Write`. It does no other I/O and knows neither AWS nor tokio.

pub mod checksum;
mod error;
pub mod formats;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod fuzz_zip;
pub mod isolation;
mod metadata;
pub mod nfo;
pub mod package;
pub mod paths;
pub mod progress;

pub use self::error::{StoppedError, WorkError, find_cause};
