//! The headers and the directory of a zip archive (PKWARE, "APPNOTE.TXT", sections 4.3 and 4.4).
//!
//! They are written by hand because an archive must be suspended between two entries and resumed in
//! another process. No zip library can do that, because its list of entries is private.

use serde::{Deserialize, Serialize};

const LOCAL_HEADER_SIGNATURE: u32 = 0x0403_4b50;
const DESCRIPTOR_SIGNATURE: u32 = 0x0807_4b50;
const DIRECTORY_HEADER_SIGNATURE: u32 = 0x0201_4b50;
const END_SIGNATURE: u32 = 0x0605_4b50;
const ZIP64_END_SIGNATURE: u32 = 0x0606_4b50;
const ZIP64_LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
/// The tag of the extra field with 64-bit numbers.
const ZIP64_EXTRA: u16 = 1;
/// January 1, 1980, the first MS-DOS date. Entries have no real time.
const DOS_EPOCH: u16 = 0x21;
/// The versions of the format that an extractor needs: 2.0, and 4.5 for 64-bit numbers.
const VERSION_20: u16 = 20;
const VERSION_45: u16 = 45;
/// Created on Unix with version 4.5 of the format.
const MADE_BY: u16 = 0x032D;
/// The Unix modes `-rw-r--r--` and `drwxr-xr-x`, the latter with the MS-DOS bit for a folder.
const FILE_MODE: u32 = 0o100_644 << 16;
const FOLDER_MODE: u32 = (0o040_755 << 16) | 0x10;

/// An entry of an archive being written, as listed in its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenEntry {
    /// The path; the path of a folder ends with a slash.
    pub name: String,
    /// True if the data is deflated, false if it is stored.
    pub deflated: bool,
    /// True if the sizes are written as 64-bit numbers.
    pub large: bool,
    /// True if the checksum and the sizes are written after the data, since they were not known
    /// before it.
    #[serde(default = "has_descriptor")]
    pub has_descriptor: bool,
    /// The CRC-32 of the content.
    pub crc32: u32,
    /// The size of the data in the archive, in bytes.
    pub packed: u64,
    /// The size of the content, in bytes.
    pub size: u64,
    /// The offset of the local header in the archive, in bytes.
    pub offset: u64,
}

/// The entries of an archive that an earlier version suspended have descriptors.
const fn has_descriptor() -> bool {
    true
}

/// A sequence of little-endian numbers and bytes.
#[derive(Default)]
struct Record(Vec<u8>);

impl Record {
    fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds a 32-bit number, or the mark that the number is in a 64-bit field.
    fn u32_or_mark(self, value: u64) -> Self {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// The length for a 16-bit field, which is large enough for all names and extra fields.
    fn length(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }
}

impl WrittenEntry {
    /// Returns whether it is a folder, which has no data.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Returns whether its offset needs more than 32 bits.
    fn needs_zip64_offset(&self) -> bool {
        self.offset >= u64::from(u32::MAX)
    }

    fn version_needed(&self) -> u16 {
        if self.large || self.needs_zip64_offset() {
            VERSION_45
        } else {
            VERSION_20
        }
    }

    /// Adds the fields common to both headers, from the flags to the date.
    fn common_fields(&self, record: Record) -> Record {
        let descriptor_follows = if self.has_descriptor { 1 << 3 } else { 0 };
        let name_is_utf8 = if self.name.is_ascii() { 0 } else { 1 << 11 };
        let method = if self.deflated { 8 } else { 0 };
        record
            .u16(descriptor_follows | name_is_utf8)
            .u16(method)
            .u16(0)
            .u16(DOS_EPOCH)
    }

    fn name_length(&self) -> u16 {
        u16::try_from(self.name.len()).unwrap_or(u16::MAX)
    }

    /// The header before the data. The checksum and the sizes are in it, or else in the data
    /// descriptor.
    #[must_use]
    pub fn local_header(&self) -> Vec<u8> {
        let (crc32, packed, size) = if self.has_descriptor {
            (0, 0, 0)
        } else {
            (self.crc32, self.packed, self.size)
        };
        let (version, extra) = if self.large {
            let extra = Record::default().u16(ZIP64_EXTRA).u16(16);
            (VERSION_45, extra.u64(size).u64(packed))
        } else {
            (VERSION_20, Record::default())
        };
        let short = |value| if self.large { u64::MAX } else { value };
        let record = Record::default().u32(LOCAL_HEADER_SIGNATURE).u16(version);
        self.common_fields(record)
            .u32(crc32)
            .u32_or_mark(short(packed))
            .u32_or_mark(short(size))
            .u16(self.name_length())
            .u16(extra.length())
            .bytes(self.name.as_bytes())
            .bytes(&extra.0)
            .0
    }

