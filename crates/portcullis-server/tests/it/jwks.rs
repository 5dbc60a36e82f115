//! Keys that an issuer publishes: fetched, kept, rolled over, refused.
//!
//! The clock stands still unless a test moves it, and fetches happen when a test says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{
    Clock, DrmSystem, Rng, Scheme, SecretBytes, Timestamp, TrackClass,
    json::{Object, Value},
};
use portcullis_policy::{LicenseAsk, Reason};
use portcullis_server::{
    SystemRng, Trust, config, document,
    jwks::{KeySources, SourceState},
    license,
    outbound::Outbound,
    serve::open_store,
};
use portcullis_store::{Author, Store};
use portcullis_token::jwt::{self, Issue, SigningKey};
use tempfile::TempDir;

use crate::{
    client::Request,
    house::{self, House, RSA_PRIVATE, RSA_PUBLIC, license_request},
    issuer::{Issuer, STALL, Speaks, key_set, ok},
};

const START: u64 = 1_800_000_000;
const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

/// A clock that a test moves.
#[derive(Debug)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst) * 1000
    }
}

/// No jitter.
#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

/// A store with one key policy, an issuer, and what fetches its keys.
struct World {
    issuer: Issuer,
    clock: Arc<Hands>,
    store: Option<Store>,
    sources: Arc<KeySources>,
    outbound: Outbound,
    trust: Trust,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl World {
    /// Keys from the issuer's `/keys`, over plain HTTP on this machine.
    fn open() -> Self {
        let issuer = Issuer::start(Speaks::Plain);
        let source = format!("jwks_url = \"http://{}/keys\"", issuer.address);
        Self::with(issuer, &source, ALLOWED)
    }

    /// As [`World::open`], with these lines in the key policy and in the configuration.
    fn with(issuer: Issuer, source: &str, outbound: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("root.key", &"5a".repeat(32));
        write("own.key", &"k".repeat(32));
        write("authority.pem", include_str!("tls/authority.pem"));
        let text = format!("[store]\nroot_key_file = \"root.key\"\n[outbound]\n{outbound}");
        let config = config::parse(&text, folder.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let policy = format!("{POLICY}{source}\n{CONTENT}");
        let policy = document::parse(&policy, folder.path()).unwrap();
        let store = runtime.block_on(async {
            let mut settings = config.store;
            settings.path = folder.path().join("portcullis.db");
            let store = open_store(settings).await.unwrap();
            let author = Author::new("local:test");
            document::apply(&store, policy, &author).await.unwrap();
            let wanted = [(TrackClass::Sd, Scheme::Cenc)];
            let film = "film".parse().unwrap();
            store.vault().create_keys(&film, &wanted, &author).await.unwrap();
            store
        });
        let clock = Arc::new(Hands(AtomicU64::new(START)));
        let sources = Arc::new(KeySources::new(config.jwks));
        let trust = Trust::new(Arc::clone(&sources));
        let told = Arc::clone(&clock);
        let outbound = Outbound::new(config.outbound, told).unwrap();
        let store = Some(store);
        Self { issuer, clock, store, sources, outbound, trust, runtime, _folder: folder }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Fetches what is due; how often the issuer was asked.
    fn refresh(&self) -> usize {
        let before = self.issuer.asked();
        let due = self.sources.refresh_due(self.store(), &self.outbound, &*self.clock, &Zeros);
        self.runtime.block_on(due).unwrap();
        self.issuer.asked() - before
    }

    /// Whether the token opens the film.
    fn ask(&self, token: &str) -> Result<(), Reason> {
        let ask = LicenseAsk { kids: Vec::new(), system: DrmSystem::ClearKey, address: None };
        let film = "film".parse().unwrap();
        let judged = license::judge(self.store(), &self.trust, &film, Some(token), ask, self.now());
        judged.unwrap().decision.into_allowed().map(drop)
    }

    /// A token of the issuer, of now.
    fn token(&self, key: &SigningKey) -> String {
        token(key, "film", self.now())
    }

    /// What is wrong with the one place, and how it stands.
    fn fault(&self) -> (SourceState, String) {
        let [report] = self.sources.report(self.now()).try_into().unwrap();
        (report.state, report.fault.unwrap_or_default())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            self.runtime.block_on(store.close());
        }
    }
}

fn token(key: &SigningKey, content: &str, now: Timestamp) -> String {
    let bound = [("portcullis:content".to_owned(), Value::from(content))];
    let issue = Issue {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        subject: Some("alice".into()),
        issued_at: now,
        not_before: now,
        expires_at: now.saturating_add(Duration::from_secs(600)),
        id: None,
        extra: Object::from(bound),
        token_type: "JWT".into(),
    };
    jwt::issue(&issue, key, &SystemRng).unwrap()
}

fn ed25519(kid: &str) -> SigningKey {
    let pem = include_str!("../../../portcullis-token/tests/it/keys/ed25519.pem");
    SigningKey::eddsa_from_pem(pem).unwrap().with_kid(kid).unwrap()
}

fn p256(kid: &str) -> SigningKey {
    let pem = include_str!("../../../portcullis-token/tests/it/keys/p256.pem");
    SigningKey::es256_from_pem(pem).unwrap().with_kid(kid).unwrap()
}

fn rsa(kid: &str) -> SigningKey {
    SigningKey::rs256_from_pem(RSA_PRIVATE).unwrap().with_kid(kid).unwrap()
}

#[test]
fn what_the_issuer_publishes_verifies_its_tokens() {
    let world = World::open();
    world.issuer.publish(&[&ed25519("a"), &p256("b"), &rsa("c")], "");
    assert_eq!(world.ask(&world.token(&p256("b"))), Err(Reason::TokenKeySource));
    assert_eq!(world.refresh(), 1);
    for key in [ed25519("a"), p256("b"), rsa("c")] {
        assert_eq!(world.ask(&world.token(&key)), Ok(()), "{key:?}");
    }
    assert_eq!(world.ask(&world.token(&p256("a"))), Err(Reason::TokenKey));
    let request = world.issuer.last_request().to_ascii_lowercase();
    assert!(request.starts_with("get /keys http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\naccept-encoding: identity\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nhost: {}\r\n", world.issuer.address)), "{request}");
}

#[test]
fn a_new_key_is_known_after_one_fetch_and_an_old_one_forgotten() {
    let world = World::open();
    world.issuer.publish(&[&ed25519("a")], "");
    world.refresh();
    world.issuer.publish(&[&ed25519("b"), &p256("c")], "");
    world.pass(MINUTE);
    assert_eq!(world.refresh(), 0);
    assert_eq!(world.ask(&world.token(&ed25519("b"))), Err(Reason::TokenKey));
    assert_eq!(world.refresh(), 1);
    assert_eq!(world.ask(&world.token(&ed25519("b"))), Ok(()));
    assert_eq!(world.ask(&world.token(&p256("c"))), Ok(()));
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Err(Reason::TokenKey));
}

