//! What was revoked is refused, by every door and every server of the database.

use std::time::Duration;

use portcullis_base::json::Value;
use portcullis_policy::model::SubjectKind;
use portcullis_server::{config, default_tenant, document, serve::open_store};
use portcullis_store::{Author, Revocation, Store, Subject};
use portcullis_token::identity::{TokenFormat, TokenIdentity};

use crate::{
    client::{Answer, Request},
    house::{House, ISSUER, access, playback, session},
    log::{records_of, text_of},
};

/// Does something to the store as another process does it, such as the command line.
fn beside<T>(house: &House, work: impl AsyncFnOnce(&Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = config::load(&house.folder.path().join("portcullis.toml")).unwrap();
        let store = open_store(config.store).await.unwrap();
        let result = work(&store).await;
        store.close().await;
        result
    })
}

fn revoke(house: &House, kind: SubjectKind, id: &str) {
    let subject = Subject::new(kind, id).unwrap();
    let tenant = default_tenant();
    let new = Revocation { tenant, subject, reason: "test".into(), until: None };
    beside(house, async |store| store.revoke(&new, &author()).await.unwrap());
}

fn lift(house: &House, kind: SubjectKind, id: &str) {
    let (tenant, subject) = (default_tenant(), Subject::new(kind, id).unwrap());
    beside(house, async |store| {
        store.lift_revocation(&tenant, &subject, &author()).await.unwrap();
    });
}

fn author() -> Author {
    Author::new("local:test")
}

/// Asks until the answer is the expected one, for two seconds at most.
#[track_caller]
fn soon(expected: (u16, &str), ask: impl Fn() -> Answer) {
    for _ in 0..100 {
        let answer = ask();
        if (answer.status, answer.code().as_str()) == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not {expected:?} within two seconds: {:?}", ask());
}

#[test]
fn the_license_desk_refuses_whatever_was_revoked_and_nobody_else() {
    let house = House::open();
    let claim = |name: &'static str, value: &'static str| {
        playback(|token| drop(token.issue.extra.insert(name.into(), Value::from(value))))
    };
    let ask = |token: &str| house.license("film", token, &house.film);
    let known = playback(|token| token.issue.id = Some("j-1".into()));
    let identity = TokenIdentity::new(TokenFormat::Jwt, ISSUER, b"j-1").unwrap();
    let digest = beside(&house, async |store| {
        store.uses().digest(&default_tenant(), &identity).unwrap().to_string()
    });
    let session = (claim("sid", "s-1"), claim("sid", "s-2"));
    let device = (claim("portcullis:device", "d-1"), claim("portcullis:device", "d-2"));
    let user = (playback(|token| token.issue.subject = Some("ada".into())), playback(|_| {}));
    let cases = [
        (SubjectKind::Token, digest.as_str(), (&known, &user.1), 401, "token.revoked"),
        (SubjectKind::Session, "s-1", (&session.0, &session.1), 403, "session.revoked"),
        (SubjectKind::Device, "d-1", (&device.0, &device.1), 403, "device.revoked"),
        (SubjectKind::User, "ada", (&user.0, &user.1), 403, "user.revoked"),
    ];
    for (kind, id, (token, _), ..) in cases {
        assert_eq!(ask(token).status, 200, "{kind}");
        revoke(&house, kind, id);
    }
    for (kind, _, (token, other), status, code) in cases {
        soon((status, code), || ask(token));
        assert_eq!(ask(other).status, 200, "{kind}");
    }
    lift(&house, SubjectKind::User, "ada");
    soon((200, ""), || ask(&user.0));
    for (kind, id, code) in [
        (SubjectKind::Content, "film", "content.revoked"),
        (SubjectKind::Tenant, "default", "tenant.revoked"),
    ] {
        revoke(&house, kind, id);
        soon((403, code), || ask(&user.1));
    }
}

#[test]
fn a_revoked_content_key_is_in_no_new_license() {
    let house = House::open();
    let token = playback(|_| {});
    let sd = &house.film[1..2];
    assert_eq!(house.license("film", &token, sd).status, 200);
    revoke(&house, SubjectKind::Key, &sd[0].kid.to_string());
    soon((403, "key.revoked"), || house.license("film", &token, sd));
    let answer = house.license("film", &token, &house.film);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.member("keys").unwrap().as_array().unwrap().len(), 2);
}

