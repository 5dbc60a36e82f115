//! Start, run, drain, stop.
//!
//! Nothing is bound before it can be served: the configuration is checked, the store opened
//! and its root key verified first. On the signal to stop, listeners close, open requests
//! finish, and the store signs a last checkpoint.
//!
//! SPEC: operations rules REL-30, REL-33; SEC-14 for core dumps.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use portcullis_base::{Clock, Rng};
use portcullis_store::{
    Location, Store, StoreOptions,
    audit::{Action, CheckpointSink, Outcome, Record},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    SystemClock, SystemRng, Trust,
    app::App,
    config::{self, Config},
    demo::Demo,
    http::listener,
    jwks::{self, KeySources},
    outbound::{Outbound, OutboundError},
    routes,
};

/// Serves until `stop` is done, then drains. `started` is called once every door is open.
///
/// # Errors
///
/// When the store does not open or an address cannot be bound; nothing was served then.
pub async fn serve(
    config: Config,
    demo: Option<Demo>,
    started: impl FnOnce(&Bound),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let Config { listen, store, edge, license, tokens, cors, proxy, limits, warnings, .. } = config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = Outbound::new(config.outbound, Arc::clone(&clock))?;
    let store = open_store(store).await?;
    for warning in &warnings {
        tracing::warn!(warning, "protection is weakened");
        note(&store, Action::Danger, warning).await?;
    }
    let (bound, listeners) = bind(&listen).await?;
    note(&store, Action::Start, env!("CARGO_PKG_VERSION")).await?;

    let app = Arc::new(App {
        store,
        trust: Trust::new(Arc::new(KeySources::new(config.jwks))),
        clock,
        rng: Arc::new(SystemRng),
        edge,
        license,
        tokens,
        cors: Arc::new(cors),
        proxy: Arc::new(proxy),
        limits: Arc::new(limits),
        stopping: AtomicBool::new(false),
        demo,
    });
    let sweeper = tokio::spawn(sweep(Arc::downgrade(&app)));
    let (send, receive) = watch::channel(false);
    let refresher = tokio::spawn(jwks::run(Arc::clone(&app), outbound, receive.clone()));
    let running: Vec<_> = listeners
        .into_iter()
        .zip(routes::routers(&app))
        .map(|(socket, router)| {
            let (limits, proxy) = (Arc::clone(&app.limits), Arc::clone(&app.proxy));
            tokio::spawn(listener::run(socket, router, limits, proxy, receive.clone()))
        })
        .collect();
    started(&bound);
    stop.await;

    sweeper.abort();
    let _ = sweeper.await;
    app.stopping.store(true, Ordering::Relaxed);
    let _ = send.send(true);
    let _ = refresher.await;
    for door in running {
        let _ = door.await;
    }
    close(app).await
}

/// Forgets, little by little, what nobody needs to remember any more (SEC-23, REL-48).
async fn sweep(app: Weak<App>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(app) = app.upgrade() else { return };
        loop {
            match app.store.forget().await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = ?error, "what is over cannot be forgotten");
                    break;
                }
            }
        }
    }
}

async fn close(app: Arc<App>) -> Result<(), ServeError> {
    note(&app.store, Action::Stop, env!("CARGO_PKG_VERSION")).await?;
    match Arc::into_inner(app) {
        Some(app) => app.store.close().await,
        // What was written is durable; only the last checkpoint is not signed.
        None => tracing::warn!("a request outlived the server, the store was not closed"),
    }
    Ok(())
}

/// Opens the store the configuration names.
///
/// # Errors
///
/// As [`Store::open`].
pub async fn open_store(settings: config::Store) -> Result<Store, portcullis_store::Error> {
    let options = StoreOptions {
        location: Location::File(settings.path),
        root: settings.root,
        node: settings.node,
        // Checkpoints leave the database through the log, so that whoever can write to the
        // database cannot take them back.
        checkpoints: CheckpointSink::new(|checkpoint| {
            tracing::info!(checkpoint = checkpoint.to_string(), "audit checkpoint");
        }),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    Store::open(&options, clock, rng).await
}

async fn note(store: &Store, action: Action, object: &str) -> Result<(), ServeError> {
    let record = Record::new(action, "portcullis", object, "");
    store.audit().append(&record, Outcome::Ok).await?;
    Ok(())
}

/// The addresses the doors are open at; they differ from the configured ones where a port
/// was 0.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// For players.
    pub public: SocketAddr,
    /// For the operator's back end.
    pub api: SocketAddr,
    /// For the orchestrator.
    pub private: SocketAddr,
}

async fn bind(listen: &config::Listen) -> Result<(Bound, [TcpListener; 3]), ServeError> {
    let open = async |key: &'static str, address: SocketAddr| {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| ServeError::Bind { key, address, source })?;
        let local = listener.local_addr();
        let local = local.map_err(|source| ServeError::Bind { key, address, source })?;
        Ok::<_, ServeError>((local, listener))
    };
    let (public, public_socket) = open("listen.public", listen.public).await?;
    let (api, api_socket) = open("listen.api", listen.api).await?;
    let (private, private_socket) = open("listen.private", listen.private).await?;
    Ok((Bound { public, api, private }, [public_socket, api_socket, private_socket]))
}

/// Forbids core dumps of this process, which would hold its secrets (SEC-14). Where the
/// system does not allow that, serving goes on: a container may have forbidden both.
pub fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};

    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if rustix::process::setrlimit(Resource::Core, none).is_err()
        || rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err()
    {
        tracing::warn!("core dumps of this process could not be forbidden");
    }
}

/// Why the server did not start or stop as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// An address cannot be bound.
    #[error("{key}: cannot listen on {address}{}", hint(source))]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate for calls to others is of no use.
    #[error("outbound.ca_file")]
    Outbound(#[from] OutboundError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] portcullis_store::Error),
}

const SWEEP_EVERY: Duration = Duration::from_secs(30);

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => ": another program is using this port",
        io::ErrorKind::PermissionDenied => ": ports below 1024 need a privilege",
        io::ErrorKind::AddrNotAvailable => ": no interface of this machine has this address",
        _ => "",
    }
}