#[test]
fn an_unknown_algorithm_brings_a_fetch_and_a_wrong_signature_does_not() {
    let world = World::open();
    world.issuer.publish(&[&ed25519("a")], "");
    world.refresh();
    world.issuer.publish(&[&ed25519("a"), &rsa("b")], "");
    world.pass(MINUTE);
    let forged = world.token(&ed25519("a")).rsplit_once('.').unwrap().0.to_owned();
    let forged = format!("{forged}.{}", "A".repeat(86));
    assert_eq!(world.ask(&forged), Err(Reason::TokenSignature));
    assert_eq!(world.refresh(), 0);
    assert_eq!(world.ask(&world.token(&rsa("b"))), Err(Reason::TokenAlgorithm));
    assert_eq!(world.refresh(), 1);
    assert_eq!(world.ask(&world.token(&rsa("b"))), Ok(()));
}

#[test]
fn a_flood_of_unknown_keys_brings_one_fetch_a_minute() {
    let world = World::open();
    world.issuer.publish(&[&ed25519("a")], "");
    assert_eq!(world.refresh(), 1);
    let mut fetched = 0;
    for second in 0..300 {
        for kid in ["x", "y", "z"] {
            let key = ed25519(&format!("{kid}{second}"));
            assert_eq!(world.ask(&world.token(&key)), Err(Reason::TokenKey));
        }
        fetched += world.refresh();
        // The first minute after the start ends before the first of these five does.
        assert_eq!(fetched, usize::try_from(second / MINUTE).unwrap(), "after {second} s");
        world.pass(1);
    }
}

