//! The records of a zip archive besides its data (PKWARE, "APPNOTE.TXT", sections 4.3 and 4.4).
//!
//! They are our own because an archive has to be put down between two entries and taken up in
//! another process, which the libraries that write zip cannot do: their list of entries is theirs.

use serde::{Deserialize, Serialize};

const LOCAL_HEADER: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const DIRECTORY_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;
/// The tag of the extra field with numbers of 64 bits.
const ZIP_64: u16 = 1;
/// What the file systems of 1980 and later take for their first day: no time is told.
const FIRST_DAY: u16 = 0x21;
/// Unix, and version 4.5 of the format.
const MADE_BY: u16 = 0x032D;
/// Files and folders as Unix has them: `-rw-r--r--` and `drwxr-xr-x`, with MS-DOS's bit for a folder.
const FILE_MODE: u32 = 0o100_644 << 16;
const FOLDER_MODE: u32 = (0o040_755 << 16) | 0x10;

/// An entry, as the archive's directory lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path; a folder's ends with a slash.
    pub name: String,
    /// Whether its data are deflated, or stored as they are.
    pub deflated: bool,
    /// Whether its sizes are written with 64 bits.
    pub large: bool,
    /// The CRC-32 of its content.
    pub crc32: u32,
    /// How many bytes it takes in the archive.
    pub packed: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Where its header begins.
    pub offset: u64,
}

/// Numbers, one after the other, with their lowest byte first.
#[derive(Default)]
struct Record(Vec<u8>);

impl Record {
    fn two(mut self, value: u16) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn four(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn eight(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Four bytes of a value, or the sign that it stands elsewhere with eight.
    fn four_or_sign(self, value: u64) -> Self {
        self.four(u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}

impl Entry {
    /// Whether it is a folder: it has no data, and nothing follows its header.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    fn is_far(&self) -> bool {
        self.offset >= u64::from(u32::MAX)
    }

    fn version_needed(&self) -> u16 {
        if self.large || self.is_far() { 45 } else { 20 }
    }

    /// What both headers have in common, from the flags to the date.
    fn common(&self, record: Record) -> Record {
        let descriptor_follows = if self.is_folder() { 0 } else { 1 << 3 };
        let name_is_utf8 = if self.name.is_ascii() { 0 } else { 1 << 11 };
        let method = if self.deflated { 8 } else { 0 };
        record
            .two(descriptor_follows | name_is_utf8)
            .two(method)
            .two(0)
            .two(FIRST_DAY)
    }

    fn name_length(&self) -> u16 {
        u16::try_from(self.name.len()).unwrap_or(u16::MAX)
    }

    /// What stands before its data: the sums and sizes follow behind them.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let version = if self.large { 45 } else { 20 };
        let record = self
            .common(Record::default().four(LOCAL_HEADER).two(version))
            .four(0);
        let record = if self.large {
            record
                .four(u32::MAX)
                .four(u32::MAX)
                .two(self.name_length())
                .two(20)
        } else {
            record.four(0).four(0).two(self.name_length()).two(0)
        };
        let record = record.bytes(self.name.as_bytes());
        if self.large {
            record.two(ZIP_64).two(16).eight(0).eight(0).0
        } else {
            record.0
        }
    }

    /// What stands behind its data.
    #[must_use]
    pub fn descriptor(&self) -> Vec<u8> {
        let record = Record::default().four(DESCRIPTOR).four(self.crc32);
        if self.large {
            return record.eight(self.packed).eight(self.size).0;
        }
        record.four_or_sign(self.packed).four_or_sign(self.size).0
    }

    fn in_directory(&self) -> Vec<u8> {
        let mut extra = Record::default();
        if self.large {
            extra = extra.eight(self.size).eight(self.packed);
        }
        if self.is_far() {
            extra = extra.eight(self.offset);
        }
        let length = u16::try_from(extra.0.len()).unwrap_or(0);
        let whole = if length == 0 {
            Record::default()
        } else {
            Record::default().two(ZIP_64).two(length).bytes(&extra.0)
        };
        let record = Record::default()
            .four(DIRECTORY_HEADER)
            .two(MADE_BY)
            .two(self.version_needed());
        let record = self.common(record).four(self.crc32);
        let record = if self.large {
            record.four(u32::MAX).four(u32::MAX)
        } else {
            record.four_or_sign(self.packed).four_or_sign(self.size)
        };
        let mode = if self.is_folder() {
            FOLDER_MODE
        } else {
            FILE_MODE
        };
        let record = record
            .two(self.name_length())
            .two(u16::try_from(whole.0.len()).unwrap_or(0));
        let record = record
            .two(0)
            .two(0)
            .two(0)
            .four(mode)
            .four_or_sign(self.offset);
        record.bytes(self.name.as_bytes()).bytes(&whole.0).0
    }
}

/// The directory of `entries`, which begins at `offset`, and the archive's end.
#[must_use]
pub fn directory(entries: &[Entry], offset: u64) -> Vec<u8> {
    let records: Vec<u8> = entries.iter().flat_map(Entry::in_directory).collect();
    let (count, size) = (entries.len() as u64, records.len() as u64);
    let end = offset + size;
    let mut all = Record(records);
    let four = u64::from(u32::MAX);
    if count >= u64::from(u16::MAX) || size >= four || offset >= four {
        all = all
            .four(END_64)
            .eight(44)
            .two(MADE_BY)
            .two(45)
            .four(0)
            .four(0);
        all = all.eight(count).eight(count).eight(size).eight(offset);
        all = all.four(END_64_LOCATOR).four(0).eight(end).four(1);
    }
    let short = u16::try_from(count).unwrap_or(u16::MAX);
    all.four(END)
        .two(0)
        .two(0)
        .two(short)
        .two(short)
        .four_or_sign(size)
        .four_or_sign(offset)
        .two(0)
        .0
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    #[test]
    fn more_entries_than_16_bits_count_are_read() {
        let mut archive = Vec::new();
        let mut entries = Vec::new();
        for number in 0..70_000 {
            let entry = Entry {
                name: format!("{number}/"),
                offset: archive.len() as u64,
                ..Entry::default()
            };
            archive.write_all(&entry.header()).unwrap();
            entries.push(entry);
        }
        let offset = archive.len() as u64;
        archive.write_all(&directory(&entries, offset)).unwrap();
        let read = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
        assert_eq!(read.len(), 70_000);
    }

    #[test]
    fn an_entry_behind_4_gib_is_told_with_64_bits() {
        let entry = Entry {
            name: "a".to_owned(),
            offset: 5 << 30,
            size: 1,
            packed: 1,
            ..Entry::default()
        };
        let record = entry.in_directory();
        assert_eq!(record[42..46], [0xFF; 4]);
        assert_eq!(
            record[47..],
            [&[1, 0, 8, 0][..], &(5_u64 << 30).to_le_bytes()].concat()
        );
        let end = directory(&[entry], 6 << 30);
        assert!(end.windows(4).any(|four| four == END_64.to_le_bytes()));
    }
}
