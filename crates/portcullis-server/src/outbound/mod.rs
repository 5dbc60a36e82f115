//! Calls this server makes itself, to places that were configured.
//!
//! Every call is checked anew: the name is looked up once, every address it has is judged
//! ([`guard`]), and the connection goes to one of those very addresses, so a name cannot
//! change its meaning in between. There are no redirects, no proxies from the environment, no
//! compressed answers, and nothing is kept open. An answer is read to its end within the time
//! and length the caller gave before anybody sees a byte of it.
//!
//! SPEC: SEC-80 to 84.

mod guard;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Request, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, HOST, USER_AGENT},
};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use portcullis_base::{Clock, OutboundUrl, WebScheme};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{ServerName, UnixTime},
    time_provider::TimeProvider,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::config::{self, PlainHttp};

/// Calls others, as far as the configuration allows.
#[derive(Debug)]
pub struct Outbound {
    settings: config::Outbound,
    tls: Arc<ClientConfig>,
}

/// Who named the place that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The answer of a place that was called before: public addresses and the usual port only,
    /// so that it cannot send us into our own network.
    Answer,
    /// The configuration.
    Configuration,
}

/// An answer with status 200, complete.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its header.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Outbound {
    /// Prepares TLS. Certificates are judged by the time `clock` says.
    ///
    /// # Errors
    ///
    /// When a configured certificate cannot be trusted, because it is malformed.
    pub fn new(settings: config::Outbound, clock: Arc<dyn Clock>) -> Result<Self, OutboundError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in &settings.authorities {
            roots.add(certificate.clone()).map_err(OutboundError::Authority)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_details(provider, Arc::new(ToldTime(clock)))
            .with_safe_default_protocol_versions()
            .map_err(OutboundError::Authority)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { settings, tls: Arc::new(tls) })
    }

    /// Asks for a document of at most `bytes_max` bytes.
    ///
    /// # Errors
    ///
    /// When the place may not be called, does not answer in time, or answers with anything
    /// but status 200 and a complete body.
    pub async fn get(
        &self,
        url: &OutboundUrl,
        named_by: NamedBy,
        bytes_max: usize,
    ) -> Result<Answer, OutboundError> {
        let call = async {
            let stream = self.connect(url, named_by).await?;
            match url.scheme() {
                WebScheme::Http => ask(stream, url, bytes_max).await,
                WebScheme::Https => {
                    let name = ServerName::try_from(url.host().to_owned())
                        .map_err(|_| OutboundError::Name)?;
                    let tls = TlsConnector::from(Arc::clone(&self.tls));
                    let stream = tls.connect(name, stream).await.map_err(OutboundError::Tls)?;
                    ask(stream, url, bytes_max).await
                }
            }
        };
        let timeout = self.settings.timeout;
        tokio::time::timeout(timeout, call).await.unwrap_or(Err(OutboundError::Late { timeout }))
    }

    /// SECURITY: looked up once, every address judged, and connected to what was judged.
    async fn connect(
        &self,
        url: &OutboundUrl,
        named_by: NamedBy,
    ) -> Result<TcpStream, OutboundError> {
        if named_by == NamedBy::Answer && url.port() != WebScheme::Https.default_port() {
            return Err(OutboundError::Port { port: url.port() });
        }
        let found = tokio::net::lookup_host((url.host(), url.port())).await;
        let found: Vec<SocketAddr> = found.map_err(OutboundError::LookUp)?.collect();
        let addresses = self.judge(url.scheme(), named_by, found)?;
        let mut last = None;
        for address in addresses.into_iter().take(ADDRESSES_TRIED_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(OutboundError::Connect(last.unwrap_or_else(|| io::ErrorKind::NotFound.into())))
    }

    /// All of the addresses, or none: a name with one bad address is not to be trusted with
    /// the others either.
    fn judge(
        &self,
        scheme: WebScheme,
        named_by: NamedBy,
        found: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        let allowed = match named_by {
            NamedBy::Answer => &[],
            NamedBy::Configuration => self.settings.private_networks.as_slice(),
        };
        for address in &found {
            let address = address.ip();
            if !guard::may_be_called(address, allowed) {
                return Err(OutboundError::Address { address });
            }
            let in_the_clear = scheme == WebScheme::Http;
            let stays_here = self.settings.plain_http == PlainHttp::ThisMachine
                && guard::is_this_machine(address);
            if in_the_clear && !stays_here {
                return Err(OutboundError::PlainHttp);
            }
        }
        Ok(found)
    }
}

