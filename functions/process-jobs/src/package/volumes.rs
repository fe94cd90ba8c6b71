//! Splits what is written into volumes: `name.zip.001`, `name.zip.002` and so on, which `cat`
//! and 7-Zip join. Without a size there is one file, `name.zip`.

use std::io::{self, Write};

use super::PackageFile;
use crate::{
    failure::{Failure, code},
    formats::digest::Hasher,
};

/// The most volumes that three digits count.
const MAX_VOLUMES: usize = 999;

/// A writer that has to be told when it has everything.
pub trait Finish: Write {
    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(self) -> io::Result<()>;
}

/// A writer into volumes that `create` opens.
pub struct Volumes<C, W> {
    name: String,
    size: Option<u64>,
    create: C,
    current: Option<(String, W, Hasher)>,
    done: Vec<PackageFile>,
}

impl<W: Finish, C: FnMut(&str) -> W> Volumes<C, W> {
    /// Volumes of at most `size` bytes each.
    pub fn new(name: &str, size: Option<u64>, create: C) -> Self {
        Self { name: name.to_owned(), size, create, current: None, done: Vec::new() }
    }

    fn end_volume(&mut self) -> io::Result<()> {
        if let Some((name, writer, hasher)) = self.current.take() {
            writer.finish()?;
            self.done.push(PackageFile::hashed(&name, hasher));
        }
        Ok(())
    }

    /// Ends the last volume; gives them all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<Vec<PackageFile>> {
        self.end_volume()?;
        Ok(self.done)
    }
}

impl<W: Finish, C: FnMut(&str) -> W> Write for Volumes<C, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.current.is_none() {
            if self.done.len() == MAX_VOLUMES {
                let text = "The archive needs more than 999 volumes; choose a larger volume_size";
                return Err(Failure::new(code::TOO_MANY_VOLUMES, text).into_io());
            }
            let name = match self.size {
                Some(_) => format!("{}.{:03}", self.name, self.done.len() + 1),
                None => self.name.clone(),
            };
            let writer = (self.create)(&name);
            self.current = Some((name, writer, Hasher::default()));
        }
        let Some((_, writer, hasher)) = &mut self.current else { return Ok(0) };
        let room = self.size.map_or(u64::MAX, |size| size - hasher.size());
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        writer.write_all(&bytes[..count])?;
        hasher.update(&bytes[..count]);
        if self.size.is_some_and(|size| hasher.size() >= size) {
            self.end_volume()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
