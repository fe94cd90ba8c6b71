//! CRC-32 and SHA-256, in one pass and constant memory.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, digest::common::hazmat::SerializableState};

/// Computes the CRC-32 and the SHA-256 of bytes.
#[derive(Default)]
pub struct Hasher {
    crc32: crc32fast::Hasher,
    sha256: Sha256,
    size: u64,
}

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc32.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The number of bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the state, for another process to continue from.
    #[must_use]
    pub fn state(&self) -> HasherState {
        let crc32 = self.crc32.clone().finalize();
        HasherState {
            size: self.size,
            crc32,
            sha256: hex::encode(self.sha256.serialize()),
        }
    }

    /// Continues from a state. Returns `None` if it is not valid.
    #[must_use]
    pub fn from_state(state: &HasherState) -> Option<Self> {
        let sha256 = hex::decode(&state.sha256).ok()?;
        let sha256 = Sha256::deserialize(sha256.as_slice().try_into().ok()?).ok()?;
        let crc32 = crc32fast::Hasher::new_with_initial_len(state.crc32, state.size);
        Some(Self {
            crc32,
            sha256,
            size: state.size,
        })
    }

    /// Returns the CRC-32, and the SHA-256 as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> (u32, String) {
        (self.crc32.finalize(), hex::encode(self.sha256.finalize()))
    }
}

/// The state of a [`Hasher`], for another process to continue from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HasherState {
    size: u64,
    crc32: u32,
    /// As hexadecimal digits.
    sha256: String,
}

/// Formats a CRC-32 as eight upper-case hexadecimal digits.
#[must_use]
pub fn format_crc32(crc32: u32) -> String {
    format!("{crc32:08X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hasher_continues_from_its_state() {
        let bytes: Vec<u8> = (0..1_000_u16).flat_map(u16::to_le_bytes).collect();
        let mut whole = Hasher::default();
        whole.update(&bytes);
        let expected = whole.finish();
        for cut in [0, 1, 63, 64, 65, 1_999] {
            let mut first = Hasher::default();
            first.update(&bytes[..cut]);
            let state =
                serde_json::from_str(&serde_json::to_string(&first.state()).unwrap()).unwrap();
            let mut second = Hasher::from_state(&state).unwrap();
            second.update(&bytes[cut..]);
            assert_eq!(
                (second.size(), second.finish()),
                (2_000, expected.clone()),
                "{cut}"
            );
        }
        let broken = HasherState {
            size: 1,
            crc32: 0,
            sha256: "zz".to_owned(),
        };
        assert!(Hasher::from_state(&broken).is_none());
    }
}
