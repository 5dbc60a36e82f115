//! The configuration file as written: names, defaults and texts of every key.
//!
//! Nothing here is checked beyond TOML types; unknown keys are faults. The rest of the
//! program never sees these types: `checked.rs` turns them into typed values.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::section::section;

section! {
    /// Where Portcullis listens. Each door has a socket of its own; a route exists on one only.
    "[listen]" RawListen {
        /// For players: media at the edge, licenses, the player page.
        public: String = "127.0.0.1:8080".into(), "\"127.0.0.1:8080\"";
        /// For your own back end: the token service.
        api: String = "127.0.0.1:8081".into(), "\"127.0.0.1:8081\"";
        /// For your orchestrator: `/livez`, `/readyz`. Keep it on a private address.
        private: String = "127.0.0.1:8082".into(), "\"127.0.0.1:8082\"";
        /// Portcullis speaks plain HTTP and expects a TLS terminator in front. Listening on an
        /// address other machines can reach is refused unless this says you have one.
        danger_allow_plain_http: bool = false, "false";
    }
}

section! {
    /// Where contents, policies, sealed keys and the audit log are remembered.
    "[store]" RawStore {
        /// The SQLite database. Made at the first start, readable by its owner only.
        path: String = "portcullis.db".into(), "\"portcullis.db\"";
        /// The file with the root key: 32 raw bytes, 64 hex digits or 44 base64 characters,
        /// readable by its owner only. `portcullis init` makes one. Without it a backup is noise.
        root_key_file: Option<String> = None, "";
        /// Or: the environment variable with the root key. It is forgotten after reading.
        root_key_env: Option<String> = None, "";
        /// The name of this node in the audit log.
        node: String = "n1".into(), "\"n1\"";
    }
}

section! {
    /// Token authentication of media at the edge: `hdnts` in, `hdntl` out.
    "[edge]" RawEdge {
        /// The file with the token key in hex, as your token generator has it.
        key_file: Option<String> = None, "";
        /// Or: the environment variable with the token key in hex.
        key_env: Option<String> = None, "";
        /// Or: the token key in hex, here. Prefer a file; this prints a warning.
        key: Option<RawSecret> = None, "";
        /// A second key that verifies too, while generators move to a new one.
        transition_key_file: Option<String> = None, "";
        /// The salt both generator and edge mix into the signature.
        salt_file: Option<String> = None, "";
        /// Names of request headers mixed into the session token's salt, so that a copied
        /// session works only with the same headers. Typical: `user-agent`.
        session_headers: Vec<String> = Vec::new(), "[]";
        /// `SameSite` of the session cookie: `none` when player and media are on different
        /// sites, else `lax`.
        cookie_same_site: String = "none".into(), "\"none\"";
        /// The routes, see below. The longest matching prefix decides.
        routes: Vec<RawRoute> = Vec::new(), "";
    }
}

section! {
    /// One tree of media.
    "[[edge.routes]]" RawRoute {
        /// The start of the path, with a slash at both ends.
        prefix: String = String::new(), "\"/media/\"";
        /// The folder the rest of the path is looked up in.
        folder: String = String::new(), "\"media\"";
        /// `token` asks for an access or session token, `open` for nothing.
        level: String = "token".into(), "\"token\"";
        /// How the session travels: `cookie`, or `path` for players without cookies.
        session: String = "cookie".into(), "\"cookie\"";
        /// The longest an access token may still have to live when it is shown, in seconds; at
        /// most 86400. It is meant to be used soon after it was made.
        access_max_s: u64 = 600, "600";
        /// The longest a session lasts, in seconds; at most 86400.
        session_max_s: u64 = 86_400, "86400";
        /// A session in the path lasts as long as the media, but at least this many seconds,
        /// so that a short clip can be paused.
        session_min_s: u64 = 300, "300";
        /// Address ranges that may fetch; empty means any.
        allow: Vec<String> = Vec::new(), "[]";
        /// Address ranges that may not fetch. Stronger than `allow`.
        deny: Vec<String> = Vec::new(), "[]";
    }
}

