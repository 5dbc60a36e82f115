//! A pretended issuer on this machine: answers every request with what it was last told to.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use portcullis_token::{
    jwks,
    jwt::{SigningKey, VerificationKey},
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// The issuer. Its thread ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What is answered, by path; the empty path stands for all others.
    answers: Vec<(String, Vec<u8>)>,
    asked: Vec<String>,
}

/// Whether the issuer speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Plain,
    Tls,
}

impl Issuer {
    pub(crate) fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = Self { address, state: Arc::default() };
        let (serving, tls) = (issuer.clone(), Arc::new(tls()));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serving, tls) = (serving.clone(), Arc::clone(&tls));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                    match speaks {
                        Speaks::Plain => serving.serve(stream),
                        Speaks::Tls => {
                            let tls = ServerConnection::new(tls).unwrap();
                            serving.serve(StreamOwned::new(tls, stream));
                        }
                    }
                });
            }
        });
        issuer
    }

    fn serve(&self, mut stream: impl Read + Write) {
        let mut received = Vec::new();
        let mut byte = [0];
        while !received.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => received.push(byte[0]),
                // Nobody asked: a connection that was refused half-way.
                _ => return,
            }
        }
        let text = String::from_utf8(received).unwrap();
        let path = text.split(' ').nth(1).unwrap().to_owned();
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(text);
            let of = |wanted: &str| state.answers.iter().find(|(path, _)| path == wanted).cloned();
            of(&path).or_else(|| of("")).unwrap().1
        };
        let _ = stream.write_all(&answer);
        let _ = stream.flush();
        if answer.ends_with(STALL) {
            // The client gives up first; then reading ends.
            let _ = stream.read(&mut byte);
        }
    }

    /// From now on, every request gets these bytes.
    pub(crate) fn answer(&self, bytes: impl Into<Vec<u8>>) {
        self.answer_at("", bytes);
    }

    /// From now on, requests for this path get these bytes.
    pub(crate) fn answer_at(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let mut state = self.state.lock().unwrap();
        state.answers.retain(|(known, _)| known != path);
        state.answers.push((path.to_owned(), bytes.into()));
    }

    /// From now on, these keys are published, with these header lines.
    pub(crate) fn publish(&self, keys: &[&SigningKey], headers: &str) {
        self.answer(ok(&key_set(keys), headers));
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked.len()
    }

    /// The last request, as it came.
    pub(crate) fn last_request(&self) -> String {
        self.state.lock().unwrap().asked.last().unwrap().clone()
    }
}

/// The public halves as a key set.
pub(crate) fn key_set(keys: &[&SigningKey]) -> String {
    let public: Vec<VerificationKey> = keys.iter().map(|key| key.public().unwrap()).collect();
    jwks::print(&public).unwrap().to_string()
}

/// A good answer.
pub(crate) fn ok(body: &str, headers: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

fn tls() -> ServerConfig {
    let chain = CertificateDer::from_pem_slice(include_bytes!("tls/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap()
}

/// An answer that ends so is followed by silence.
pub(crate) const STALL: &[u8] = b"\nstall";
