//! Sockets: accepts connections, bounds them, and stops without cutting anybody off.
//!
//! Framing (HTTP/1.1 and HTTP/2) is hyper's; this file sets its limits (SEC-73) and counts
//! connections per address, so that one client cannot take them all. What a request means is
//! decided further in.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
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
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
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
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
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
        let connection = builder
            .serve_connection_with_upgrades(prepared(stream), service(router.clone(), peer))
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // An error here is the client's: a bad frame, a timeout, a reset.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still open when the time to finish them was over");
    }
}

fn connection_builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
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
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