#[test]
fn a_revoked_api_key_and_a_revoked_viewer_get_no_token() {
    let house = House::open();
    let ask = |user: &str| {
        let body = format!(r#"{{"user_id":"{user}","content_id":"film"}}"#);
        house.issue(&house.issuer, &body)
    };
    revoke(&house, SubjectKind::User, "alice");
    soon((403, "user.revoked"), || ask("alice"));
    assert_eq!(ask("ada").status, 200);
    let id = house.issuer.split('_').nth(2).unwrap();
    revoke(&house, SubjectKind::ApiKey, id);
    soon((401, "api_key.unknown"), || ask("ada"));
}

#[test]
fn a_revoked_session_ends_at_the_edge_of_every_server() {
    let house = House::open();
    let other = house.sibling();
    let segment = "/media/film/video/1.m4s";
    let with = |token: String| {
        move |to| Request::get(segment).header("Cookie", &format!("hdntl={token}")).send(to)
    };
    let of = |id: &'static str| with(session("/media/film/*", |request| request.id = Some(id)));
    let good = of("s-2");
    let revoked =
        [(SubjectKind::Session, "s-1"), (SubjectKind::User, "u-1"), (SubjectKind::Device, "d-1")];
    for (kind, id) in revoked {
        assert_eq!(of(id)(house.public()).status, 200);
        revoke(&house, kind, id);
    }
    for to in [house.public(), other.bound.public] {
        for (_, id) in revoked {
            soon((403, ""), || of(id)(to));
        }
        assert_eq!(good(to).status, 200);
    }
    lift(&house, SubjectKind::Session, "s-1");
    soon((200, ""), || of("s-1")(other.bound.public));
}

#[test]
fn a_revoked_edge_token_opens_no_session() {
    let house = House::open();
    let (one, other) = (access("/media/film/*", |_| {}), access("/media/*", |_| {}));
    let open = |token: &str| house.get(&format!("/media/film/manifest.mpd?hdnts={token}"));
    assert_eq!(open(&one).status, 200);
    let mac = one.rsplit_once("hmac=").unwrap().1;
    let digits = (0..mac.len()).step_by(2).map(|at| &mac[at..at + 2]);
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let identity = TokenIdentity::new(TokenFormat::Edge, "", &bytes).unwrap();
    let digest = beside(&house, async |store| {
        store.uses().digest(&default_tenant(), &identity).unwrap().to_string()
    });
    revoke(&house, SubjectKind::Token, &digest);
    soon((403, ""), || open(&one));
    let refused = open(&one);
    let record = records_of(refused.header("x-request-id").unwrap()).pop().unwrap();
    assert_eq!(text_of(&record, "reason"), "token.revoked");
    assert_eq!(open(&other).status, 200);
}

#[test]
fn a_revoked_issuer_key_verifies_and_signs_nothing_any_more() {
    let house = House::open();
    let path = house.folder.path().join("policy.toml");
    let named = "key_file = \"jwt.key\"\nkey_id = \"k-1\"";
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("key_file = \"jwt.key\"", named, 1)).unwrap();
    beside(&house, async |store| {
        let policy = document::load(&path).unwrap();
        document::apply(store, policy, &author()).await.unwrap();
    });
    let nameless = playback(|_| {});
    let ask = || house.license("film", &nameless, &house.film);
    let issue = || house.issue(&house.issuer, r#"{"user_id":"alice","content_id":"film"}"#);
    assert_eq!((ask().status, issue().status), (200, 200));
    revoke(&house, SubjectKind::IssuerKey, "k-1");
    soon((401, "token.algorithm"), ask);
    soon((409, "token.no_signing_key"), issue);
    lift(&house, SubjectKind::IssuerKey, "k-1");
    soon((200, ""), ask);
}

#[test]
fn other_edges_get_the_list_in_order_and_only_what_is_new() {
    let house = House::open();
    for (kind, id) in
        [(SubjectKind::Session, "s-1"), (SubjectKind::Content, "film"), (SubjectKind::User, "u-1")]
    {
        revoke(&house, kind, id);
    }
    lift(&house, SubjectKind::Session, "s-1");
    let ask = |query: &str, tag: &str| {
        let request = Request::get(&format!("/edge/v1/revocations{query}")).bearer(&house.viewer);
        let request = if tag.is_empty() { request } else { request.header("If-None-Match", tag) };
        request.send(house.bound.api)
    };
    let ids = |answer: &Answer| {
        let list = answer.member("revocations").unwrap();
        let of = |one: &Value, name: &str| one.as_object().unwrap()[name].to_string();
        let list = list.as_array().unwrap().iter();
        list.map(|one| (of(one, "id"), of(one, "until") != "null")).collect::<Vec<_>>()
    };
    let all = ask("", "");
    assert_eq!(all.status, 200);
    assert_eq!(ids(&all), [("\"u-1\"".to_owned(), false), ("\"s-1\"".to_owned(), true)]);
    assert_eq!(all.member("version").unwrap(), 4_u64.into());
    assert_eq!(all.member("more").unwrap(), false.into());
    let tag = all.header("etag").unwrap().to_owned();
    assert_eq!(ask("", &tag).status, 304);
    assert_eq!(ask("", "\"other\"").status, 200);
    assert_eq!(ids(&ask("?after=3", "")).len(), 1);
    let none = ask("?after=4", "");
    assert_eq!((ids(&none).len(), none.member("version").unwrap()), (0, 4_u64.into()));
    for bad in
        ["?after=", "?after=-1", "?after=x", "?after=1&after=2", "?after=9223372036854775808"]
    {
        assert_eq!(ask(bad, "").code(), "request.malformed", "{bad}");
    }
    let issuer = Request::get("/edge/v1/revocations").bearer(&house.issuer).send(house.bound.api);
    assert_eq!((issuer.status, issuer.code().as_str()), (403, "role.missing"));
    let nobody = Request::get("/edge/v1/revocations").send(house.bound.api);
    assert_eq!((nobody.status, nobody.code().as_str()), (401, "api_key.unknown"));
}
