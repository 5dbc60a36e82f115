//! Every route there is, each on one listener only (SEC-70).
//!
//! Routes are added through [`Door`], which lists what it adds; that list is what the golden
//! file `tests/it/routes.txt` is checked against, so no route goes without a row there.
//! What a route does stands in its front door.
//!
//! | listener | limits beyond the guard's | CORS |
//! |---|---|---|
//! | public | license: 16 KiB, `limits.request_timeout_ms` | yes |
//! | api | token: 16 KiB; both: `limits.request_timeout_ms` | no |
//! | private | no body is read | no |

use std::sync::Arc;

use axum::{Router, handler::Handler, middleware, routing};

use crate::{
    app::App,
    console, demo, edge, health,
    http::guard::{self, Guard},
    license, tokens,
};

/// One route, as a document shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteLine {
    /// `public`, `api` or `private`.
    pub listener: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
}

/// Every route that any configuration can open.
#[must_use]
pub fn every_route() -> Vec<RouteLine> {
    let open = Open { clearkey: true, demo: true, tokens: true };
    [public(&open), api(&open), private()].into_iter().flat_map(|door| door.lines).collect()
}

/// The routers of the three listeners, in the order public, api, private.
pub(crate) fn routers(app: &Arc<App>) -> [Router; 3] {
    let open = Open {
        clearkey: app.license.clearkey,
        demo: app.demo.is_some(),
        tokens: app.tokens.enabled,
    };
    let players = Some(Arc::clone(&app.cors));
    [(public(&open), players), (api(&open), None), (private(), None)].map(|(door, cors)| {
        let guard = Guard { clock: Arc::clone(&app.clock), rng: Arc::clone(&app.rng), cors };
        let router = door.router.with_state(Arc::clone(app));
        router.layer(middleware::from_fn_with_state(guard, guard::run))
    })
}

/// Which of the optional doors are open.
struct Open {
    clearkey: bool,
    demo: bool,
    tokens: bool,
}

fn public(open: &Open) -> Door {
    let mut door = Door::new("public").get("/healthz", health::live);
    if open.clearkey {
        door = door.post("/license/clearkey", license::clearkey::acquire);
    }
    if open.demo {
        door = door
            .get("/", console::page)
            .get("/assets/{*path}", console::file)
            .get("/demo/api/state", demo::state)
            .post("/demo/api/play", demo::play)
            .get("/demo/api/trace/{id}", demo::trace);
    }
    door.otherwise("{edge.routes}", edge::serve)
}

fn api(open: &Open) -> Door {
    let door = Door::new("api").get("/edge/v1/revocations", edge::revocations::list);
    if open.tokens { door.post("/api/token", tokens::issue) } else { door }
}

fn private() -> Door {
    Door::new("private").get("/livez", health::live).get("/readyz", health::ready)
}

/// A router that lists its routes.
struct Door {
    listener: &'static str,
    router: Router<Arc<App>>,
    lines: Vec<RouteLine>,
}

impl Door {
    fn new(listener: &'static str) -> Self {
        Self { listener, router: Router::new(), lines: Vec::new() }
    }

    fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<App>>) -> Self {
        let mut door = self.listed("GET", path);
        door.router = door.router.route(path, routing::get(handler));
        door
    }

    fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<App>>) -> Self {
        let mut door = self.listed("POST", path);
        door.router = door.router.route(path, routing::post(handler));
        door
    }

    fn otherwise<T: 'static>(self, path: &'static str, handler: impl Handler<T, Arc<App>>) -> Self {
        let mut door = self.listed("GET", path);
        door.router = door.router.fallback(handler);
        door
    }

    fn listed(mut self, method: &'static str, path: &'static str) -> Self {
        self.lines.push(RouteLine { listener: self.listener, method, path });
        self
    }
}
