//! An HTTP client that sends exactly what it is told to, and follows nothing.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use portcullis_base::json::{self, Limits, Value};

/// One request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    text: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let text = format!("{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
        Self { text, body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref().to_vec();
        let length = body.len().to_string();
        Self { body, ..Self::new("POST", target).header("Content-Length", &length) }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.text.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With the token as a bearer token, if there is one.
    pub(crate) fn bearer(self, token: &str) -> Self {
        if token.is_empty() {
            return self;
        }
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends it; the connection is closed after the one answer.
    pub(crate) fn send(&self, to: SocketAddr) -> Answer {
        let mut bytes = format!("{}\r\n", self.text).into_bytes();
        bytes.extend_from_slice(&self.body);
        let received = exchange(to, &bytes);
        Answer::read(&received).unwrap_or_else(|| panic!("no answer to {self:?}"))
    }
}

/// Sends the bytes and reads until the server closes the connection.
pub(crate) fn exchange(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    let mut received = Vec::new();
    // The server may close before it has read everything; what it said counts.
    let _ = stream.write_all(bytes);
    let _ = stream.read_to_end(&mut received);
    received
}

/// A connection on which reading gives up before a test would hang.
pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// A request whose body the server has begun to wait for: it said `100 Continue`.
pub(crate) fn begun(to: SocketAddr, target: &str, body_bytes: usize) -> TcpStream {
    let mut stream = connect(to);
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\
         Content-Length: {body_bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = *b"HTTP/1.1 100 Continue\r\n\r\n";
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads the first answer; the rest of the bytes is its body.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
        let status = first.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        let headers = rest.split("\r\n").filter(|line| !line.is_empty()).map(header).collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    /// The one header of this name; more than one is a mistake of ours.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(name, _)| name == wanted);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "two `{wanted}` headers");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A member of the JSON body.
    pub(crate) fn member(&self, name: &str) -> Option<Value> {
        json::parse(&self.body, &Limits::BODY).ok()?.as_object()?.get(name).cloned()
    }

    /// The stable code of a problem document.
    pub(crate) fn code(&self) -> String {
        let code = self.member("code");
        code.as_ref().and_then(|code| code.as_str()).unwrap_or_default().to_owned()
    }

    pub(crate) fn request_id(&self) -> &str {
        self.header("x-request-id").unwrap_or_else(|| panic!("no request id: {self:?}"))
    }
}
