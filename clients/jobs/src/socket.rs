//! Opens a WebSocket, over the same TLS as the requests.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use rustls_platform_verifier::ConfigVerifierExt;
use tungstenite::{Message, WebSocket};
use ureq::http::Uri;

/// A stream with or without TLS.
trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// The outcome of waiting for a message.
pub enum Heard {
    /// A message.
    Text(String),
    /// No message came in time.
    Nothing,
    /// The connection is lost.
    Closed,
}

/// An open WebSocket.
pub struct Socket {
    socket: WebSocket<Box<dyn Stream>>,
    /// The same connection, for its timeouts.
    tcp: TcpStream,
}

impl Socket {
    /// Connects within about `timeout` a step. An address without TLS must be one of this machine,
    /// so `is_local` allows it.
    pub fn connect(url: &str, is_local: bool, timeout: Duration) -> Result<Self, io::Error> {
        let uri: Uri = url.parse().map_err(io::Error::other)?;
        let host = uri.host().unwrap_or_default();
        let is_tls = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") if is_local => false,
            _ => return Err(io::Error::other("the address is not wss")),
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let tcp = connect_tcp(host, port, timeout)?;
        tcp.set_read_timeout(Some(timeout))?;
        tcp.set_write_timeout(Some(timeout))?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = if is_tls {
            Box::new(encrypt(host, tcp.try_clone()?)?)
        } else {
            Box::new(tcp.try_clone()?)
        };
        // The error may quote the address, which has the ticket.
        let refused = |_| io::Error::other("the server refused the connection");
        let (socket, _) = tungstenite::client(url, stream).map_err(refused)?;
        Ok(Self { socket, tcp })
    }

    /// Sends a text.
    pub fn send(&mut self, text: String) -> Result<(), tungstenite::Error> {
        self.socket.send(Message::text(text))
    }

    /// Waits for a text.
    pub fn hear(&mut self, timeout: Duration) -> Heard {
        if self.tcp.set_read_timeout(Some(timeout)).is_err() {
            return Heard::Closed;
        }
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Heard::Text(text.as_str().to_owned()),
                // The library answers pings, and says that the connection is closed.
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if is_timeout(&error) => return Heard::Nothing,
                Err(_) => return Heard::Closed,
            }
        }
    }
}

fn connect_tcp(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, io::Error> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut result = Err(io::Error::other("the host has no address"));
    for address in (host, port).to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, timeout);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn encrypt(
    host: &str,
    tcp: TcpStream,
) -> Result<StreamOwned<ClientConnection, TcpStream>, io::Error> {
    let config = ClientConfig::with_platform_verifier().map_err(io::Error::other)?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, tcp))
}

/// Returns whether a read ended for lack of bytes. Windows has another name for it than Unix.
fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