section! {
    /// The token service: `POST /api/token` on the `api` listener.
    "[tokens]" RawTokens {
        /// Whether it answers.
        enabled: bool = true, "true";
        /// How long a playback token lasts, in seconds; at most 86400.
        lifetime_s: u64 = 3600, "3600";
    }
}

section! {
    /// Licenses and keys, on the `public` listener.
    "[license]" RawLicense {
        /// Whether Clear Key licenses are given. Clear Key shows the key to the page: use it
        /// for tests, previews and content of low value.
        clearkey: bool = true, "true";
    }
}

section! {
    /// The keys that issuers publish, for key policies that name a `jwks_url` or an
    /// `openid_configuration`. They are fetched in the background, never while a viewer waits.
    "[jwks]" RawJwks {
        /// How long until a key set is fetched again, in seconds, from 60 to 86400. Sooner where
        /// the issuer says so, and when a token names an unknown key; never twice a minute.
        refresh_s: u64 = 900, "900";
        /// How long the last good key set is used while the issuer cannot be reached, in seconds,
        /// from 60 to 604800. After that its tokens are refused.
        max_stale_s: u64 = 86_400, "86400";
    }
}

section! {
    /// Calls this server makes itself. They go to configured places only, over TLS, to public
    /// addresses, and follow no redirect. Proxies named in the environment are not used.
    "[outbound]" RawOutbound {
        /// A file of certificates in PEM to trust besides the usual authorities.
        ca_file: Option<String> = None, "";
        /// Time for a whole call, from looking up the name to the last byte, in milliseconds.
        timeout_ms: u64 = 5_000, "5000";
        /// Address ranges that may be called although they are not public, such as
        /// `10.1.0.0/16`. Cloud metadata services and link-local addresses stay refused.
        danger_allow_private_networks: Vec<String> = Vec::new(), "[]";
        /// Whether this machine may be called over plain HTTP. Its address has to be allowed too.
        danger_allow_plain_http: bool = false, "false";
    }
}

section! {
    /// Which pages may call the player routes from another origin.
    "[cors]" RawCors {
        /// Origins such as `https://play.example.org`, or `https://*.example.org` for one
        /// label. Empty: pages of this server only.
        origins: Vec<String> = Vec::new(), "[]";
    }
}

section! {
    /// Who may speak for a viewer's address.
    "[proxy]" RawProxy {
        /// Address ranges of your own proxies. Their header is believed; nobody else's is.
        trusted: Vec<String> = Vec::new(), "[]";
        /// The one header they write: `x-forwarded-for` or `forwarded`.
        header: String = "x-forwarded-for".into(), "\"x-forwarded-for\"";
    }
}

section! {
    /// Bounds on what one client may ask for.
    "[limits]" RawLimits {
        /// Connections at once.
        connections_max: u64 = 20_000, "20000";
        /// Connections at once from one address; trusted proxies are exempt.
        connections_per_address_max: u64 = 200, "200";
        /// Time to the end of the request header, and between two requests on one connection,
        /// in milliseconds.
        header_timeout_ms: u64 = 5_000, "5000";
        /// Time for the whole of a license or token request, in milliseconds.
        request_timeout_ms: u64 = 7_000, "7000";
        /// Time to finish open requests after the signal to stop, in milliseconds.
        drain_ms: u64 = 5_000, "5000";
    }
}

section! {
    /// What is written to standard error.
    "[log]" RawLog {
        /// `text` for people, `json` for machines.
        format: String = "text".into(), "\"text\"";
        /// The lowest level shown: `error`, `warn`, `info`, `debug`.
        level: String = "info".into(), "\"info\"";
    }
}

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    pub(crate) listen: RawListen,
    pub(crate) store: RawStore,
    pub(crate) edge: RawEdge,
    pub(crate) tokens: RawTokens,
    pub(crate) license: RawLicense,
    pub(crate) jwks: RawJwks,
    pub(crate) outbound: RawOutbound,
    pub(crate) cors: RawCors,
    pub(crate) proxy: RawProxy,
    pub(crate) limits: RawLimits,
    pub(crate) log: RawLog,
}

/// A secret written into the file itself. Does not print.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct RawSecret(pub(crate) Zeroizing<String>);

impl fmt::Debug for RawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawSecret")
    }
}