#[test]
fn a_key_unknown_soon_after_a_fetch_is_fetched_when_the_minute_is_over() {
    let world = World::open();
    world.issuer.publish(&[&ed25519("a")], "");
    world.refresh();
    world.pass(10);
    assert_eq!(world.ask(&world.token(&ed25519("b"))), Err(Reason::TokenKey));
    for (seconds, expected) in [(0, 0), (49, 0), (1, 1), (1, 0)] {
        world.pass(seconds);
        assert_eq!(world.refresh(), expected, "{seconds}");
    }
}

#[test]
fn keys_are_fetched_again_when_the_configuration_or_the_issuer_says_so() {
    for (header, until_next) in [
        ("", 900),
        ("Cache-Control: max-age=86400\r\n", 900),
        ("Cache-Control: max-age=300\r\n", 300),
        ("Cache-Control: max-age=1\r\n", 60),
        ("Cache-Control: no-store\r\n", 60),
    ] {
        let world = World::open();
        world.issuer.publish(&[&ed25519("a")], header);
        assert_eq!(world.refresh(), 1);
        world.pass(until_next - 1);
        assert_eq!(world.refresh(), 0, "{header}");
        world.pass(1);
        assert_eq!(world.refresh(), 1, "{header}");
    }
}

#[test]
fn the_last_good_keys_are_used_until_they_are_too_old() {
    let world = World::open();
    let key = ed25519("a");
    world.issuer.publish(&[&key], "");
    world.refresh();
    world.issuer.answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    world.pass(900);
    assert_eq!(world.refresh(), 1);
    assert_eq!(world.ask(&world.token(&key)), Ok(()));
    assert_eq!(world.fault(), (SourceState::Usable, "it answers 503 Service Unavailable".into()));
    world.pass(DAY - 900);
    assert_eq!(world.ask(&world.token(&key)), Ok(()));
    world.pass(1);
    assert_eq!(world.ask(&world.token(&key)), Err(Reason::TokenKeySource));
    assert_eq!(world.fault().0, SourceState::TooOld);
    world.issuer.publish(&[&key], "");
    assert_eq!(world.refresh(), 1);
    assert_eq!(world.ask(&world.token(&key)), Ok(()));
    assert_eq!(world.fault(), (SourceState::Usable, String::new()));
}

#[test]
fn failures_are_tried_again_less_and_less_often() {
    let world = World::open();
    world.issuer.answer("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(world.refresh(), 1);
    for wait in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
        world.pass(wait - 1);
        assert_eq!(world.refresh(), 0, "{wait}");
        world.pass(1);
        assert_eq!(world.refresh(), 1, "{wait}");
    }
}

#[test]
fn without_any_key_set_only_what_it_might_cure_is_not_the_callers_fault() {
    let world = World::open();
    world.issuer.answer("");
    world.refresh();
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Err(Reason::TokenKeySource));
    assert_eq!(world.ask("not a token"), Err(Reason::TokenMalformed));
    assert_eq!(world.fault().0, SourceState::Missing);
}

