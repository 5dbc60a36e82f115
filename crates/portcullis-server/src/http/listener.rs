//! Sockets: accepts connections, bounds them, and stops without cutting anybody off.
//!
//! Framing (HTTP/1.1 and HTTP/2) is hyper's; this file sets its limits (SEC-73) and counts
//! connections per address, so that one client cannot take them all. What a request means is
//! decided further in.

use std::{
    collections::HashMap,
    convert::Infallible,
    error::Error,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use portcullis_base::canonical_address;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tower::ServiceExt as _;

use crate::config::{Limits, Proxy};

/// Serves `router` on `listener` until `stop` turns true, then lets open requests finish.
pub(crate) async fn run(
    listener: TcpListener,
    router: Router,
    limits: Arc<Limits>,
    proxy: Arc<Proxy>,
    mut stop: watch::Receiver<bool>,
) {
    let builder = Arc::new(connection_builder(&limits));
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Seats::default());
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors or a connection reset before we took it. Waiting a
                // little keeps a full table from turning into a busy loop.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let exempt = proxy.trusted.iter().any(|range| range.contains(peer.ip()));
        let Some(seat) = Seats::take(&seats, peer.ip(), exempt, &limits) else {
            continue;
        };
        let (builder, router, watcher) = (builder.clone(), router.clone(), graceful.watcher());
        let (mut stop, patience) = (stop.clone(), limits.header_timeout);
        open.spawn(async move {
            let _seat = seat;
            let has_spoken = tokio::select! {
                spoken = tokio::time::timeout(patience, has_spoken(&stream)) => spoken,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            if has_spoken == Ok(true) {
                let connection = builder.serve_connection(prepared(stream), service(router, peer));
                if let Err(error) = watcher.watch(connection).await {
                    record_early_end(&*error);
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still open when the time to finish them was over");
    }
    open.shutdown().await;
}

/// Waits until the client has sent enough to tell HTTP/1 from HTTP/2. Whoever connects and
/// says nothing would otherwise sit before hyper's own header timeout begins.
async fn has_spoken(stream: &TcpStream) -> bool {
    let mut seen = [0; HTTP_2_PREFACE.len()];
    loop {
        let length = stream.peek(&mut seen).await.unwrap_or(0);
        let told = seen.get(..length).unwrap_or_default();
        if length == 0 {
            return false;
        }
        if length == seen.len() || !HTTP_2_PREFACE.starts_with(told) {
            return true;
        }
        tokio::time::sleep(PEEK_PAUSE).await;
    }
}

/// What hyper turned away never reached the guard, so its record is written here (without an
/// id: the client got none). Other ends are the client's: a timeout, a reset.
fn record_early_end(error: &(dyn Error + Send + Sync + 'static)) {
    let parse = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
    if parse {
        let reason = "request.framing";
        tracing::info!(front_door = "http", outcome = "stopped", reason, "request");
    } else {
        tracing::debug!(error, "a connection ended early");
    }
}

fn connection_builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Bounds the time between two requests, too.
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .writev(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .initial_stream_window_size(64 << 10)
        .initial_connection_window_size(1 << 20)
        .max_header_list_size(64 << 10)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(30));
    builder
}

fn prepared(stream: TcpStream) -> TokioIo<TcpStream> {
    // Small answers (licenses, refusals) must not wait for more bytes to share a packet with.
    let _ = stream.set_nodelay(true);
    TokioIo::new(stream)
}

fn service(
    router: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future: Send + 'static,
> + Clone {
    hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    })
}

/// Who is connected, by address.
#[derive(Debug, Default)]
struct Seats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Seats {
    fn take(seats: &Arc<Self>, address: IpAddr, exempt: bool, limits: &Limits) -> Option<Seat> {
        let address = one_client(address);
        let mut taken = seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_address.get(&address).copied().unwrap_or(0);
        let crowded = !exempt && own >= limits.connections_per_address_max;
        if crowded || taken.total >= limits.connections_max {
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, own + 1);
        Some(Seat { seats: Arc::clone(seats), address })
    }
}

/// One client may have all of an IPv6 /64, so it counts as one address.
fn one_client(address: IpAddr) -> IpAddr {
    match canonical_address(address) {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        let own = taken.by_address.get(&self.address).copied().unwrap_or(0);
        if own > 1 {
            taken.by_address.insert(self.address, own - 1);
        } else {
            taken.by_address.remove(&self.address);
        }
    }
}

const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 64 << 10;
const HTTP_2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PEEK_PAUSE: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_an_ipv4_address_or_an_ipv6_network() {
        let check = |one: &str, other: &str, same: bool| {
            let [one, other] = [one, other].map(|text| one_client(text.parse().unwrap()));
            assert_eq!(one == other, same, "{one} {other}");
        };
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8::1", "2001:db8::ffff:0:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
    }
}
