//! Tells whether content is worth compressing, several times as fast as compressing it.

/// The bytes whose frequencies are looked at together.
const PIECE_BYTES: usize = 16 * 1024;
/// The unevenness from which the frequencies of the bytes alone make a block shrink, in percent:
/// measured, Huffman codes gain less than half a percent below it.
const MIN_UNEVENNESS: u64 = 15;
/// The length of a repetition that is looked for, in bytes.
const REPEATED_BYTES: usize = 8;
/// The share of repeated bytes from which a block shrinks: one in this many.
const REPEATED_SHARE: usize = 200;
const HASH_BITS: u32 = 15;
/// A hash is looked up only if these bits of it are zero. The choice depends on the content, so that
/// a repetition is looked up at any position.
const SKIPPED_HASHES: u32 = 0b111;
/// The tables of frequencies that are filled in turns, so that no count waits for the one before.
const TABLES: usize = 4;
/// The largest distance of a repetition, in bytes.
const MAX_DISTANCE: u16 = 1 << 15;

/// Looks for what deflate can use: bytes that are more frequent than others, and repetitions. It
/// reads the whole block, since a sample would miss the text between the pictures.
#[derive(Debug)]
pub struct Shrinking {
    /// The last position of each hash, without its upper bits.
    positions: Vec<u16>,
}

impl Default for Shrinking {
    fn default() -> Self {
        Self {
            positions: vec![0; 1 << HASH_BITS],
        }
    }
}

impl Shrinking {
    /// Returns whether deflate is likely to make `content` smaller by half a percent.
    pub fn is_likely(&mut self, content: &[u8]) -> bool {
        is_uneven(content) || self.is_repetitive(content)
    }

    /// Returns whether enough of the content is a repetition.
    fn is_repetitive(&mut self, content: &[u8]) -> bool {
        self.positions.fill(0);
        let (mut at, mut repeated) = (0, 0);
        while let Some(next) = content.get(at..at + REPEATED_BYTES) {
            let Some(hash) = hash(next) else {
                at += 1;
                continue;
            };
            // Only the distance counts, which is less than 2^16.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the upper bits are not needed"
            )]
            let short = at as u16;
            let distance = short.wrapping_sub(self.positions[hash]);
            self.positions[hash] = short;
            let is_near = (1..=MAX_DISTANCE).contains(&distance);
            let before = at.checked_sub(usize::from(distance));
            let length = match before {
                Some(before) if is_near => common_length(&content[before..], &content[at..]),
                _ => 0,
            };
            if length >= REPEATED_BYTES {
                repeated += length;
            }
            at += length.max(1);
        }
        repeated > content.len() / REPEATED_SHARE
    }
}

/// Returns how many bytes both have in common at their start.
fn common_length(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// Hashes the first four bytes; `None` for most of them.
fn hash(bytes: &[u8]) -> Option<usize> {
    let four = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let hash = four.wrapping_mul(0x9E37_79B1);
    let is_looked_up = (hash >> 8) & SKIPPED_HASHES == 0;
    is_looked_up.then_some((hash >> (u32::BITS - HASH_BITS)) as usize)
}

/// Returns whether some bytes are so frequent that codes of different lengths are shorter. The
/// measure is the chance that two bytes of a piece are equal, compared with random bytes.
fn is_uneven(content: &[u8]) -> bool {
    let (mut equal, mut random) = (0, 0);
    for piece in content.chunks(PIECE_BYTES) {
        let mut tables = [[0_u32; 256]; TABLES];
        for bytes in piece.chunks(TABLES) {
            for (table, byte) in tables.iter_mut().zip(bytes) {
                table[usize::from(*byte)] += 1;
            }
        }
        let counts = (0..256).map(|byte| tables.iter().map(|table| u64::from(table[byte])).sum());
        equal += counts.map(|count: u64| count * count).sum::<u64>();
        let size = piece.len() as u64;
        // Of random bytes, each also equals itself.
        random += size * size / 256 + size;
    }
    equal * 100 > random * (100 + MIN_UNEVENNESS)
}