/// One request and its answer on a connection of its own.
async fn ask(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    url: &OutboundUrl,
    bytes_max: usize,
) -> Result<Answer, OutboundError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(OutboundError::Http)?;
    let request = Request::get(url.path_and_query())
        .header(HOST, url.authority())
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .header(USER_AGENT, "portcullis")
        .body(Empty::<Bytes>::new())
        .map_err(|_| OutboundError::Name)?;
    let exchange = async move {
        let answer = sender.send_request(request).await.map_err(OutboundError::Http)?;
        let (head, body) = answer.into_parts();
        if head.status.is_redirection() {
            return Err(OutboundError::Redirect { status: head.status });
        }
        if head.status != StatusCode::OK {
            return Err(OutboundError::Status { status: head.status });
        }
        if head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(OutboundError::Encoded);
        }
        Ok(Answer { headers: head.headers, body: read(body, bytes_max).await? })
    };
    // The connection has to be driven while the exchange waits; it may end first, with the
    // rest of the answer already received.
    let (mut exchange, mut connection) = (std::pin::pin!(exchange), std::pin::pin!(connection));
    tokio::select! {
        answer = &mut exchange => return answer,
        _ = &mut connection => {}
    }
    exchange.await
}

async fn read(mut body: hyper::body::Incoming, bytes_max: usize) -> Result<Bytes, OutboundError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(OutboundError::Http)?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len().saturating_add(data.len()) > bytes_max {
            return Err(OutboundError::TooLong { bytes_max });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Tells TLS the time of our clock.
#[derive(Debug)]
struct ToldTime(Arc<dyn Clock>);

impl TimeProvider for ToldTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now_ms())))
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The name leads to an address that may not be called.
    #[error("its address {address} is not public and not in `danger_allow_private_networks`")]
    Address {
        /// The address.
        address: std::net::IpAddr,
    },
    /// A configured certificate is of no use.
    #[error("a configured certificate cannot be trusted")]
    Authority(#[source] rustls::Error),
    /// Nobody accepts connections there.
    #[error("it cannot be connected to")]
    Connect(#[source] io::Error),
    /// The answer is compressed, though we asked for a plain one.
    #[error("the answer is compressed")]
    Encoded,
    /// The answer is not HTTP, or not complete.
    #[error("the answer is not complete HTTP")]
    Http(#[source] hyper::Error),
    /// The answer did not come in time.
    #[error("no complete answer within {} ms", timeout.as_millis())]
    Late {
        /// The time there was.
        timeout: Duration,
    },
    /// The name has no address.
    #[error("its name cannot be looked up")]
    LookUp(#[source] io::Error),
    /// The name cannot stand in a certificate.
    #[error("its name is malformed")]
    Name,
    /// TLS is needed here.
    #[error("plain HTTP is refused: use https, or `danger_allow_plain_http` on one machine")]
    PlainHttp,
    /// A port that was not configured.
    #[error("port {port} was not configured")]
    Port {
        /// The port.
        port: u16,
    },
    /// The answer sends us elsewhere.
    #[error("it answers with a redirect ({status}), which is not followed")]
    Redirect {
        /// The status.
        status: StatusCode,
    },
    /// The answer is another one than 200.
    #[error("it answers {status}")]
    Status {
        /// The status.
        status: StatusCode,
    },
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("TLS failed")]
    Tls(#[source] io::Error),
    /// The answer is longer than allowed.
    #[error("the answer is longer than {bytes_max} bytes")]
    TooLong {
        /// How long it may be.
        bytes_max: usize,
    },
}

/// SPEC: SEC-84: a header has at most 64 KiB. The library stops at twice this at the latest.
const BUFFER_BYTES_MAX: usize = 32 << 10;
const ADDRESSES_TRIED_MAX: usize = 4;
