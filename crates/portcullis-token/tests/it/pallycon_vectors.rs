//! Runs `vectors/pallycon`: the vendor's tutorials, tokens as its samples write them, and
//! what must be refused.

use portcullis_base::{Rng, Timestamp};
use portcullis_token::{
    claims::TokenSystem,
    format::{self, Format, Given, Request},
    pallycon::vendor_code,
};

use crate::support::{Counting, Vector, vectors};

#[test]
fn every_pallycon_vector_has_its_outcome() {
    let vectors = vectors("pallycon");
    assert!(vectors.len() >= 125, "only {}", vectors.len());
    for vector in &vectors {
        let now = Timestamp(vector.number("now").unwrap());
        let verdict = pallycon().verify(&keys(vector), &vector.payload, &request(vector), now);
        let refused = verdict.unwrap().map(drop).err();
        let code = refused.as_ref().map_or("success", |refused| refused.fault.code());
        assert_eq!(code, vector.need("expect"), "{}: {refused:?}", vector.name);
        let vendor = refused.as_ref().map(|refused| u64::from(vendor_code(refused)));
        assert_eq!(vendor, vector.number("vendor"), "{}: {refused:?}", vector.name);
    }
}

#[test]
fn an_explanation_finds_the_same_first_fault_as_a_verification() {
    for vector in &vectors("pallycon") {
        let now = Timestamp(vector.number("now").unwrap());
        let told = pallycon().explain(&keys(vector), &vector.payload, &request(vector), now);
        let told = told.unwrap();
        let code = told.fault().map_or("success", |(_, fault)| fault.code());
        assert_eq!(code, vector.need("expect"), "{}: {:?}", vector.name, told.checks);
    }
}

#[test]
fn we_write_what_the_published_steps_give() {
    let mut written = 0;
    for vector in vectors("pallycon").iter().filter(|one| one.get("issue") == Some("same")) {
        let mut given = keys(vector);
        let names = ["drm_type", "user_id", "cid", "timestamp", "response_format", "policy"];
        for name in names.into_iter().chain(["key_rotation"]) {
            given.add(name, vector.need(name));
        }
        let issued = pallycon().issue(&given, Timestamp(0), &Counting as &dyn Rng).unwrap();
        assert_eq!(issued.token, vector.payload, "{}", vector.name);
        written += 1;
    }
    assert_eq!(written, 8);
}

#[test]
fn every_accepted_vector_says_the_same_when_it_is_made_again() {
    for vector in vectors("pallycon").iter().filter(|one| one.get("expect") == Some("success")) {
        let now = Timestamp(vector.number("now").unwrap());
        let (keys, request) = (keys(vector), request(vector));
        let verify = |token: &str| {
            pallycon().verify(&keys, token, &request, now).unwrap().unwrap().into_claims()
        };
        let said = verify(&vector.payload);
        let fields = pallycon().fields_of(&said).with(&keys);
        let issued = pallycon().issue(&fields, said.start.unwrap(), &Counting).unwrap();
        assert_eq!(verify(&issued.token).to_json(), said.to_json(), "{}", vector.name);
    }
}

fn pallycon() -> &'static dyn Format {
    format::find("pallycon").unwrap()
}

fn keys(vector: &Vector) -> Given {
    let mut given = Given::new();
    for param in pallycon().about().keys {
        given.add_some(param.name, vector.get(param.name));
    }
    given
}

fn request(vector: &Vector) -> Request {
    Request {
        content: vector.get("content").map(str::to_owned),
        system: vector.get("system").map(|name| TokenSystem::from_name(name).unwrap()),
        // So that it is never a request of which nothing is known.
        method: Some("POST".to_owned()),
        ..Request::default()
    }
}
