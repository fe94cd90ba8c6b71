//! Reads and repairs NFOs.
//!
//! It works only on bytes and text. docs/job-types.md describes it for users.

mod chapter_list;
mod clean;
pub mod comparison;
pub mod decoded;
pub mod field;
mod file_list;
mod labels;
pub(crate) mod layout;
pub mod listed_file;
mod markup;
mod placeholder;
#[cfg(test)]
mod property_tests;
pub mod read;
pub mod repair;
mod sauce;
mod size;
mod value;

/// The largest NFO, before and after its repair, in bytes.
pub const MAX_NFO_BYTES: usize = 256 * 1024;
