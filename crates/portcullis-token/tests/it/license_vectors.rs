//! Runs the vectors of the license token families, each through its format: the verdict, what
//! the token says, and that an explanation finds the same fault.

use portcullis_base::Timestamp;
use portcullis_token::{
    claims::TokenSystem,
    format::{self, Format, Given, Request},
};

use crate::support::{Vector, vectors};

#[test]
fn every_license_vector_has_its_outcome() {
    for (family, count_min) in FAMILIES {
        let vectors = vectors(family);
        assert!(vectors.len() >= *count_min, "{family}: only {}", vectors.len());
        let format = format::find(family).unwrap();
        for vector in &vectors {
            check(format, vector);
        }
    }
}

#[test]
fn every_vector_that_azures_documentation_suggests_is_there() {
    let named = |family: &str| {
        vectors(family).iter().filter(|vector| vector.name.starts_with("policy-")).count()
    };
    assert_eq!(named("azure-jwt") + named("azure-swt"), 45);
}

fn check(format: &dyn Format, vector: &Vector) {
    let family = format.about().name;
    let at = format!("{family} {}", vector.name);
    let (given, request) = (given(format, vector), request(vector));
    let now = Timestamp(vector.number("now").unwrap());
    let verdict = format.verify(&given, &vector.payload, &request, now).unwrap();
    let outcome = verdict.as_ref().map_or_else(|refused| refused.fault.code(), |_| "success");
    assert_eq!(outcome, vector.need("expect"), "{at}: {verdict:?}");
    if let (Ok(token), Some(says)) = (&verdict, vector.get("says")) {
        let said = portcullis_base::json::Value::Object(token.claims().to_json());
        assert_eq!(said.to_string(), says, "{at}");
    }
    if let Ok(token) = &verdict {
        let opened = token
            .claims()
            .keys
            .iter()
            .map(|key| format!("{} {}", key.kid.unwrap(), hex::encode(key.key.expose())));
        let opens = vector.all("opens");
        assert!(opens.is_empty() || opened.eq(opens.iter().cloned()), "{at}");
    }
    // An explanation skips what needs a request when nothing is known of one.
    if !request.is_unsaid() {
        let explained = format.explain(&given, &vector.payload, &request, now).unwrap();
        let fault = explained.fault().map(|(check, fault)| (check.step, fault.code()));
        let refused = verdict.as_ref().err().map(|refused| (refused.step, refused.fault.code()));
        assert_eq!(fault, refused, "{at}");
    }
    // Without keys everything can still be shown.
    format.explain(&Given::new(), &vector.payload, &Request::default(), now).unwrap();
}

fn given(format: &dyn Format, vector: &Vector) -> Given {
    let mut given = Given::new();
    for param in format.about().keys {
        for text in vector.all(param.name) {
            given.add(param.name, text.as_str());
        }
    }
    given
}

fn request(vector: &Vector) -> Request {
    let kids = vector.all("asks").iter().map(|text| text.parse().unwrap()).collect();
    Request {
        kids,
        content: vector.get("content").map(str::to_owned),
        system: vector.get("drm").map(|name| TokenSystem::from_name(name).unwrap()),
        address: vector.get("address").map(|text| text.parse().unwrap()),
        ..Request::default()
    }
}

/// The families, and how many vectors each has at least.
const FAMILIES: &[(&str, usize)] = &[
    ("azure-jwt", 100),
    ("azure-swt", 25),
    ("axinom", 90),
    ("drmtoday", 60),
    ("insys", 27),
    ("portcullis", 44),
];
