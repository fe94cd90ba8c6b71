//! Uploads a file to a release, in a stream.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use ureq::{
    SendBody,
    http::{Method, Request, header},
};

use crate::{
    error::Error,
    http::{Call, Client, typed},
    output::Output,
};

/// The answer to `POST /api/releases/{id}/files`.
#[derive(Deserialize)]
struct Signed {
    upload: SignedUpload,
}

#[derive(Deserialize)]
struct SignedUpload {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
}

/// Uploads a file as the source file `path` of a release, and returns its size.
pub fn upload(
    client: &Client,
    output: &Output,
    release: u64,
    file: &Path,
    path: &str,
) -> Result<u64, Error> {
    let size = size_of(file)?;
    let action = format!("upload {path}");
    let signed = sign(client, &action, release, path, size)?;
    let bar = output.byte_bar(path, size);
    let result = client
        .retry
        .run(true, || send(client, &action, &signed, file, size, &bar));
    bar.finish_and_clear();
    result.map(|()| size)
}

fn size_of(file: &Path) -> Result<u64, Error> {
    let name = file.display();
    let metadata = file
        .metadata()
        .map_err(Error::file(format!("read {name}")))?;
    // The length of a pipe or a device is not known before its end.
    if !metadata.is_file() {
        return Err(Error::Usage(format!("{name} is not a file")));
    }
    Ok(metadata.len())
}

fn sign(
    client: &Client,
    action: &str,
    release: u64,
    path: &str,
    size: u64,
) -> Result<SignedUpload, Error> {
    let answer = client.send(&Call {
        action,
        method: Method::POST,
        path: format!("/api/releases/{release}/files"),
        body: Some(json!({"path": path, "size": size})),
        key: None,
    })?;
    typed::<Signed>(action, answer).map(|signed| signed.upload)
}

/// Sends the file from its start, with the signed headers and exactly the signed length.
fn send(
    client: &Client,
    action: &str,
    signed: &SignedUpload,
    path: &Path,
    size: u64,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let read = format!("read {}", path.display());
    let file = File::open(path).map_err(Error::file(&read))?;
    bar.set_position(0);
    let mut source = Source {
        file: file.take(size),
        left: size,
        fault: None,
        bar,
    };
    let mut request = Request::builder()
        .method(signed.method.as_str())
        .uri(&signed.url);
    for (name, value) in &signed.headers {
        if !name.eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str()) {
            request = request.header(name, value);
        }
    }
    let request = request
        .header(header::CONTENT_LENGTH, size)
        .body(SendBody::from_reader(&mut source))
        .map_err(|error| Error::from_http(action, &ureq::Error::from(error)))?;
    let result = client.send_signed(action, request);
    match source.fault {
        Some(fault) => Err(Error::file(read)(fault)),
        None => result.map(drop),
    }
}

/// The content of a file. Keeps its own fault apart from those of the network.
struct Source<'a> {
    file: io::Take<File>,
    left: u64,
    fault: Option<io::Error>,
    bar: &'a ProgressBar,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match self.file.read(buffer) {
            Ok(0) if self.left > 0 && !buffer.is_empty() => {
                let message = "it became shorter during the upload";
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
            }
            result => result,
        };
        match result {
            Ok(count) => {
                self.left -= count as u64;
                self.bar.inc(count as u64);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.fault = Some(error);
                Err(kind.into())
            }
        }
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
