//! Reads and writes the files of a release: book formats, archives, NFO, SFV. No I/O of its own, no AWS, no tokio: it
//! works on any `Read` and `Write`.

mod error;
pub mod formats;
#[cfg(test)]
mod fuzz;
pub mod nfo;
pub mod package;
pub mod watch;

pub use self::error::{StoppedError, WorkError, find_cause};
