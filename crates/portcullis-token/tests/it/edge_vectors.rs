//! Runs `vectors/edge`: other people's tokens, and ours against an independent MAC.

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    TokenKey,
    edge::{
        Dialect, EdgeKeys, Lookup, UnknownFields,
        access::{self, AccessRequest, Covers, Writing},
        acl::Acl,
        session::{self, SessionRequest},
    },
};

use crate::support::{Vector, vectors};

#[test]
fn every_edge_vector_has_its_outcome() {
    let vectors = vectors("edge");
    assert_eq!(vectors.iter().filter(|one| one.name.starts_with("akamai-")).count(), 21);
    for vector in &vectors {
        let keys = keys(vector);
        let header_salt = header_salt(vector);
        let lookup = Lookup {
            path: vector.need("path"),
            query: vector.get("query"),
            address: vector.get("address").map(|text| text.parse().unwrap()),
            header_salt: &header_salt,
        };
        let now = Timestamp(vector.number("now").unwrap());
        let text = &vector.payload;
        let unknown = match vector.get("unknown-fields") {
            None => UnknownFields::Refuse,
            Some(_) => UnknownFields::DangerAccept,
        };
        let outcome = if vector.get("kind") == Some("session") {
            let token = session::parse_with(text, unknown);
            token.and_then(|token| token.verify(&keys, &lookup, now)).map(drop)
        } else {
            let token = access::parse_with(text, unknown);
            token.and_then(|token| token.verify(&keys, &lookup, now)).map(drop)
        };
        let outcome = outcome.map_or_else(|error| error.code(), |()| "success");
        assert_eq!(outcome, vector.need("expect"), "{}", vector.name);
    }
}

#[test]
fn we_write_what_the_other_generators_write() {
    let mut written = 0;
    for vector in vectors("edge").iter().filter(|one| one.get("issue") == Some("same")) {
        let keys = keys(vector);
        let acl = vector.get("acl").map(|text| Acl::parse(text).unwrap());
        let address = vector.get("address").map(|text| text.parse().unwrap());
        let end = Timestamp(vector.number("end").unwrap());
        let token = if vector.get("kind") == Some("session") {
            let request = SessionRequest {
                acl: &acl.unwrap(),
                issued_at: Timestamp(1_700_000_000),
                end,
                address,
                id: vector.get("id"),
                data: vector.get("data"),
                header_salt: &header_salt(vector),
            };
            session::issue(&request, &keys)
        } else {
            let covers = match &acl {
                Some(acl) => Covers::DangerRootAcl(acl),
                None => Covers::Url(vector.need("url")),
            };
            let request = AccessRequest {
                covers,
                start: vector.number("start").map(Timestamp),
                end,
                address,
                id: value(vector, "id"),
                data: value(vector, "data"),
            };
            access::issue_as(&request, &keys, writing(vector))
        };
        assert_eq!(token.unwrap(), vector.payload, "{}", vector.name);
        written += 1;
    }
    assert!(written >= 33, "only {written}");
}

/// A value in two quotes is empty and there.
fn value<'a>(vector: &'a Vector, name: &str) -> Option<&'a str> {
    vector.get(name).map(|text| if text == "\"\"" { "" } else { text })
}

fn writing(vector: &Vector) -> Writing {
    let Some(text) = vector.get("writing") else { return Writing::Own };
    let (way, library) = text.split_once(' ').unwrap();
    let dialect = match library {
        "java" => Dialect::Java,
        "node" => Dialect::Node,
        "python" => Dialect::Python,
        "ruby" => Dialect::Ruby,
        other => panic!("no library `{other}`"),
    };
    if way == "plain" { Writing::Plain(dialect) } else { Writing::Escaped(dialect) }
}

fn keys(vector: &Vector) -> EdgeKeys {
    let salt = vector.get("salt").map(|salt| SecretBytes::new(salt.as_bytes().to_vec()));
    let secret = EdgeKeys::secret_from_hex(vector.need("key")).unwrap();
    let current = match vector.get("algorithm") {
        None => TokenKey::hmac_sha256(&secret),
        Some("md5") => TokenKey::danger_hmac_md5(&secret),
        Some("sha1") => TokenKey::danger_hmac_sha1(&secret),
        Some(other) => panic!("no algorithm `{other}`"),
    };
    EdgeKeys { current, transition: None, salt }
}

fn header_salt(vector: &Vector) -> String {
    let pair = |line: &'_ String| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    let headers: Vec<(String, String)> = vector.all("header").iter().map(pair).collect();
    let headers: Vec<(&str, Option<&str>)> =
        headers.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
    session::header_salt(&headers)
}
