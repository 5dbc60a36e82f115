//! The configuration as the program sees it: typed, complete, checked.
//!
//! Made only by [`check`], which reports every problem it meets instead of the first one.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use portcullis_base::{Cidr, SecretBytes};
use portcullis_keys::root::RootKey;
use portcullis_token::edge::EdgeKeys;

use super::{
    Jwks, Outbound, Problems,
    raw::{RawConfig, RawEdge, RawListen, RawRoute, RawStore},
    secrets::{self, Readers},
};

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Where to remember.
    pub store: Store,
    /// Token authentication of media.
    pub edge: Edge,
    /// The token service.
    pub tokens: Tokens,
    /// License doors.
    pub license: License,
    /// Keys that issuers publish.
    pub jwks: Jwks,
    /// Calls to others.
    pub outbound: Outbound,
    /// Pages of other origins.
    pub cors: Cors,
    /// Proxies in front.
    pub proxy: Proxy,
    /// Bounds per client.
    pub limits: Limits,
    /// What is written to standard error.
    pub log: Log,
    /// One sentence for each setting that weakens protection, for the start-up log.
    pub warnings: Vec<String>,
}

/// Socket addresses, one per door.
#[derive(Clone, Debug)]
pub struct Listen {
    /// For players.
    pub public: SocketAddr,
    /// For the operator's back end.
    pub api: SocketAddr,
    /// For the orchestrator.
    pub private: SocketAddr,
}

/// The store's settings.
#[derive(Debug)]
pub struct Store {
    /// The database file.
    pub path: PathBuf,
    /// The root key.
    pub root: RootKey,
    /// This node's name in the audit log.
    pub node: String,
}

/// The edge's settings.
#[derive(Debug)]
pub struct Edge {
    /// What tokens are verified and sessions signed with; absent when no route needs it.
    pub keys: Option<EdgeKeys>,
    /// Request headers mixed into the session's salt, lower case.
    pub session_headers: Vec<String>,
    /// The session cookie's `SameSite`.
    pub cookie_same_site: SameSite,
    /// The routes, longest prefix first.
    pub routes: Vec<Route>,
}

impl Edge {
    /// The route a path as sent falls under.
    #[must_use]
    pub fn route_of(&self, sent: &str) -> Option<&Route> {
        self.route(&crate::http::query::percent_decoded(sent))
    }

    /// The route a decoded path falls under: the longest prefix.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| path.starts_with(&route.prefix))
    }
}

/// One tree of media.
#[derive(Clone, Debug)]
pub struct Route {
    /// The start of the path, with a slash at both ends.
    pub prefix: String,
    /// Where the rest of the path is looked up.
    pub folder: PathBuf,
    /// What a request must show.
    pub level: Level,
    /// How the session travels.
    pub session: SessionCarriage,
    /// The longest an access token may still have to live.
    pub access_max: Duration,
    /// The longest a session lasts.
    pub session_max: Duration,
    /// The shortest a session in the path lasts.
    pub session_min: Duration,
    /// Who may fetch, by address.
    pub addresses: AddressRules,
}

/// Address ranges.
#[derive(Clone, Debug, Default)]
pub struct AddressRules {
    /// Empty means any.
    pub allow: Vec<Cidr>,
    /// Stronger than `allow`.
    pub deny: Vec<Cidr>,
}

/// What a media request must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    Open,
    /// An access or session token.
    Token,
}

/// How a session token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCarriage {
    /// In a cookie.
    Cookie,
    /// In a path component, for players without cookies.
    Path,
}

/// The `SameSite` attribute of the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Player and media on one site.
    Lax,
    /// Player and media on different sites.
    None,
}

/// The token service's settings.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Whether it answers.
    pub enabled: bool,
    /// How long a playback token lasts.
    pub lifetime: Duration,
}

/// The license doors' settings.
#[derive(Clone, Debug)]
pub struct License {
    /// Whether Clear Key licenses are given.
    pub clearkey: bool,
}

/// Which pages may call the player routes.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Exact origins, or `https://*.example.org`.
    pub origins: Vec<String>,
}

/// Proxies whose word on the viewer's address is believed.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Their address ranges.
    pub trusted: Vec<Cidr>,
    /// The header they write.
    pub header: ProxyHeader,
}

