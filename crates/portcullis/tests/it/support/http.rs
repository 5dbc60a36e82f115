//! One HTTP/1.1 request over one connection, written and read by hand.
//!
//! It reads until the server closes and keeps what it got even when that is too little, so
//! that tests of crashes can tell a whole answer from a torn one.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether as many bytes came as were announced.
    pub(crate) fn is_whole(&self) -> bool {
        self.header("content-length") == Some(self.body.len().to_string().as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) fn get(server: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Answer {
    ask(server, "GET", target, headers, b"").unwrap()
}

pub(crate) fn post(
    server: SocketAddr,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    ask(server, "POST", target, headers, body.as_bytes()).unwrap()
}

/// Asks, and closes the connection.
pub(crate) fn ask(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(server)?;
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(&[text.as_bytes(), body].concat())?;
    read_answer(&mut stream)
}

pub(crate) fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Reads up to the end of the connection.
pub(crate) fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let torn = || io::Error::new(io::ErrorKind::UnexpectedEof, "the answer's head is torn");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(torn)?;
    let head = String::from_utf8(bytes[..end].to_vec()).expect("heads are ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Ok(Answer { status: status.ok_or_else(torn)?, headers, body: bytes[end + 4..].to_vec() })
}