    /// The record after the data, if there is one.
    #[must_use]
    pub fn data_descriptor(&self) -> Vec<u8> {
        if !self.has_descriptor {
            return Vec::new();
        }
        let record = Record::default().u32(DESCRIPTOR_SIGNATURE).u32(self.crc32);
        if self.large {
            return record.u64(self.packed).u64(self.size).0;
        }
        record.u32_or_mark(self.packed).u32_or_mark(self.size).0
    }

    fn directory_header(&self) -> Vec<u8> {
        let extra = self.directory_extra();
        let (packed, size) = if self.large {
            (u64::MAX, u64::MAX)
        } else {
            (self.packed, self.size)
        };
        let mode = if self.is_folder() {
            FOLDER_MODE
        } else {
            FILE_MODE
        };
        let record = Record::default()
            .u32(DIRECTORY_HEADER_SIGNATURE)
            .u16(MADE_BY)
            .u16(self.version_needed());
        self.common_fields(record)
            .u32(self.crc32)
            .u32_or_mark(packed)
            .u32_or_mark(size)
            .u16(self.name_length())
            .u16(extra.length())
            // No comment, the first disk, no internal attributes.
            .u16(0)
            .u16(0)
            .u16(0)
            .u32(mode)
            .u32_or_mark(self.offset)
            .bytes(self.name.as_bytes())
            .bytes(&extra.0)
            .0
    }

    /// The extra field of the directory header: the numbers that need 64 bits, if any.
    fn directory_extra(&self) -> Record {
        let mut numbers = Record::default();
        if self.large {
            numbers = numbers.u64(self.size).u64(self.packed);
        }
        if self.needs_zip64_offset() {
            numbers = numbers.u64(self.offset);
        }
        if numbers.0.is_empty() {
            return numbers;
        }
        Record::default()
            .u16(ZIP64_EXTRA)
            .u16(numbers.length())
            .bytes(&numbers.0)
    }
}

/// The directory of `entries`, which starts at `offset`, and the end of the archive.
#[must_use]
pub fn directory(entries: &[WrittenEntry], offset: u64) -> Vec<u8> {
    let headers: Vec<u8> = entries
        .iter()
        .flat_map(WrittenEntry::directory_header)
        .collect();
    let (count, size) = (entries.len() as u64, headers.len() as u64);
    let mut record = Record(headers);
    if needs_zip64(count, size, offset) {
        record = record
            .u32(ZIP64_END_SIGNATURE)
            .u64(44)
            .u16(MADE_BY)
            .u16(VERSION_45)
            .u32(0)
            .u32(0)
            .u64(count)
            .u64(count)
            .u64(size)
            .u64(offset)
            .u32(ZIP64_LOCATOR_SIGNATURE)
            .u32(0)
            .u64(offset + size)
            .u32(1);
    }
    let short_count = u16::try_from(count).unwrap_or(u16::MAX);
    record
        .u32(END_SIGNATURE)
        .u16(0)
        .u16(0)
        .u16(short_count)
        .u16(short_count)
        .u32_or_mark(size)
        .u32_or_mark(offset)
        .u16(0)
        .0
}

/// Returns whether the number of entries, the size or the offset of the directory needs the 64-bit
/// end record.
fn needs_zip64(count: u64, size: u64, offset: u64) -> bool {
    let max = u64::from(u32::MAX);
    count >= u64::from(u16::MAX) || size >= max || offset >= max
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    #[test]
    fn archive_with_more_than_65535_entries_is_read() {
        let mut archive = Vec::new();
        let mut entries = Vec::new();
        for number in 0..70_000 {
            let entry = WrittenEntry {
                name: format!("{number}/"),
                offset: archive.len() as u64,
                ..WrittenEntry::default()
            };
            archive.write_all(&entry.local_header()).unwrap();
            entries.push(entry);
        }
        let offset = archive.len() as u64;
        archive.write_all(&directory(&entries, offset)).unwrap();
        let read = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
        assert_eq!(read.len(), 70_000);
    }

    #[test]
    fn entry_beyond_4_gib_has_a_64_bit_offset() {
        let entry = WrittenEntry {
            name: "a".to_owned(),
            offset: 5 << 30,
            size: 1,
            packed: 1,
            ..WrittenEntry::default()
        };
        let record = entry.directory_header();
        assert_eq!(record[42..46], [0xFF; 4]);
        assert_eq!(
            record[47..],
            [&[1, 0, 8, 0][..], &(5_u64 << 30).to_le_bytes()].concat()
        );
        let end = directory(&[entry], 6 << 30);
        assert!(
            end.windows(4)
                .any(|four| four == ZIP64_END_SIGNATURE.to_le_bytes())
        );
    }
}
