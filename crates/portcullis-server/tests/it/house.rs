//! A whole server for one test: its folder, its keys, its contents, its sockets.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{
    Clock as _, Scheme, SecretBytes, Timestamp, TrackClass,
    json::{Object, Value},
};
use portcullis_policy::model::{Role, TrackKey};
use portcullis_server::{
    SystemClock, SystemRng, config, default_tenant,
    demo::{Demo, Shown},
    document,
    serve::{Bound, open_store, serve},
};
use portcullis_store::{ApiKey, Author, NewApiKey, Store};
use portcullis_token::{
    api_key,
    edge::{
        EdgeKeys,
        access::{self, AccessRequest, Covers},
        acl::Acl,
        session::{self, SessionRequest},
    },
    jwt::{self, Issue, SigningKey},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{
    client::{Answer, Request},
    log,
};

/// A running server and all the secrets a test wants to know.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) bound: Bound,
    /// The keys of `film`, cenc: sound, SD, HD.
    pub(crate) film: Vec<TrackKey>,
    /// The keys of `sequel`.
    pub(crate) sequel: Vec<TrackKey>,
    /// The keys of `trailer`, for which no token is needed.
    pub(crate) trailer: Vec<TrackKey>,
    /// An API key that may issue tokens.
    pub(crate) issuer: String,
    /// One whose time is over.
    pub(crate) expired: String,
    /// One of another role.
    pub(crate) viewer: String,
    server: Running,
}

/// A server on a folder, with a runtime of its own.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) bound: Bound,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Running {
    fn start(runtime: tokio::runtime::Runtime, folder: &Path, demo: Option<Demo>) -> Self {
        let config = config::load(&folder.join("portcullis.toml")).unwrap();
        let (bound_to, bound) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let server = thread::spawn(move || {
            let started = move |bound: &Bound| bound_to.send(*bound).unwrap();
            let until = async move { drop(stopped.await) };
            runtime.block_on(serve(config, demo, started, until)).unwrap();
        });
        let bound = bound.recv_timeout(Duration::from_secs(30)).unwrap();
        Self { bound, stop: Some(stop), server: Some(server) }
    }

    fn close(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            server.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.close();
        }
    }
}

impl House {
    /// The usual server.
    pub(crate) fn open() -> Self {
        Self::with("")
    }

    /// A server with these lines added to its configuration.
    pub(crate) fn with(more: &str) -> Self {
        Self::build(more, None)
    }

    /// A server that shows `film` in the demo, too.
    pub(crate) fn with_demo() -> Self {
        let film = Shown { id: "film".parse().unwrap(), title: "The Film".into() };
        Self::build("", Some(Demo::new(vec![film])))
    }

    fn build(more: &str, demo: Option<Demo>) -> Self {
        log::keep();
        let folder = tempfile::tempdir().unwrap();
        furnish(folder.path(), more);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let stocked = runtime.block_on(stock(folder.path()));
        let server = Running::start(runtime, folder.path(), demo);
        let [film, sequel, trailer] = stocked.keys;
        let [issuer, expired, viewer] = stocked.api_keys;
        let bound = server.bound;
        Self { folder, bound, film, sequel, trailer, issuer, expired, viewer, server }
    }

    /// Stops the server and waits until it has finished.
    pub(crate) fn close(&mut self) {
        self.server.close();
    }

    /// Stops the server and starts it again.
    pub(crate) fn restart(&mut self) {
        self.close();
        self.server = self.sibling();
        self.bound = self.server.bound;
    }

    /// Another server on the same folder and database.
    pub(crate) fn sibling(&self) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Running::start(runtime, self.folder.path(), None)
    }

    pub(crate) const fn public(&self) -> SocketAddr {
        self.bound.public
    }

    /// Asks for media.
    pub(crate) fn get(&self, target: &str) -> Answer {
        Request::get(target).send(self.public())
    }

    /// Asks for a Clear Key license for keys of `content`.
    pub(crate) fn license(&self, content: &str, token: &str, keys: &[TrackKey]) -> Answer {
        let target = format!("/license/clearkey?content={content}");
        Request::post(&target, license_request(keys)).bearer(token).send(self.public())
    }

    /// Adds the content `festival` while the server runs, as `portcullis policy apply` does:
    /// its tokens are verified with the keys published at `jwks_url`.
    pub(crate) fn add_issuer(&self, jwks_url: &str) -> Vec<TrackKey> {
        let policy = format!(
            "[[key_policies]]\nname = \"festival\"\nrestriction = \"token\"\n\
             issuer = \"https://issuer.test\"\naudience = \"urn:portcullis\"\n\
             jwks_url = \"{jwks_url}\"\nentitlement = \"anyone\"\n\
             [[contents]]\nid = \"festival\"\nkey_policy = \"festival\"\n"
        );
        let config = config::load(&self.folder.path().join("portcullis.toml")).unwrap();
        let policy = document::parse(&policy, self.folder.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = open_store(config.store).await.unwrap();
            let author = Author::new("local:test");
            document::apply(&store, policy, &author).await.unwrap();
            let wanted = [(TrackClass::Sd, Scheme::Cenc)];
            let festival = "festival".parse().unwrap();
            let keys = store.vault().create_keys(&festival, &wanted, &author).await.unwrap();
            store.close().await;
            keys
        })
    }

    /// Asks the token service.
    pub(crate) fn issue(&self, api_key: &str, body: &str) -> Answer {
        Request::post("/api/token", body).bearer(api_key).send(self.bound.api)
    }
}

