//! Reads and writes the files of a release: book formats, archives, NFO, SFV. It does no I/O of its
//! own and knows neither AWS nor tokio: it works on any `Read` and `Write`.

pub mod checksum;
mod error;
pub mod formats;
#[cfg(test)]
mod fuzz;
mod metadata;
pub mod nfo;
pub mod package;
pub mod paths;
pub mod progress;

pub use self::error::{StoppedError, WorkError, find_cause};