/// The header a proxy names the viewer's address in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// RFC 7239.
    Forwarded,
    /// `X-Forwarded-For`.
    XForwardedFor,
}

/// Bounds per client.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections_max: usize,
    /// Connections at once from one address.
    pub connections_per_address_max: usize,
    /// Time to the end of the request header.
    pub header_timeout: Duration,
    /// Time for the whole of a license or token request.
    pub request_timeout: Duration,
    /// Time to finish open requests when stopping.
    pub drain: Duration,
}

/// What is written to standard error.
#[derive(Clone, Debug)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// The lowest level shown.
    pub level: tracing::Level,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// One sentence per line.
    Text,
}

/// Turns the raw file into the checked configuration.
///
/// # Errors
///
/// Every problem met.
pub(super) fn check(raw: RawConfig, problems: Problems, base: &Path) -> Result<Config, Problems> {
    let mut check = Check { base, problems, warnings: Vec::new() };
    let listen = check.listen(&raw.listen);
    let store = check.store(raw.store);
    let edge = check.edge(&raw.edge);
    let tokens = Tokens {
        enabled: raw.tokens.enabled,
        lifetime: check.seconds("tokens.lifetime_s", raw.tokens.lifetime_s, 1..=DAY_S),
    };
    let cors = Cors { origins: check.origins(raw.cors.origins) };
    let proxy = Proxy {
        trusted: check.ranges("proxy.trusted", &raw.proxy.trusted),
        header: check.word("proxy.header", &raw.proxy.header, &PROXY_HEADERS),
    };
    let limits = Limits {
        connections_max: check.count("limits.connections_max", raw.limits.connections_max),
        connections_per_address_max: check
            .count("limits.connections_per_address_max", raw.limits.connections_per_address_max),
        header_timeout: check.millis("limits.header_timeout_ms", raw.limits.header_timeout_ms),
        request_timeout: check.millis("limits.request_timeout_ms", raw.limits.request_timeout_ms),
        drain: check.millis("limits.drain_ms", raw.limits.drain_ms),
    };
    let log = Log {
        format: check.word("log.format", &raw.log.format, &LOG_FORMATS),
        level: check.word("log.level", &raw.log.level, &LOG_LEVELS),
    };
    let license = License { clearkey: raw.license.clearkey };
    let jwks = check.jwks(&raw.jwks);
    let outbound = check.outbound(&raw.outbound);
    let Check { problems, warnings, .. } = check;
    match (listen, store) {
        (Some(listen), Some(store)) if problems.list().is_empty() => Ok(Config {
            listen,
            store,
            edge,
            tokens,
            license,
            jwks,
            outbound,
            cors,
            proxy,
            limits,
            log,
            warnings,
        }),
        _ => Err(problems),
    }
}

/// The check under way: what relative paths start at, and what was met so far.
pub(super) struct Check<'a> {
    pub(super) base: &'a Path,
    pub(super) problems: Problems,
    pub(super) warnings: Vec<String>,
}

