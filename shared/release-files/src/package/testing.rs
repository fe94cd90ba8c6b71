//! In-memory volumes for tests.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, Write},
    rc::Rc,
};

use super::volume_writer::{VolumeFile, VolumeWriter};

/// The finished files, by name.
pub type StoredFiles = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

/// A file that accepts a few bytes at a time and is stored when finished.
pub struct MemoryFile {
    stored: StoredFiles,
    name: String,
    bytes: Vec<u8>,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(7);
        self.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl VolumeFile for MemoryFile {
    fn finish(self) -> io::Result<()> {
        self.stored.borrow_mut().insert(self.name, self.bytes);
        Ok(())
    }
}

/// A writer of the volumes of `a.zip` to memory.
pub type MemoryVolumes = VolumeWriter<Box<dyn FnMut(&str) -> MemoryFile>, MemoryFile>;

/// Returns a writer of volumes of at most `size` bytes, and its finished files.
pub fn memory_volumes(size: Option<u64>) -> (MemoryVolumes, StoredFiles) {
    let files = StoredFiles::default();
    let stored = Rc::clone(&files);
    let create: Box<dyn FnMut(&str) -> MemoryFile> = Box::new(move |name| MemoryFile {
        stored: Rc::clone(&stored),
        name: name.to_owned(),
        bytes: Vec::new(),
    });
    (VolumeWriter::new("a.zip", size, create), files)
}
