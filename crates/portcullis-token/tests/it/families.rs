//! Runs the vectors of families that stand behind `Format`: a header line is named as the key,
//! setting, field or part of a request that it gives.

use portcullis_base::Timestamp;
use portcullis_token::format::{self, Format, Given, Request};

use crate::support::{Counting, Vector, vectors};

/// Every vector in a folder has its outcome, and those that say so are made again to the
/// byte. Gives the number of accepted, refused and made ones.
pub(crate) fn run(folder: &str, family: &str) -> (usize, usize, usize) {
    let format = format::find(family).unwrap();
    let mut counts = (0, 0, 0);
    for vector in &vectors(folder) {
        let given = given(format, vector);
        let (request, now) = (request(vector), Timestamp(vector.number("now").unwrap()));
        let verdict = format.verify(&given, &vector.payload, &request, now).unwrap();
        let outcome = verdict.map_or_else(|refused| refused.fault.code(), |_| "success");
        assert_eq!(outcome, vector.need("expect"), "{}", vector.name);
        let explained = format.explain(&given, &vector.payload, &request, now).unwrap();
        if outcome == "success" {
            counts.0 += 1;
            assert_eq!(explained.fault(), None, "{}", vector.name);
            // Without its settings, a token under names of its own is like no other.
            let expected = vector.get("resembles") != Some("no");
            assert_eq!(format.resembles(&vector.payload), expected, "{}", vector.name);
        } else {
            counts.1 += 1;
            let code = explained.fault().map_or("request.lacks", |(_, fault)| fault.code());
            assert_eq!(code, outcome, "{}: explained as another fault", vector.name);
        }
        if vector.get("issue") == Some("same") {
            counts.2 += 1;
            let issued = format.issue(&given, now, &Counting).unwrap();
            assert_eq!(issued.token, vector.payload, "{}", vector.name);
        }
    }
    counts
}

/// The keys, settings and fields a vector gives.
pub(crate) fn given(format: &dyn Format, vector: &Vector) -> Given {
    let about = format.about();
    let mut given = Given::new();
    for param in about.keys.iter().chain(about.says) {
        for text in vector.all(param.name) {
            // A header is one line; a key in PEM form has several.
            let pem = text.starts_with("-----BEGIN ").then(|| text.replace("\\n", "\n"));
            given.add(param.name, pem.unwrap_or_else(|| text.clone()));
        }
    }
    given
}

/// The request a vector describes.
pub(crate) fn request(vector: &Vector) -> Request {
    let mut request = Request::default();
    if let Some(url) = vector.get("url") {
        request.set_url(url).unwrap();
    }
    request.address = vector.get("ip").map(|text| text.parse().unwrap());
    request.method = vector.get("method").map(str::to_owned);
    request.country = vector.get("country").map(str::to_owned);
    for line in vector.all("header") {
        let (name, value) = line.split_once('=').unwrap();
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    request
}
