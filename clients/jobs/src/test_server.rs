//! An HTTP server for the tests, which can cut its answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it arrived. The names of headers are in lower case.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The server's reaction to a request.
pub enum Reply {
    /// Answers with a status, further header lines and a body.
    Answer(u16, &'static str, Vec<u8>),
    /// Closes the connection without an answer.
    Cut,
    /// Closes the connection in the middle of the body.
    CutBody(Vec<u8>),
}

/// A successful answer with a body of JSON.
pub fn ok(body: &str) -> Reply {
    Reply::Answer(200, "", body.as_bytes().to_vec())
}

/// A server that answers one connection after the other.
pub struct TestServer {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl TestServer {
    /// Starts a server. `reply` gets the number of the request, from 0, and the request.
    pub fn start(mut reply: impl FnMut(usize, &Received) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A client may connect, and then give up.
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                let number = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request.clone());
                let _ = send(&mut stream, reply(number, &request));
            }
        });
        Self { url, received }
    }

    /// Returns the requests that have arrived.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Reads a request. Returns `None` if the client gave up.
pub fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut request = Received {
        method,
        path,
        headers,
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .unwrap_or("0")
        .parse()
        .ok()?;
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Answers a request.
pub fn send(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    let (status, headers, body, sent) = match reply {
        Reply::Cut => return Ok(()),
        Reply::CutBody(body) => (200, "", body.clone(), body.len() / 2),
        Reply::Answer(status, headers, body) => (status, headers, body.clone(), body.len()),
    };
    // An answer without content has no length either.
    let length = match status {
        204 => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nconnection: close\r\n{length}{headers}\r\n"
    )?;
    stream.write_all(&body[..sent])
}
