//! Computes the checksums of a file.

use std::{
    io::{Read, Seek, SeekFrom},
    panic::resume_unwind,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use jobs::FailureCode;

use super::source::Source;
use crate::WorkError;
use crate::checksum::Hasher;
use crate::progress::{Progress, ReadProgress};

/// The results of one pass over a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The CRC-32, as in zip and SFV.
    pub crc32: u32,
    /// The SHA-256: 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The number of line feeds.
    pub line_feeds: u64,
}

/// The chunks that wait for their checksums.
const MAX_WAITING: usize = 4;

/// Computes the checksums in one pass over the file, and passes its bytes to `also`. A thread of its
/// own computes them, so that they take no time of `also`.
///
/// # Errors
/// [`FailureCode::SourceChanged`] if the file is shorter than expected.
pub fn digest<R: Read + Seek>(
    source: &mut Source<'_, R>,
    also: &mut dyn FnMut(&[u8]),
    progress: &mut dyn Progress,
) -> Result<Digest, WorkError> {
    let error_slot = source.error_slot();
    let total = source.size();
    source.seek(SeekFrom::Start(0))?;
    let (computed, read) = thread::scope(|scope| {
        let (sender, chunks) = sync_channel(MAX_WAITING);
        let hashing = thread::Builder::new().spawn_scoped(scope, || hash(chunks))?;
        let read = ReadProgress::new(progress, total).read_all(source, &mut |chunk| {
            // The thread takes chunks until the sender is dropped.
            let _ = sender.send(chunk.to_vec());
            also(chunk);
            Ok(())
        });
        drop(sender);
        let hashed = hashing.join();
        let hashed = hashed.unwrap_or_else(|panic| resume_unwind(panic));
        Ok::<_, WorkError>((hashed, read))
    })?;
    let (hasher, line_feeds) = computed;
    error_slot.check()?;
    read?;
    if hasher.size() != total {
        let message = "The file is shorter than expected; retry the job.";
        return Err(WorkError::failed(FailureCode::SourceChanged, message));
    }
    let (crc32, sha256) = hasher.finish();
    Ok(Digest {
        crc32,
        sha256,
        line_feeds,
    })
}

/// Hashes chunks and counts their line feeds.
fn hash(chunks: Receiver<Vec<u8>>) -> (Hasher, u64) {
    let mut hasher = Hasher::default();
    let mut line_feeds = 0;
    for chunk in chunks {
        hasher.update(&chunk);
        let counts = chunk.iter().map(|&byte| u64::from(byte == b'\n'));
        line_feeds += counts.sum::<u64>();
    }
    (hasher, line_feeds)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::checksum::format_crc32;
    use crate::progress::testing::Recorder;

    #[test]
    fn checksums_match_known_values() {
        let mut file = Cursor::new(b"123456789");
        let mut progress = Recorder::default();
        let found = digest(&mut Source::new(&mut file, 9), &mut |_| (), &mut progress).unwrap();
        assert_eq!(format_crc32(found.crc32), "CBF43926");
        assert_eq!(
            found.sha256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        assert_eq!(progress.updates, [(9, 9)]);
    }

    #[test]
    fn short_file_is_reported_as_changed() {
        let mut file = Cursor::new(b"1234");
        let error = digest(
            &mut Source::new(&mut file, 9),
            &mut |_| (),
            &mut Recorder::default(),
        )
        .unwrap_err();
        assert!(matches!(error, WorkError::Failed(f) if f.code == FailureCode::SourceChanged));
    }

    #[test]
    fn cancelled_pass_stops() {
        let mut file = Cursor::new(vec![0; 1_000_000]);
        let mut progress = Recorder::cancelling_after(2);
        let error = digest(
            &mut Source::new(&mut file, 1_000_000),
            &mut |_| (),
            &mut progress,
        )
        .unwrap_err();
        assert!(matches!(error, WorkError::Stopped));
        assert_eq!(progress.updates.len(), 2);
    }
}