impl Check<'_> {
    fn listen(&mut self, raw: &RawListen) -> Option<Listen> {
        let mut address = |key: &str, text: &str| match text.parse::<SocketAddr>() {
            Ok(address) => {
                if !address.ip().is_loopback() && !raw.danger_allow_plain_http {
                    self.problems.add(
                        key,
                        &format!("`{text}` can be reached by other machines over plain HTTP"),
                        "put a TLS terminator in front and set \
                         listen.danger_allow_plain_http = true",
                    );
                }
                Some(address)
            }
            Err(_) => {
                let problem = format!("`{text}` is not an address and port");
                self.problems.add(key, &problem, "such as `127.0.0.1:8080` or `[::1]:8080`");
                None
            }
        };
        let public = address("listen.public", &raw.public);
        let api = address("listen.api", &raw.api);
        let private = address("listen.private", &raw.private);
        if raw.danger_allow_plain_http {
            self.warnings.push(
                "listen.danger_allow_plain_http: tokens and licenses cross the network in the \
                 clear unless a TLS terminator is in front"
                    .into(),
            );
        }
        let (public, api, private) = (public?, api?, private?);
        let same = |a: SocketAddr, b: SocketAddr| a == b && a.port() != 0;
        if same(public, api) || same(public, private) || same(api, private) {
            self.problems.add("listen", "two doors share one address", "each needs its own port");
        }
        Some(Listen { public, api, private })
    }

    fn store(&mut self, raw: RawStore) -> Option<Store> {
        let secret = self.secret(
            "store.root_key",
            raw.root_key_file.as_deref(),
            raw.root_key_env.as_deref(),
        );
        if raw.node.is_empty()
            || raw.node.len() > 32
            || !raw.node.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            self.problems.add("store.node", "1 to 32 letters, digits or hyphens are expected", "");
        }
        let Some(secret) = secret else {
            if raw.root_key_file.is_none() && raw.root_key_env.is_none() {
                self.problems.add(
                    "store.root_key_file",
                    "no root key is configured",
                    "`portcullis init` makes one",
                );
            }
            return None;
        };
        match RootKey::read(secret.expose()) {
            Ok(root) => Some(Store { path: self.base.join(raw.path), root, node: raw.node }),
            Err(error) => {
                self.problems.add("store.root_key_file", &error.to_string(), "");
                None
            }
        }
    }

    fn edge(&mut self, raw: &RawEdge) -> Edge {
        let mut routes: Vec<Route> = Vec::new();
        for (position, route) in raw.routes.iter().enumerate() {
            let at = format!("edge.routes[{position}]");
            let route = self.route(&at, route);
            if routes.iter().any(|other| other.prefix == route.prefix) {
                self.problems.add(&format!("{at}.prefix"), "another route has this prefix", "");
            }
            routes.push(route);
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        let keys = self.edge_keys(raw);
        // A key that is named and cannot be read was told already.
        let named = raw.key_file.is_some() || raw.key_env.is_some() || raw.key.is_some();
        if !named && routes.iter().any(|route| route.level == Level::Token) {
            self.problems.add(
                "edge.key_file",
                "a route asks for tokens, but there is no token key",
                "`portcullis init` makes one",
            );
        }
        let session_headers: Vec<String> =
            raw.session_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
        let header_name = |name: &String| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !session_headers.iter().all(header_name) {
            self.problems.add("edge.session_headers", "letters, digits and hyphens only", "");
        }
        Edge {
            keys,
            session_headers,
            cookie_same_site: self.word("edge.cookie_same_site", &raw.cookie_same_site, &SAME_SITE),
            routes,
        }
    }

    fn edge_keys(&mut self, raw: &RawEdge) -> Option<EdgeKeys> {
        let inline = raw.key.as_ref().map(|key| {
            self.warnings.push("edge.key: a secret stands in the configuration file".into());
            SecretBytes::new(key.0.as_bytes().to_vec())
        });
        let current =
            self.secret("edge.key", raw.key_file.as_deref(), raw.key_env.as_deref()).or(inline)?;
        let transition =
            self.secret("edge.transition_key", raw.transition_key_file.as_deref(), None);
        let salt = self.secret("edge.salt", raw.salt_file.as_deref(), None);
        let mut key = |name: &str, secret: &SecretBytes| {
            let text = std::str::from_utf8(secret.expose()).unwrap_or_default();
            match EdgeKeys::key_from_hex(text) {
                Ok(key) => Some(key),
                Err(error) => {
                    self.problems.add(name, &error.to_string(), "the key is written in hex");
                    None
                }
            }
        };
        let current = key("edge.key", &current)?;
        let transition = transition.and_then(|secret| key("edge.transition_key", &secret));
        Some(EdgeKeys { current, transition, salt })
    }

    fn route(&mut self, at: &str, raw: &RawRoute) -> Route {
        let prefix_fits = raw.prefix.len() > 1
            && raw.prefix.starts_with('/')
            && raw.prefix.ends_with('/')
            && !raw.prefix.contains("//")
            && raw.prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
        if !prefix_fits {
            self.problems.add(
                &format!("{at}.prefix"),
                &format!("`{}` is not a path with a slash at both ends", raw.prefix),
                "such as `/media/`",
            );
        }
        let folder = self.base.join(&raw.folder);
        if raw.folder.is_empty() || !folder.is_dir() {
            self.problems.add(
                &format!("{at}.folder"),
                &format!("`{}` is not a folder", folder.display()),
                "",
            );
        }
        Route {
            prefix: raw.prefix.clone(),
            folder,
            level: self.word(&format!("{at}.level"), &raw.level, &LEVELS),
            session: self.word(&format!("{at}.session"), &raw.session, &CARRIAGES),
            access_max: self.seconds(&format!("{at}.access_max_s"), raw.access_max_s, 1..=DAY_S),
            session_max: self.seconds(&format!("{at}.session_max_s"), raw.session_max_s, 1..=DAY_S),
            session_min: self.seconds(&format!("{at}.session_min_s"), raw.session_min_s, 0..=DAY_S),
            addresses: AddressRules {
                allow: self.ranges(&format!("{at}.allow"), &raw.allow),
                deny: self.ranges(&format!("{at}.deny"), &raw.deny),
            },
        }
    }

    fn secret(&mut self, key: &str, file: Option<&str>, env: Option<&str>) -> Option<SecretBytes> {
        let read = match (file, env) {
            (Some(_), Some(_)) => Err("set the file or the environment variable, not both".into()),
            (Some(file), None) => secrets::from_file(&self.base.join(file), Readers::OwnerOnly),
            (None, Some(name)) => secrets::from_env(name),
            (None, None) => return None,
        };
        read.map_err(|problem: String| {
            let suffix = if env.is_some() && file.is_none() { "_env" } else { "_file" };
            self.problems.add(&format!("{key}{suffix}"), &problem, "");
        })
        .ok()
    }

    pub(super) fn ranges(&mut self, key: &str, texts: &[String]) -> Vec<Cidr> {
        let mut ranges = Vec::new();
        for (position, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(range) => ranges.push(range),
                Err(error) => {
                    let problem = format!("`{text}`: {error}");
                    self.problems.add(&format!("{key}[{position}]"), &problem, "");
                }
            }
        }
        ranges
    }

    fn origins(&mut self, origins: Vec<String>) -> Vec<String> {
        for (position, origin) in origins.iter().enumerate() {
            let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let fits = rest.is_some_and(|host| {
                let host = host.strip_prefix("*.").unwrap_or(host);
                !host.is_empty()
                    && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
            });
            if !fits {
                self.problems.add(
                    &format!("cors.origins[{position}]"),
                    &format!("`{origin}` is not an origin"),
                    "such as `https://play.example.org`, without a slash at the end",
                );
            }
        }
        origins
    }

    fn word<T: Copy>(&mut self, key: &str, given: &str, words: &[(&str, T)]) -> T {
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return *value;
        }
        let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        self.problems.add(
            key,
            &format!("`{given}` is not known"),
            &format!("one of {}", known.join(", ")),
        );
        // The problem above stops the start, so which value stands here does not matter.
        words[0].1
    }

    pub(super) fn seconds(
        &mut self,
        key: &str,
        value: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Duration {
        if !range.contains(&value) {
            let hint = format!("from {} to {}", range.start(), range.end());
            self.problems.add(key, &format!("{value} is out of range"), &hint);
        }
        Duration::from_secs(value)
    }

    pub(super) fn millis(&mut self, key: &str, value: u64) -> Duration {
        if !(1..=600_000).contains(&value) {
            self.problems.add(key, &format!("{value} is out of range"), "from 1 to 600000");
        }
        Duration::from_millis(value)
    }

    fn count(&mut self, key: &str, value: u64) -> usize {
        if !(1..=1_000_000).contains(&value) {
            self.problems.add(key, &format!("{value} is out of range"), "from 1 to 1000000");
        }
        usize::try_from(value).unwrap_or(usize::MAX)
    }
}

const DAY_S: u64 = 86_400;
const LEVELS: [(&str, Level); 2] = [("token", Level::Token), ("open", Level::Open)];
const CARRIAGES: [(&str, SessionCarriage); 2] =
    [("cookie", SessionCarriage::Cookie), ("path", SessionCarriage::Path)];
const SAME_SITE: [(&str, SameSite); 2] = [("none", SameSite::None), ("lax", SameSite::Lax)];
const PROXY_HEADERS: [(&str, ProxyHeader); 2] =
    [("x-forwarded-for", ProxyHeader::XForwardedFor), ("forwarded", ProxyHeader::Forwarded)];
const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
const LOG_LEVELS: [(&str, tracing::Level); 4] = [
    ("info", tracing::Level::INFO),
    ("error", tracing::Level::ERROR),
    ("warn", tracing::Level::WARN),
    ("debug", tracing::Level::DEBUG),
];
