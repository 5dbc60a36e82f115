//! Runs `vectors/edge`: other people's tokens, and ours against an independent MAC.

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::edge::{
    EdgeKeys, Lookup,
    access::{self, AccessRequest, Covers},
    acl::Acl,
    session::{self, SessionRequest},
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
        let outcome = if vector.get("kind") == Some("session") {
            session::parse(text).and_then(|token| token.verify(&keys, &lookup, now)).map(drop)
        } else {
            access::parse(text).and_then(|token| token.verify(&keys, &lookup, now)).map(drop)
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
                id: vector.get("id"),
                data: vector.get("data"),
            };
            access::issue(&request, &keys)
        };
        assert_eq!(token.unwrap(), vector.payload, "{}", vector.name);
        written += 1;
    }
    assert!(written >= 21, "only {written}");
}

fn keys(vector: &Vector) -> EdgeKeys {
    let salt = vector.get("salt").map(|salt| SecretBytes::new(salt.as_bytes().to_vec()));
    let current = EdgeKeys::key_from_hex(vector.need("key")).unwrap();
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
