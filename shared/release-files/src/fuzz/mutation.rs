//! Changes an input at random, with an eye to what breaks parsers.

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

/// The largest mutated input, in bytes.
const MAX_INPUT_BYTES: usize = 32 * 1024;

/// Returns one of the inputs with one to twelve mutations.
pub(super) fn mutate(inputs: &[Vec<u8>], rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = inputs.choose(rng).unwrap().clone();
    for _ in 0..rng.random_range(1..=12) {
        mutate_once(&mut bytes, inputs, rng);
        bytes.truncate(MAX_INPUT_BYTES);
    }
    bytes
}

fn mutate_once(bytes: &mut Vec<u8>, inputs: &[Vec<u8>], rng: &mut StdRng) {
    let (at, other) = (
        rng.random_range(0..=bytes.len()),
        rng.random_range(0..=bytes.len()),
    );
    let (from, to) = (at.min(other), at.max(other));
    match rng.random_range(0..8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = rng.random(),
        2 => {
            let edge = NUMBER_EDGES.choose(rng).unwrap().to_le_bytes();
            let width = *[1, 2, 4, 8].choose(rng).unwrap();
            for (byte, new) in bytes.iter_mut().skip(at).zip(&edge[..width]) {
                *byte = *new;
            }
        }
        3 => drop(bytes.drain(from..to.min(from + 64))),
        4 => bytes.truncate(to),
        5 => {
            let part = bytes[from..to].to_vec();
            bytes.splice(at..at, part);
        }
        6 => {
            let source = inputs.choose(rng).unwrap();
            let start = rng.random_range(0..=source.len());
            bytes.splice(from..to, source[start..].iter().copied());
        }
        _ => {
            let token = TOKENS.choose(rng).unwrap();
            bytes.splice(at..at, token.iter().copied());
        }
    }
}

/// Numbers at which sizes, counts and offsets break.
const NUMBER_EDGES: [u64; 8] = [0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, u64::MAX];

/// The tokens that the parsers look for.
const TOKENS: [&[u8]; 28] = [
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"../",
    b"/",
    b"\0",
    b"\xFF\xFE",
    b"\xEF\xBB\xBF",
    b"obj",
    b"endobj",
    b"stream\n",
    b"xref\n",
    b"/Length 99999999",
    b"/Encrypt 1 0 R",
    b"1 0 R",
    b"<<",
    b">>",
    b"<!DOCTYPE",
    b"&a;",
    b"\x1b[99999C",
    b"{{ title }}",
    b"\r",
    b"\x1aSAUCE00",
    b"\xDC\xDC\xDC\xDB",
    b"Title: \"",
    b"./",
];
