//! The finished files of a package.

use serde::{Deserialize, Serialize};

use crate::checksum::{Hasher, format_crc32};

/// A finished file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFile {
    /// The path in the package.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The CRC-32: eight upper-case hexadecimal digits.
    pub crc32: String,
    /// The SHA-256: 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl PackageFile {
    /// Describes a file with this content.
    #[must_use]
    pub fn from_bytes(path: &str, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        Self::from_hasher(path, hasher)
    }

    /// Describes a file from the hash of its content.
    #[must_use]
    pub fn from_hasher(path: &str, hasher: Hasher) -> Self {
        let size = hasher.size();
        let (crc32, sha256) = hasher.finish();
        Self {
            path: path.to_owned(),
            size,
            crc32: format_crc32(crc32),
            sha256,
        }
    }

    /// The CRC-32 as a number.
    #[must_use]
    pub fn crc32_value(&self) -> u32 {
        u32::from_str_radix(&self.crc32, 16).unwrap_or_default()
    }
}