/// The body of a Clear Key license request.
pub(crate) fn license_request(keys: &[TrackKey]) -> String {
    let kids: Vec<String> = keys.iter().map(|key| format!("\"{}\"", kid_text(key))).collect();
    format!(r#"{{"kids":[{}],"type":"temporary"}}"#, kids.join(","))
}

/// A key id as Clear Key writes it.
pub(crate) fn kid_text(key: &TrackKey) -> String {
    URL_SAFE_NO_PAD.encode(key.kid.as_bytes())
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// What a playback token says, before it is signed.
pub(crate) struct Playback {
    pub(crate) issue: Issue,
    pub(crate) key: SigningKey,
}

/// A good playback token of `alice` for `film`, changed by `change`.
pub(crate) fn playback(change: impl FnOnce(&mut Playback)) -> String {
    let extra = [("portcullis:content".to_owned(), Value::from("film"))];
    let mut made = Playback {
        issue: Issue {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            subject: Some("alice".into()),
            issued_at: now(),
            not_before: now(),
            expires_at: now().saturating_add(Duration::from_secs(600)),
            id: None,
            extra: Object::from(extra),
            token_type: "JWT".into(),
        },
        key: SigningKey::hs256(&SecretBytes::new(JWT_KEY.into())).unwrap(),
    };
    change(&mut made);
    jwt::issue(&made.issue, &made.key, &SystemRng).unwrap()
}

pub(crate) fn edge_keys() -> EdgeKeys {
    let current = EdgeKeys::key_from_hex(EDGE_KEY).unwrap();
    EdgeKeys { current, transition: None, salt: None }
}

/// An access token for the ACL, changed by `change`.
pub(crate) fn access(acl: &str, change: impl FnOnce(&mut AccessRequest<'_>)) -> String {
    let acl = Acl::parse(acl).unwrap();
    let mut request = AccessRequest {
        covers: Covers::Acl(&acl),
        start: None,
        end: now().saturating_add(Duration::from_secs(300)),
        address: None,
        id: None,
        data: None,
    };
    change(&mut request);
    access::issue(&request, &edge_keys()).unwrap()
}

/// A session token for the ACL, changed by `change`.
pub(crate) fn session(acl: &str, change: impl FnOnce(&mut SessionRequest<'_>)) -> String {
    let acl = Acl::parse(acl).unwrap();
    let mut request = SessionRequest {
        acl: &acl,
        issued_at: now(),
        end: now().saturating_add(Duration::from_secs(300)),
        address: None,
        id: None,
        data: None,
        header_salt: "",
    };
    change(&mut request);
    session::issue(&request, &edge_keys()).unwrap()
}

/// Writes the folder: secrets, configuration, policy, media.
fn furnish(folder: &Path, more: &str) {
    let secrets =
        [("root.key", "5a".repeat(32)), ("edge.key", EDGE_KEY.into()), ("jwt.key", JWT_KEY.into())];
    for (name, text) in secrets {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(folder.join("rsa.pem"), RSA_PUBLIC).unwrap();
    fs::write(folder.join("portcullis.toml"), format!("{CONFIG}{more}")).unwrap();
    fs::write(folder.join("policy.toml"), POLICY).unwrap();
    let film = folder.join("media/film");
    fs::create_dir_all(film.join("video")).unwrap();
    fs::create_dir_all(film.join(".cenc.partial")).unwrap();
    fs::write(folder.join("outside.m4s"), "outside").unwrap();
    std::os::unix::fs::symlink("../../outside.m4s", film.join("link.m4s")).unwrap();
    for (name, text) in [
        ("manifest.mpd", MPD),
        ("master.m3u8", MASTER),
        ("broken.mpd", "<!DOCTYPE MPD><MPD/>"),
        ("video/playlist.m3u8", PLAYLIST),
        (".cenc.partial/1.m4s", "half"),
    ] {
        fs::write(film.join(name), text).unwrap();
    }
    fs::write(film.join("video/1.m4s"), segment()).unwrap();
}

/// A segment of a thousand bytes.
pub(crate) fn segment() -> Vec<u8> {
    (0..1000).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

struct Stocked {
    keys: [Vec<TrackKey>; 3],
    api_keys: [String; 3],
}

/// Fills the store as an operator would, before the server opens it.
async fn stock(folder: &Path) -> Stocked {
    let config = config::load(&folder.join("portcullis.toml")).unwrap();
    let store = open_store(config.store).await.unwrap();
    let author = Author::new("local:test");
    let policy = document::load(&folder.join("policy.toml")).unwrap();
    document::apply(&store, policy, &author).await.unwrap();
    let classes = [TrackClass::Audio, TrackClass::Sd, TrackClass::Hd];
    let wanted = classes.map(|class| (class, Scheme::Cenc));
    let mut keys = Vec::new();
    for content in ["film", "sequel", "trailer"] {
        let content = content.parse().unwrap();
        keys.push(store.vault().create_keys(&content, &wanted, &author).await.unwrap());
    }
    let hour = Duration::from_secs(3600);
    let later = now().saturating_add(hour);
    let api_keys = [
        add_api_key(&store, Role::Issuer, later).await,
        add_api_key(&store, Role::Issuer, now().saturating_sub(hour)).await,
        add_api_key(&store, Role::Viewer, later).await,
    ];
    store.close().await;
    Stocked { keys: keys.try_into().unwrap(), api_keys }
}

async fn add_api_key(store: &Store, role: Role, expires: Timestamp) -> String {
    let made = api_key::ApiKey::generate(default_tenant(), &SystemRng);
    let id = made.id().as_str().to_owned();
    let new = NewApiKey {
        key: ApiKey { id, tenant: default_tenant(), role, expires },
        digest: *made.digest(store.api_key_pepper()).expose(),
    };
    store.create_api_key(&new, &Author::new("local:test")).await.unwrap();
    made.expose_text().to_string()
}

pub(crate) const ISSUER: &str = "https://streaming.example";
pub(crate) const AUDIENCE: &str = "urn:portcullis";
pub(crate) const JWT_KEY: &str = "jwt-secret-of-the-test-0123456789";
/// The key of the published known answers.
pub(crate) const EDGE_KEY: &str = "52a152a152a152a152a152a152a1";
pub(crate) const RSA_PRIVATE: &str =
    include_str!("../../../portcullis-token/tests/it/keys/rsa2048.pem");
pub(crate) const RSA_PUBLIC: &str =
    include_str!("../../../portcullis-token/tests/it/keys/rsa2048.pub.pem");

const CONFIG: &str = r#"
[listen]
public = "127.0.0.1:0"
api = "127.0.0.1:0"
private = "127.0.0.1:0"
[store]
root_key_file = "root.key"
[cors]
origins = ["https://play.example"]
[edge]
key_file = "edge.key"
session_headers = ["User-Agent"]
[[edge.routes]]
prefix = "/media/"
folder = "media"
[[edge.routes]]
prefix = "/cookieless/"
folder = "media"
session = "path"
session_min_s = 20
[[edge.routes]]
prefix = "/open/"
folder = "media"
level = "open"
[[edge.routes]]
prefix = "/inside/"
folder = "media"
allow = ["192.0.2.0/24"]
deny = ["192.0.2.66"]
"#;

const POLICY: &str = r#"
[[key_policies]]
name = "subscribers"
restriction = "token"
issuer = "https://streaming.example"
audience = "urn:portcullis"
key_file = "jwt.key"
entitlement = "listed"
[[key_policies]]
name = "partners"
restriction = "token"
issuer = "https://partner.example"
audience = "urn:portcullis"
algorithm = "RS256"
public_key_file = "rsa.pem"
entitlement = "anyone"
[[key_policies]]
name = "anybody"
restriction = "open"
entitlement = "anyone"
[[contents]]
id = "film"
key_policy = "subscribers"
[[contents]]
id = "sequel"
key_policy = "partners"
[[contents]]
id = "trailer"
key_policy = "anybody"
[[contents]]
id = "premiere"
key_policy = "subscribers"
opens = "2999-01-01T00:00:00Z"
[[entitlements]]
user = "alice"
content = "film"
[[entitlements]]
user = "ada"
content = "film"
[[entitlements]]
user = "alice"
content = "premiere"
"#;

pub(crate) const MPD: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT40S">
<Period><AdaptationSet><SegmentTemplate initialization="video/init.mp4" media="video/$Number$.m4s"/>
</AdaptationSet></Period></MPD>
"#;
pub(crate) const MASTER: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/playlist.m3u8\n";
const PLAYLIST: &str = "#EXTM3U\n#EXTINF:4,\n1.m4s\n#EXTINF:3.5,\n2.m4s\n#EXT-X-ENDLIST\n";
