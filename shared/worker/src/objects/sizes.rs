//! The sizes of requests to S3, from the memory of the function and the size of a file.
//!
//! One connection to S3 carries some 90 MB/s, and the first byte takes tens of milliseconds (Amazon
//! S3 User Guide, "Performance guidelines": 85 to 90 MB/s, ranges in parallel). Each request has a
//! price. So requests are as large as the memory allows, and several are in flight.

use std::ops::Range;

const MIB: u64 = 1024 * 1024;
/// Bytes of the first range after a seek, and of the smallest part. S3 requires parts of at least
/// 5 MiB (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const SMALL_BYTES: u64 = 8 * MIB;
/// Bytes of the largest part and range. Larger ones would hardly save requests, and a part must be
/// sent within the timeout of a call.
const MAX_BYTES: u64 = 64 * MIB;
/// Bytes that a reader receives at a time: some 10 ms of a connection.
const CHUNK_BYTES: u64 = MIB;
/// The share of the first range that is read together at the end of a file, 1 MiB: the directory of
/// a zip with some thousand files, the record after it, and the files before it. They arrive in a
/// third of the time that a request takes.
const END_SHARE: u64 = 8;
/// Growth of a range that continues another one.
const GROWTH: u64 = 3;

/// The sizes of requests, in bytes, and their number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The first range after a seek, and the bytes that a reader keeps to seek back.
    pub small: u64,
    /// The bytes that a reader receives at a time.
    pub chunk: u64,
    /// A part; a smaller file is written by a single request.
    pub part: usize,
    /// The maximum number of parts in flight, besides the one being filled.
    pub parts_in_flight: usize,
    /// The largest range.
    pub range: u64,
    /// The maximum number of ranges in flight.
    pub ranges_in_flight: usize,
}

impl Sizes {
    /// Returns the sizes for a function with `memory` MiB. Parts take a twelfth of it and ranges a
    /// seventeenth: with 1,769 MiB they write 101 MiB in three parts and read 100 MiB in two ranges.
    pub(super) fn for_memory(memory: u32) -> Self {
        let memory = u64::from(memory) * MIB;
        let part = (memory / 48).clamp(SMALL_BYTES, MAX_BYTES);
        let range = (memory / 34).clamp(SMALL_BYTES, MAX_BYTES);
        Self {
            small: SMALL_BYTES,
            chunk: CHUNK_BYTES,
            part: usize::try_from(part).unwrap_or(usize::MAX),
            parts_in_flight: between(memory / 12 / part, 3..5) - 1,
            range,
            ranges_in_flight: between(memory / 17 / range, 2..5),
        }
    }

    /// Returns the size of the ranges of a file of `size` bytes that is read from start to end.
    pub(super) fn range_of(&self, size: u64) -> u64 {
        even(size, self.range)
    }

    /// Returns the bytes at the end of a file that are read together.
    pub(super) const fn end(&self) -> u64 {
        self.small / END_SHARE
    }

    /// Returns the size of the range after one of `previous` bytes.
    pub(super) fn range_after(&self, previous: u64) -> u64 {
        previous.saturating_mul(GROWTH).min(self.range)
    }
}

/// Returns the size of the fewest equal pieces of at most `largest` bytes.
fn even(size: u64, largest: u64) -> u64 {
    size.div_ceil(size.div_ceil(largest).max(1)).max(1)
}

fn between(count: u64, Range { start, end }: Range<usize>) -> usize {
    usize::try_from(count).unwrap_or(end).clamp(start, end - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the most that one reader and one writer hold, in MiB.
    fn held(sizes: &Sizes) -> u64 {
        let parts = (sizes.parts_in_flight as u64 + 1) * sizes.part as u64;
        let ranges = sizes.ranges_in_flight as u64 * sizes.range;
        (parts + ranges + 2 * sizes.small + sizes.chunk).div_ceil(MIB)
    }

    #[test]
    fn requests_fit_the_memory() {
        // The binary, the compressor and the SDK take 70 MiB.
        for (memory, limit) in [(256, 128), (512, 256), (1_769, 512), (10_240, 1_024)] {
            let sizes = Sizes::for_memory(memory);
            assert!(held(&sizes) + 70 <= limit, "{memory}: {}", held(&sizes));
            assert!(sizes.parts_in_flight > 1 && sizes.ranges_in_flight > 1);
        }
    }

    #[test]
    fn large_package_takes_three_parts_and_two_ranges() {
        let sizes = Sizes::for_memory(1_769);
        let parts = (101 * MIB).div_ceil(sizes.part as u64);
        let ranges = (100 * MIB).div_ceil(sizes.range_of(100 * MIB));
        assert_eq!((parts, ranges), (3, 2));
        assert_eq!(sizes.range_after(sizes.small), 24 * MIB);
        assert_eq!(sizes.range_after(24 * MIB), sizes.range);
    }

    #[test]
    fn parts_of_a_small_function_have_8_mib() {
        let sizes = Sizes::for_memory(256);
        assert_eq!((sizes.part as u64, sizes.range), (8 * MIB, 8 * MIB));
    }

    #[test]
    fn pieces_are_even_and_as_few_as_possible() {
        for (size, largest, piece) in [(0, 5, 1), (5, 5, 5), (6, 5, 3), (101, 36, 34)] {
            assert_eq!(even(size, largest), piece);
        }
    }
}
