//! Deflate on every core (RFC 1951): one stream, whose blocks are packed side by side.

mod block;
mod packer;
mod shrinking;
#[cfg(test)]
mod tests;

pub use self::block::{Block, Packed, Place};
pub use self::packer::{Packer, Pending};

/// The size of a block, in bytes. The archive's bytes depend on it.
pub const BLOCK_BYTES: usize = 512 * 1024;
/// The content before a block to which it may refer, in bytes (RFC 1951, section 2).
pub const WINDOW_BYTES: usize = 32 * 1024;
