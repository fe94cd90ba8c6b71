//! Compares our reader of archives with the zip library that it is built on, which tolerates less and
//! checks less.

use std::io::{Cursor, Read as _};

use text::normalize_entry_name;
use zip::ZipArchive;

use crate::formats::{archive::Archive, samples};

/// The largest content that is compared, in bytes.
const MAX_COMPARED_BYTES: u64 = 1024 * 1024;

/// Archives of careless tools.
pub fn samples() -> Vec<Vec<u8>> {
    let zip = samples::zip(&[
        ("a\\b.txt", b"one"),
        ("./c//d", b"two"),
        ("/e", &[7; 5_000]),
    ]);
    let prefixed = [b"\xEF\xBB\xBF", &zip[..]].concat();
    let moved = samples::moved_by(&prefixed, 3);
    let folder = samples::zip(&[("folder/", b""), ("./", b""), ("folder/b", &[0; 5_000])]);
    vec![zip, prefixed, moved, folder]
}

/// Reads an archive with ours and with the library alone. If both open it, they find the same names,
/// sizes and checksums, and the library's content is ours.
pub fn compare_with_library(bytes: &[u8]) {
    let mut cursor = Cursor::new(bytes);
    let ours = Archive::open(&mut cursor, bytes.len() as u64);
    let (Ok(mut ours), Ok(mut library)) = (ours, ZipArchive::new(Cursor::new(bytes))) else {
        return;
    };
    let mut at = 0;
    for index in 0..library.len() {
        let (name, size, crc32) = {
            let entry = library.by_index_data(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            (name, entry.size(), entry.crc32())
        };
        // Ours leaves out the archive's own folder, and names a file without a name.
        let path = match normalize_entry_name(&name) {
            Err(_) if name.ends_with(['/', '\\']) => continue,
            path => path.unwrap_or_else(|_| "_".to_owned()),
        };
        let entry = &ours.entries()[at];
        assert_eq!((entry.size, entry.crc32), (size, crc32));
        // A name that is not in UTF-8 may be in Shift JIS.
        assert!(entry.path == path || !name.is_ascii(), "{name:?}");
        let mut content = Vec::new();
        let read = library.by_index(index).map(|file| {
            let mut file = file.take(MAX_COMPARED_BYTES);
            file.read_to_end(&mut content)
        });
        if content.len() as u64 == size && matches!(read, Ok(Ok(_))) {
            assert_eq!(ours.read(at, MAX_COMPARED_BYTES).unwrap(), content);
        }
        at += 1;
    }
    assert_eq!(at, ours.entries().len());
}