#[test]
fn our_own_key_works_beside_the_issuers_whether_they_are_there_or_not() {
    let issuer = Issuer::start(Speaks::Plain);
    let source = format!("key_file = \"own.key\"\njwks_url = \"http://{}/\"", issuer.address);
    let world = World::with(issuer, &source, ALLOWED);
    let own = SigningKey::hs256(&SecretBytes::new("k".repeat(32).into())).unwrap();
    world.issuer.answer("");
    world.refresh();
    assert_eq!(world.ask(&world.token(&own)), Ok(()));
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Err(Reason::TokenKeySource));
    world.issuer.publish(&[&ed25519("a")], "");
    world.pass(10);
    world.refresh();
    assert_eq!(world.ask(&world.token(&own)), Ok(()));
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Ok(()));
    world.pass(DAY + 1);
    assert_eq!(world.ask(&world.token(&own)), Ok(()));
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Err(Reason::TokenKeySource));
}

#[test]
fn an_issuer_that_withdraws_all_keys_is_believed() {
    let world = World::open();
    world.issuer.publish(&[&ed25519("a")], "");
    world.refresh();
    world.issuer.answer(ok(r#"{"keys":[]}"#, ""));
    world.pass(900);
    world.refresh();
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Err(Reason::TokenAlgorithm));
}

#[test]
fn no_key_set_makes_a_secret_of_what_is_public() {
    let world = World::open();
    let set = key_set(&[&rsa("a")]);
    let modulus = set.split(r#""n":""#).nth(1).unwrap().split('"').next().unwrap();
    let published = URL_SAFE_NO_PAD.encode("k".repeat(32));
    let secret = format!(r#"{{"kty":"oct","alg":"HS256","kid":"s","k":"{published}"}}"#);
    let confused = format!(r#"{{"kty":"RSA","alg":"HS256","kid":"m","e":"AQAB","n":"{modulus}"}}"#);
    let both = format!(r#"{{"kty":"oct","alg":"HS256","kid":"b","k":"{modulus}"}}"#);
    let set = set.replace(r#""keys":["#, &format!(r#""keys":[{secret},{confused},{both},"#));
    world.issuer.answer(ok(&set, ""));
    world.refresh();
    assert_eq!(world.ask(&world.token(&rsa("a"))), Ok(()));
    let decoded = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    for secret in ["k".repeat(32).into(), modulus.into(), decoded, RSA_PUBLIC.into()] {
        for kid in ["a", "s", "m", "b"] {
            let key = SigningKey::hs256(&SecretBytes::new(Vec::clone(&secret))).unwrap();
            let forged = world.token(&key.with_kid(kid).unwrap());
            assert_eq!(world.ask(&forged), Err(Reason::TokenAlgorithm), "{kid}");
        }
    }
}

#[test]
fn an_answer_that_is_no_key_set_leaves_the_last_one_in_place() {
    let world = World::open();
    let key = ed25519("a");
    world.issuer.publish(&[&key], "");
    world.refresh();
    let set = key_set(&[&key]);
    let long = " ".repeat(256 << 10);
    for (answer, expected) in [
        (
            format!(
                "HTTP/1.1 302 Go\r\nLocation: http://{}/k\r\nContent-Length: 0\r\n\r\n",
                world.issuer.address
            ),
            "it answers with a redirect (302 Found), which is not followed",
        ),
        ("HTTP/1.1 304 Same\r\n\r\n".into(), "redirect (304"),
        ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".into(), "it answers 404"),
        (ok(&set, "").replace("200 OK", "206 Part"), "it answers 206"),
        (ok(&format!("{set}{long}"), ""), "longer than 262144 bytes"),
        (ok(&set, "Content-Encoding: gzip\r\n"), "compressed"),
        (ok(&set, "").replace("HTTP/1.1", "HTTP/9.9"), "not complete HTTP"),
        (set.clone(), "not complete HTTP"),
        (String::new(), "not complete HTTP"),
        (ok(&set, "").replace("Content-Length: ", "Content-Length: 9"), "not complete HTTP"),
        (ok(&set, &format!("X: {}\r\n", "x".repeat(70 << 10))), "not complete HTTP"),
        (ok("<html></html>", ""), "the key set is not usable: not strict JSON"),
        (ok("[]", ""), "not a key set"),
        (ok(&set.replace("\"kid\"", "\"kty\":\"oct\",\"kid\""), ""), "stands twice"),
        (ok(&format!(r#"{{"keys":[{}]}}"#, vec!["1"; 65].join(",")), ""), "more than 64 keys"),
    ] {
        world.pass(900);
        world.issuer.answer(answer);
        assert_eq!(world.refresh(), 1, "{expected}");
        let (state, fault) = world.fault();
        assert_eq!(state, SourceState::Usable);
        assert!(fault.contains(expected), "{fault} is not about: {expected}");
        assert_eq!(world.ask(&world.token(&key)), Ok(()));
    }
    world.issuer.publish(&[&key], "");
    world.pass(900);
    assert_eq!(world.refresh(), 1);
    assert_eq!(world.fault(), (SourceState::Usable, String::new()));
}

#[test]
fn an_answer_of_exactly_the_longest_length_is_read() {
    let world = World::open();
    let set = key_set(&[&ed25519("a")]);
    world.issuer.answer(ok(&format!("{set}{}", " ".repeat((256 << 10) - set.len())), ""));
    world.refresh();
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Ok(()));
}

#[test]
fn an_answer_that_does_not_end_is_given_up() {
    let issuer = Issuer::start(Speaks::Plain);
    let source = format!("jwks_url = \"http://{}/\"", issuer.address);
    let world = World::with(issuer, &source, &format!("{ALLOWED}timeout_ms = 200\n"));
    let cut = ok(&key_set(&[&ed25519("a")]), "").replace("Length: ", "Length: 1");
    for answer in [[b"HTTP/1.1 200 OK\r", STALL].concat(), [cut.as_bytes(), STALL].concat()] {
        world.issuer.answer(answer);
        assert_eq!(world.refresh(), 1);
        assert_eq!(
            world.fault(),
            (SourceState::Missing, "no complete answer within 200 ms".into())
        );
        world.pass(900);
    }
}

#[test]
fn this_machine_is_called_only_where_both_switches_say_so() {
    let private = "danger_allow_private_networks = [\"127.0.0.0/8\"]\n";
    let plain = "danger_allow_plain_http = true\n";
    for (outbound, expected) in [
        (String::new(), "is not public"),
        (plain.to_owned(), "is not public"),
        ("danger_allow_private_networks = [\"10.0.0.0/8\"]\n".to_owned(), "is not public"),
        (private.to_owned(), "plain HTTP is refused"),
        (format!("{private}{plain}"), ""),
    ] {
        let issuer = Issuer::start(Speaks::Plain);
        issuer.publish(&[&ed25519("a")], "");
        let source = format!("jwks_url = \"http://{}/\"", issuer.address);
        let world = World::with(issuer, &source, &outbound);
        assert_eq!(world.refresh(), usize::from(expected.is_empty()), "{outbound}");
        let fault = world.fault().1;
        assert!(fault.contains(expected) && fault.is_empty() == expected.is_empty(), "{fault}");
    }
}

#[test]
fn a_discovery_document_leads_to_the_keys() {
    let issuer = Issuer::start(Speaks::Plain);
    let source = format!("openid_configuration = \"http://{}/oidc\"", issuer.address);
    let world = World::with(issuer, &source, ALLOWED);
    let other = Issuer::start(Speaks::Plain);
    other.publish(&[&ed25519("a")], "");
    world.issuer.publish(&[&ed25519("a")], "");
    let document = |place: &str| {
        ok(&format!(r#"{{"issuer":"https://issuer.test","jwks_uri":"{place}"}}"#), "")
    };
    let (own, elsewhere) = (world.issuer.address, other.address);
    for (answer, asked, expected) in [
        (document(&format!("http://{elsewhere}/keys")), 1, "was not configured"),
        (document("http://127.0.0.1:443/keys"), 1, "is not public"),
        (document("https://169.254.169.254/keys"), 1, "is not public"),
        (document("https://localhost/keys"), 1, "is not public"),
        (document("http://idp.example/keys"), 1, "it has to begin with `https://`"),
        (ok("{}", ""), 1, "`issuer` is missing"),
        (document(&format!("http://{own}/keys")), 2, ""),
    ] {
        world.issuer.answer_at("/oidc", answer);
        assert_eq!(world.refresh(), asked, "{expected}");
        let fault = world.fault().1;
        assert!(fault.contains(expected) && fault.is_empty() == expected.is_empty(), "{fault}");
        world.pass(900);
    }
    assert_eq!(world.ask(&world.token(&ed25519("a"))), Ok(()));
    assert_eq!(other.asked(), 0);
}

#[test]
fn a_certificate_has_to_be_trusted_of_this_name_and_of_this_time() {
    let private = "danger_allow_private_networks = [\"127.0.0.0/8\", \"::1\"]\n";
    let trusted = format!("{private}ca_file = \"authority.pem\"\n");
    for (host, outbound, moment, good) in [
        ("localhost", &*trusted, START, true),
        ("localhost", private, START, false),
        ("127.0.0.1", &*trusted, START, false),
        ("localhost", &*trusted, START - 10 * 365 * DAY, false),
        ("localhost", &*trusted, START + 200 * 365 * DAY, false),
    ] {
        let issuer = Issuer::start(Speaks::Tls);
        issuer.publish(&[&ed25519("a")], "");
        let source = format!("jwks_url = \"https://{host}:{}/keys\"", issuer.address.port());
        let world = World::with(issuer, &source, outbound);
        world.clock.0.store(moment, Ordering::SeqCst);
        assert_eq!(world.refresh(), usize::from(good), "{host} {outbound}");
        let fault = world.fault().1;
        assert_eq!(fault.starts_with("TLS failed: "), !good, "{fault}");
        assert_eq!(world.ask(&world.token(&ed25519("a"))).is_ok(), good);
    }
}

#[test]
fn a_running_server_fetches_keys_and_shows_how_old_they_are() {
    let issuer = Issuer::start(Speaks::Plain);
    issuer.publish(&[&ed25519("a")], "");
    let house = House::with(&format!("[outbound]\n{ALLOWED}"));
    let festival = house.add_issuer(&format!("http://{}/keys?app=s3cret", issuer.address));
    let token = token(&ed25519("a"), "festival", house::now());
    let ask = || {
        let target = "/license/clearkey?content=festival";
        Request::post(target, license_request(&festival)).bearer(&token).send(house.public())
    };
    let fetched = (0..1000).any(|_| {
        let answer = ask();
        // Until the server has seen the policy, there is no such content; until the first
        // fetch is over, the fault is ours and not the viewer's.
        assert!([200, 403, 503].contains(&answer.status), "{answer:?}");
        std::thread::sleep(Duration::from_millis(20));
        answer.status == 200
    });
    assert!(fetched, "{:?}", ask());
    let ready = Request::get("/readyz").send(house.bound.private);
    let sources = ready.member("key_sources").unwrap().to_string();
    let shown = format!(r#""url":"http://{}/keys?app=…"#, issuer.address);
    assert!(sources.contains(&shown), "{sources}");
    assert!(sources.contains(r#""fault":null,"keys":1,"state":"usable""#), "{sources}");
}

const ALLOWED: &str = "danger_allow_private_networks = [\"127.0.0.0/8\"]\n\
                       danger_allow_plain_http = true\n";
const POLICY: &str = r#"
[[key_policies]]
name = "partner"
restriction = "token"
issuer = "https://issuer.test"
audience = "urn:portcullis"
entitlement = "anyone"
"#;
const CONTENT: &str = r#"
[[contents]]
id = "film"
key_policy = "partner"
"#;
