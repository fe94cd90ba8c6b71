//! Downloads a release's files into a folder.

use std::{
    fs,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use serde::Deserialize;
use tempfile::NamedTempFile;
use ureq::{SendBody, http::Request};

use crate::{
    error::Error,
    http::Client,
    output::{Output, clean},
};

const BUFFER_BYTES: usize = 64 << 10;

/// The parts of a listed file that the client uses.
#[derive(Clone, Deserialize)]
pub struct ListedFile {
    /// The path, below `source/` or `package/`.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The signed download.
    pub url: String,
}

/// The folder that downloads go to.
pub struct Target {
    /// The folder, which exists.
    pub folder: PathBuf,
    /// Replace files that exist.
    pub is_forced: bool,
}

impl Target {
    /// Returns the path of a file in the folder, without the first part of its listed path.
    ///
    /// Creates the folders on the way. Refuses a path that leaves the target folder, by its own
    /// parts or by a link, and a file that exists.
    pub fn prepare(&self, listed: &str) -> Result<PathBuf, Error> {
        let (folders, name) = split(listed)?;
        let mut path = self.folder.clone();
        for part in folders {
            path.push(part);
            let create = format!("create {}", path.display());
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(Error::Failed(format!("{} is not a folder", path.display()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&path).map_err(Error::file(create))?;
                }
                Err(error) => return Err(Error::file(create)(error)),
            }
        }
        path.push(name);
        if !self.is_forced && fs::symlink_metadata(&path).is_ok() {
            return Err(exists(&path));
        }
        Ok(path)
    }
}

fn exists(path: &Path) -> Error {
    let path = path.display();
    Error::Failed(format!("{path} exists; replace it with --force"))
}

/// Splits a listed path into the folders below `source/` or `package/`, and the name.
fn split(listed: &str) -> Result<(Vec<&str>, &str), Error> {
    let mut parts = listed.split('/').skip(1).collect::<Vec<_>>();
    // A drive, a stream of a file and a backslash are parts of a name on one system, and lead
    // elsewhere on another.
    let is_plain = |part: &&str| {
        let is_dot = matches!(*part, "" | "." | "..");
        !is_dot && !part.contains(['\\', ':', '\0'])
    };
    match parts.pop() {
        Some(name) if is_plain(&name) && parts.iter().all(is_plain) => Ok((parts, name)),
        _ => {
            let path = clean(listed);
            Err(Error::Failed(format!(
                "{path} is not a path that can be downloaded"
            )))
        }
    }
}

/// Downloads a file to its path in the target folder, which it returns.
///
/// The file has another name until it is complete.
pub fn download(
    client: &Client,
    output: &Output,
    file: &ListedFile,
    target: &Target,
) -> Result<PathBuf, Error> {
    let path = target.prepare(&file.path)?;
    let write = format!("write {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = temporary_file(folder).map_err(Error::file(&write))?;
    let bar = output.byte_bar(&file.path, file.size);
    let result = client
        .retry
        .run(true, || receive(client, file, &mut temporary, &write, &bar));
    bar.finish_and_clear();
    result?;
    let persisted = if target.is_forced {
        temporary.persist(&path)
    } else {
        temporary.persist_noclobber(&path)
    };
    match persisted {
        Ok(_) => Ok(path),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&path)),
        Err(error) => Err(Error::file(write)(error.error)),
    }
}

fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".jobs-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        // As any new file; the user's mask applies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Receives a file from its start.
fn receive(
    client: &Client,
    file: &ListedFile,
    temporary: &mut NamedTempFile,
    write: &str,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let action = format!("download {}", file.path);
    temporary.rewind().map_err(Error::file(write))?;
    temporary.as_file().set_len(0).map_err(Error::file(write))?;
    bar.set_position(0);
    let request = Request::get(&file.url)
        .body(SendBody::none())
        .map_err(|error| Error::from_http(&action, &ureq::Error::from(error)))?;
    let answer = client.send_signed(&action, request)?;
    // One byte more shows a file that is longer than listed.
    let mut reader = answer.into_body().into_reader().take(file.size + 1);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut received = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::from_http(&action, &ureq::Error::from(error))),
        };
        temporary
            .write_all(&buffer[..count])
            .map_err(Error::file(write))?;
        received += count as u64;
        bar.set_position(received);
    }
    match received.cmp(&file.size) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(Error::cut(&action)),
        std::cmp::Ordering::Greater => {
            let message = format!("failed to {action}: the file has changed; try again");
            Err(Error::Failed(message))
        }
    }
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
