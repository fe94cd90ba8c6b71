use std::io::Read;

use flate2::read::DeflateDecoder;
use proptest::prelude::*;

use super::*;

/// Packs content on some threads.
fn packed(content: &[u8], threads: usize) -> Vec<Packed> {
    let packer = Packer::with_threads(6, threads).unwrap();
    let count = content.len().div_ceil(BLOCK_BYTES).max(1);
    let pending: Vec<Pending> = (0..count)
        .map(|number| {
            let at = number * BLOCK_BYTES;
            let first = at.saturating_sub(WINDOW_BYTES);
            let end = content.len().min(at + BLOCK_BYTES);
            let block = Block {
                bytes: content[first..end].to_vec(),
                start: at - first,
                place: if number + 1 == count {
                    Place::Last
                } else {
                    Place::Inner
                },
            };
            packer.pack(block).unwrap()
        })
        .collect();
    pending.into_iter().map(|one| one.wait().unwrap()).collect()
}

fn joined(blocks: &[Packed]) -> Vec<u8> {
    blocks
        .iter()
        .flat_map(|block| block.bytes.clone())
        .collect()
}

fn unpacked(stream: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    DeflateDecoder::new(stream)
        .read_to_end(&mut content)
        .unwrap();
    content
}

/// Bytes in which nothing is more frequent than by chance.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(|_| next()).collect()
}

fn text(size: usize) -> Vec<u8> {
    let words = noise(size / 4 + 1, 7);
    let text: Vec<u8> = words
        .iter()
        .flat_map(|word| format!("word{} ", word % 61).into_bytes())
        .collect();
    text[..size].to_vec()
}

/// Any content: parts that shrink and parts that do not.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let part = (0..5, 0..300_000_usize, any::<u64>()).prop_map(|(kind, size, seed)| match kind {
        0 => noise(size, seed),
        1 => text(size),
        2 => vec![seed.to_le_bytes()[0]; size],
        // A repetition that only the window sees.
        3 => noise(20_000, seed).repeat(size / 20_000),
        _ => noise(size, seed).iter().map(|byte| byte & 0x3f).collect(),
    });
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_content_comes_back_and_the_stream_is_the_same_for_any_threads(content in content()) {
        let stream = joined(&packed(&content, 1));
        prop_assert!(unpacked(&stream) == content);
        for threads in [2, 6] {
            prop_assert!(joined(&packed(&content, threads)) == stream);
        }
    }
}

/// A compressor may keep content that no dictionary replaces.
#[test]
fn block_does_not_depend_on_the_blocks_before_on_its_thread() {
    let letters = |seed| -> Vec<u8> {
        let noise = noise(BLOCK_BYTES, seed);
        noise.iter().map(|byte| b'a' + (byte & 3)).collect()
    };
    let window = &letters(1)[..WINDOW_BYTES];
    let block = || Block {
        bytes: [window, &letters(2)].concat(),
        start: WINDOW_BYTES,
        place: Place::Inner,
    };
    let alone = Packer::with_threads(6, 1).unwrap().pack(block()).unwrap();
    let alone = alone.wait().unwrap();
    for seed in 3..11 {
        let packer = Packer::with_threads(6, 1).unwrap();
        let other = Block {
            bytes: letters(seed),
            start: 0,
            place: Place::Inner,
        };
        packer.pack(other).unwrap().wait().unwrap();
        let after = packer.pack(block()).unwrap().wait().unwrap();
        assert!(after == alone, "seed {seed}");
    }
}

#[test]
fn only_blocks_that_do_not_shrink_are_stored() {
    let parts = [
        noise(BLOCK_BYTES, 1),
        text(BLOCK_BYTES),
        noise(BLOCK_BYTES / 4, 3).repeat(4),
        noise(20_000, 5).repeat(BLOCK_BYTES / 20_000 + 1)[..BLOCK_BYTES].to_vec(),
        // A sixteenth of it is text.
        [noise(BLOCK_BYTES * 15 / 16, 9), text(BLOCK_BYTES / 16)].concat(),
        noise(1_000, 11),
    ];
    let blocks = packed(&parts.concat(), 2);
    let stored: Vec<_> = blocks.iter().map(|block| block.is_stored).collect();
    assert_eq!(stored, [true, false, true, false, false, true]);
}

#[test]
fn stored_content_grows_by_less_than_a_thousandth() {
    let content = noise(3 * BLOCK_BYTES + 17, 1);
    let stream = joined(&packed(&content, 2));
    assert!(stream.len() < content.len() + content.len() / 1_000);
}

#[test]
fn blocks_cost_almost_nothing() {
    let content = text(4 * BLOCK_BYTES);
    let mut whole = flate2::read::DeflateEncoder::new(&content[..], flate2::Compression::new(6));
    let whole = std::io::copy(&mut whole, &mut std::io::sink()).unwrap();
    let blocks = joined(&packed(&content, 2)).len() as u64;
    assert!(blocks < whole + whole / 100, "{blocks} {whole}");
}

#[test]
fn empty_content_is_an_empty_stream() {
    assert!(unpacked(&joined(&packed(b"", 1))).is_empty());
}
