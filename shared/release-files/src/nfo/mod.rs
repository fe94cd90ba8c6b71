//! NFOs: finding their encoding, repairing them, reading them back.
//!
//! Pure work on bytes and text; docs/job-types.md tells users what it does.

mod clean;
pub mod labels;
pub mod layout;
pub mod listing;
mod placeholder;
#[cfg(test)]
mod property_tests;
pub mod read;
pub mod repair;
pub mod size;

/// The largest NFO, as it is and as it comes out of a repair, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
