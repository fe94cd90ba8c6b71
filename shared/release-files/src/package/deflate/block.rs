//! Packs one block.

use std::io;

use flate2::{Compress, Compression, FlushCompress};

use super::shrinking::Shrinking;

/// The largest stored block, in bytes (RFC 1951, section 3.2.4).
const MAX_STORED_BYTES: usize = u16::MAX as usize;
/// The bytes before the content of a stored block.
const STORED_HEADER_BYTES: usize = 5;
/// The end of a stream without content: a last block with fixed codes.
const EMPTY_END: [u8; 2] = [3, 0];

/// The content of a block, with the content before it.
#[derive(Debug)]
pub struct Block {
    /// The content before the block, and the block.
    pub bytes: Vec<u8>,
    /// Where the block starts.
    pub start: usize,
    /// How it is packed.
    pub place: Place,
}

/// The place of a block in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole file, which needs no stream if it is stored.
    Whole,
    /// A part that others follow.
    Inner,
    /// The last part.
    Last,
}

/// A packed block.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed {
    /// Its part of the stream; the content itself if a whole file is stored.
    pub bytes: Vec<u8>,
    /// Whether the content is stored, since it does not shrink.
    pub is_stored: bool,
}

/// Packs blocks on one thread.
pub struct BlockPacker {
    level: Compression,
    shrinking: Shrinking,
}

impl BlockPacker {
    /// Creates a packer with a level of zlib.
    pub fn new(level: u32) -> Self {
        Self {
            level: Compression::new(level),
            shrinking: Shrinking::default(),
        }
    }

    /// Packs a block. The result depends on nothing else.
    pub fn pack(&mut self, block: Block) -> io::Result<Packed> {
        let content = &block.bytes[block.start..];
        if self.shrinking.is_likely(content)
            && let Some(bytes) = self.deflate(&block)?
        {
            return Ok(Packed {
                bytes,
                is_stored: false,
            });
        }
        let bytes = match block.place {
            Place::Whole => block.bytes,
            Place::Inner => stored(content, false),
            Place::Last => stored(content, true),
        };
        Ok(Packed {
            bytes,
            is_stored: true,
        })
    }

    /// Returns the deflated content; `None` if it is not smaller.
    fn deflate(&self, block: &Block) -> io::Result<Option<Vec<u8>>> {
        let (before, content) = block.bytes.split_at(block.start);
        // A compressor that is reset hashes the end of a dictionary together with old content, so that
        // the bytes would depend on the blocks that its thread has packed.
        let mut deflate = Compress::new(self.level, false);
        if !before.is_empty() {
            let set = deflate.set_dictionary(before);
            set.map_err(io::Error::other)?;
        }
        // An inner part ends at a byte, so that the next one can follow.
        let flush = match block.place {
            Place::Inner => FlushCompress::Sync,
            Place::Whole | Place::Last => FlushCompress::Finish,
        };
        let mut packed = vec![0; content.len()];
        let done = deflate.compress(content, &mut packed, flush);
        done.map_err(io::Error::other)?;
        let size = usize::try_from(deflate.total_out()).map_err(io::Error::other)?;
        // A full buffer may lack the rest.
        let is_smaller = size < content.len();
        packed.truncate(size);
        Ok(is_smaller.then_some(packed))
    }
}

/// Returns a part of a stream that stores this content.
fn stored(content: &[u8], is_last: bool) -> Vec<u8> {
    if content.is_empty() && is_last {
        return EMPTY_END.to_vec();
    }
    let count = content.len().div_ceil(MAX_STORED_BYTES);
    let mut stored = Vec::with_capacity(content.len() + count * STORED_HEADER_BYTES);
    for (number, piece) in content.chunks(MAX_STORED_BYTES).enumerate() {
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        stored.push(u8::from(is_last && number + 1 == count));
        stored.extend(length.to_le_bytes());
        stored.extend((!length).to_le_bytes());
        stored.extend(piece);
    }
    stored
}
