//! A closed loop of HTTP/1.1 requests over connections that stay open.
//!
//! One thread asks, so that on a small machine most of the processor is left to the server.
//! It understands just enough of HTTP to find the end of an answer: a status line and
//! `Content-Length`. Anything else is a fault of the bench, and ends it.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// What to ask, of whom.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) request: Vec<u8>,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) elapsed: Duration,
    /// One per request, sorted.
    pub(crate) micros: Vec<u32>,
    pub(crate) bytes: u64,
}

impl Answered {
    pub(crate) fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `share` of the requests did not exceed.
    pub(crate) fn percentile(&self, share: f64) -> u32 {
        let last = self.micros.len().saturating_sub(1);
        let place = (last as f64 * share) as usize;
        self.micros.get(place).copied().unwrap_or(0)
    }
}

impl Load {
    /// Asks on all connections for as long as `time`.
    ///
    /// # Errors
    ///
    /// When a connection fails, or an answer is not 200.
    pub(crate) async fn run(&self, time: Duration) -> io::Result<Answered> {
        let start = Instant::now();
        let end = start + time;
        let mut running = JoinSet::new();
        for _ in 0..self.connections {
            running.spawn(one_connection(self.clone(), end));
        }
        let (mut micros, mut bytes) = (Vec::new(), 0);
        while let Some(done) = running.join_next().await {
            let (mut own, received) = done??;
            micros.append(&mut own);
            bytes += received;
        }
        micros.sort_unstable();
        Ok(Answered { elapsed: start.elapsed(), micros, bytes })
    }

    /// Asks once and returns the body.
    ///
    /// # Errors
    ///
    /// As [`Load::run`].
    pub(crate) async fn once(&self) -> io::Result<Vec<u8>> {
        let mut connection = Connection::open(self.address).await?;
        connection.ask(&self.request).await?;
        Ok(connection.body)
    }
}

async fn one_connection(load: Load, end: Instant) -> io::Result<(Vec<u32>, u64)> {
    let mut connection = Connection::open(load.address).await?;
    let (mut micros, mut bytes) = (Vec::new(), 0);
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok((micros, bytes));
        }
        bytes += connection.ask(&load.request).await? as u64;
        micros.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER], body: Vec::new() })
    }

    /// Sends a request and reads the answer to it; returns the size of the answer. Of the
    /// body, only what came with the head is kept.
    async fn ask(&mut self, request: &[u8]) -> io::Result<usize> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(room).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += count;
            let got = self.buffer.get(..filled).unwrap_or_default();
            if let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let total = head + body_length(self.buffer.get(..head).unwrap_or_default())?;
        self.body.clear();
        self.body.extend_from_slice(self.buffer.get(head..filled).unwrap_or_default());
        while filled < total {
            let count = self.stream.read(&mut self.buffer).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += count;
        }
        Ok(total)
    }
}

fn body_length(head: &[u8]) -> io::Result<usize> {
    let text = std::str::from_utf8(head).map_err(io::Error::other)?;
    if !text.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(text.to_owned()));
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.ok_or_else(|| io::Error::other("an answer without a length"))
}

const BUFFER: usize = 256 << 10;
