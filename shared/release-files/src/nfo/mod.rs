//! Reads and repairs NFOs.
//!
//! It works on bytes and text only; docs/job-types.md tells users what it does.

mod clean;
pub mod comparison;
pub mod field;
mod file_list;
mod labels;
pub(crate) mod layout;
pub mod listed_file;
mod placeholder;
#[cfg(test)]
mod property_tests;
pub mod read;
pub mod repair;
mod size;

/// The largest NFO, as it is or repaired, in bytes.
pub const MAX_NFO_BYTES: usize = 256 * 1024;
