//! A server that takes a multipart upload, and answers its parts in an order of the test's choice.
//! The bucket in memory answers one request after the other.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
};

use super::tests::client_of;
use crate::files::Files;

/// Decides whether a part is answered, from its number and the parts that were.
type MayAnswer = fn(i32, &BTreeMap<i32, Vec<u8>>) -> bool;

/// The upload.
#[derive(Default)]
pub(super) struct UploadOnServer {
    /// The number of parts received.
    pub received: usize,
    /// The parts that were answered.
    pub answered: BTreeMap<i32, Vec<u8>>,
    /// The file, once the upload is complete.
    pub object: Option<Vec<u8>>,
    pub is_aborted: bool,
}

/// The server.
#[derive(Clone)]
pub(super) struct PartServer {
    shared: Arc<(Mutex<UploadOnServer>, Condvar)>,
    may_answer: MayAnswer,
    files: Files,
}

impl PartServer {
    pub(super) fn start(may_answer: MayAnswer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            shared: Arc::default(),
            may_answer,
            files: Files::new(client_of(&listener), "bucket"),
        };
        let accepting = server.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (server, connection) = (accepting.clone(), connection.unwrap());
                thread::spawn(move || server.serve(&connection));
            }
        });
        server
    }

    pub(super) fn files(&self) -> Files {
        self.files.clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, UploadOnServer> {
        self.shared.0.lock().unwrap()
    }

    /// Waits for a state.
    pub(super) fn wait_until(
        &self,
        is_reached: impl Fn(&UploadOnServer) -> bool,
    ) -> MutexGuard<'_, UploadOnServer> {
        let waited = self
            .shared
            .1
            .wait_while(self.state(), |state| !is_reached(state));
        waited.unwrap()
    }

    /// Answers the requests of a connection until it is closed.
    fn serve(&self, connection: &TcpStream) {
        let mut reader = BufReader::new(connection);
        while let Some((request, body)) = receive(&mut reader) {
            let answer = self.answer(&request, body);
            let mut connection = connection;
            if connection.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &str, body: Vec<u8>) -> String {
        let (method, target) = request.split_once(' ').unwrap();
        match method {
            "PUT" => {
                let (_, number) = target.split_once("partNumber=").unwrap();
                let digits = number.find(|c: char| !c.is_ascii_digit());
                self.take_part(number[..digits.unwrap()].parse().unwrap(), body)
            }
            "DELETE" => {
                self.state().is_aborted = true;
                "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
            }
            _ if target.contains("uploadId=") => {
                let mut state = self.state();
                let parts = state.answered.values().flatten();
                state.object = Some(parts.copied().collect());
                document("CompleteMultipartUploadResult")
            }
            _ => document("InitiateMultipartUploadResult"),
        }
    }

    fn take_part(&self, number: i32, bytes: Vec<u8>) -> String {
        self.state().received += 1;
        self.shared.1.notify_all();
        let mut state = self.wait_until(|state| (self.may_answer)(number, &state.answered));
        state.answered.insert(number, bytes);
        self.shared.1.notify_all();
        format!("HTTP/1.1 200 OK\r\netag: \"{number}\"\r\ncontent-length: 0\r\n\r\n")
    }
}

/// Reads a request: its first line and its body; `None` at the end of the connection.
pub(super) fn receive(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_ascii_lowercase());
        if lines.len() == 1 {
            lines[0] = line;
        }
    }
    let length = lines
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some((lines.swap_remove(0), body))
}

fn document(root: &str) -> String {
    let body = format!("<{root}><UploadId>1</UploadId></{root}>");
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
