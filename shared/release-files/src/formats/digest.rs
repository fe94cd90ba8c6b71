//! Checksums of a whole file, in one pass and constant memory.

use std::io::{Read, Seek, SeekFrom};

use jobs::FailureCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, digest::common::hazmat::SerializableState};

use super::source::Source;
use crate::WorkError;
use crate::watch::Watch;

/// How much is read between two looks at the watch, in bytes.
const CHUNK: usize = 256 * 1024;

/// What one pass over a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// CRC-32 (as in zip and SFV).
    pub crc32: u32,
    /// SHA-256, 64 lower-case hex digits.
    pub sha256: String,
    /// The number of line feeds.
    pub line_feeds: u64,
}

/// CRC-32 and SHA-256 of the bytes that pass.
#[derive(Default)]
pub struct Hasher {
    crc32: crc32fast::Hasher,
    sha256: Sha256,
    size: u64,
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc32.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The number of bytes taken.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What it knows.
    #[must_use]
    pub fn state(&self) -> HasherState {
        let crc32 = self.crc32.clone().finalize();
        HasherState {
            size: self.size,
            crc32,
            sha256: hex::encode(self.sha256.serialize()),
        }
    }

    /// Goes on from `state`; `None` where that is none of ours.
    #[must_use]
    pub fn of(state: &HasherState) -> Option<Self> {
        let sha256 = hex::decode(&state.sha256).ok()?;
        let sha256 = Sha256::deserialize(sha256.as_slice().try_into().ok()?).ok()?;
        let crc32 = crc32fast::Hasher::new_with_initial_len(state.crc32, state.size);
        Some(Self {
            crc32,
            sha256,
            size: state.size,
        })
    }

    /// The CRC-32, and the SHA-256 as 64 lower-case hex digits.
    #[must_use]
    pub fn finish(self) -> (u32, String) {
        (self.crc32.finalize(), hex::encode(self.sha256.finalize()))
    }
}

/// What a [`Hasher`] knows, for another process to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HasherState {
    size: u64,
    crc32: u32,
    /// As hex digits.
    sha256: String,
}

/// A CRC-32 as people write it: eight upper-case hex digits.
#[must_use]
pub fn crc32_text(crc32: u32) -> String {
    format!("{crc32:08X}")
}

/// Reads the whole file once.
///
/// # Errors
/// The file's own, [`WorkError::Stopped`], and [`FailureCode::SourceChanged`] when it ends early.
pub(crate) fn digest<R: Read + Seek>(
    source: &mut Source<'_, R>,
    watch: &mut dyn Watch,
) -> Result<Digest, WorkError> {
    let fault = source.fault();
    let total = source.size();
    let mut hasher = Hasher::default();
    let mut line_feeds = 0;
    let mut buffer = vec![0; CHUNK];
    source.seek(SeekFrom::Start(0))?;
    loop {
        watch.stopped()?;
        let read = source.read(&mut buffer);
        fault.check()?;
        let chunk = &buffer[..read?];
        if chunk.is_empty() {
            break;
        }
        hasher.update(chunk);
        line_feeds += chunk
            .iter()
            .map(|&byte| u64::from(byte == b'\n'))
            .sum::<u64>();
        watch.progress(hasher.size(), total);
    }
    if hasher.size() != total {
        let sentence = "The file is shorter than its announced size.";
        return Err(WorkError::failed(FailureCode::SourceChanged, sentence));
    }
    let (crc32, sha256) = hasher.finish();
    Ok(Digest {
        crc32,
        sha256,
        line_feeds,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::watch::testing::Recorder;

    #[test]
    fn known_checksums() {
        let mut file = Cursor::new(b"123456789");
        let mut watch = Recorder::default();
        let found = digest(&mut Source::new(&mut file, 9), &mut watch).unwrap();
        assert_eq!(crc32_text(found.crc32), "CBF43926");
        assert_eq!(
            found.sha256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        assert_eq!(watch.progress, [(9, 9)]);
    }

    #[test]
    fn a_hasher_goes_on_from_its_state() {
        let bytes: Vec<u8> = (0..1_000_u16).flat_map(u16::to_le_bytes).collect();
        let mut whole = Hasher::default();
        whole.update(&bytes);
        let expected = whole.finish();
        for cut in [0, 1, 63, 64, 65, 1_999] {
            let mut first = Hasher::default();
            first.update(&bytes[..cut]);
            let state =
                serde_json::from_str(&serde_json::to_string(&first.state()).unwrap()).unwrap();
            let mut second = Hasher::of(&state).unwrap();
            second.update(&bytes[cut..]);
            assert_eq!(
                (second.size(), second.finish()),
                (2_000, expected.clone()),
                "{cut}"
            );
        }
        assert!(
            Hasher::of(&HasherState {
                size: 1,
                crc32: 0,
                sha256: "zz".to_owned()
            })
            .is_none()
        );
    }

    #[test]
    fn a_file_that_ends_early_has_changed() {
        let mut file = Cursor::new(b"1234");
        let error = digest(&mut Source::new(&mut file, 9), &mut Recorder::default()).unwrap_err();
        assert!(matches!(error, WorkError::Failed(f) if f.code == FailureCode::SourceChanged));
    }

    #[test]
    fn a_stop_ends_the_pass() {
        let mut file = Cursor::new(vec![0; 1_000_000]);
        let mut watch = Recorder::stopping_after(2);
        let error = digest(&mut Source::new(&mut file, 1_000_000), &mut watch).unwrap_err();
        assert!(matches!(error, WorkError::Stopped));
        assert_eq!(watch.progress.len(), 2);
    }
}
