//! The header object is byte for byte what other packagers write.

use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_base::{KeyId, Scheme};
use portcullis_drm::playready::{HeaderError, header_object};

use crate::support::{Vector, key};

const KID: &str = "00112233-4455-6677-8899-aabbccddeeff";

#[test]
fn every_playready_vector_is_written_as_it_stands() {
    let vectors = Vector::all("playready");
    assert!(vectors.len() >= 5, "only {} vectors were found", vectors.len());
    for vector in &vectors {
        let keys = vector.keys();
        let kids: Vec<_> = keys.iter().map(|key| (key.kid(), Some(key))).collect();
        let scheme = vector.value("scheme").parse().unwrap();
        let la_url = vector.values("la_url").first().copied();
        let object = header_object(&kids, scheme, la_url).unwrap();
        assert_eq!(STANDARD.encode(&object), vector.payload, "{}", vector.name);
        assert_eq!(object.len().to_string(), vector.value("length"), "{}", vector.name);
    }
}

#[track_caller]
fn check(kids: &[(KeyId, Option<&str>)], scheme: Scheme, la_url: Option<&str>, expected: &str) {
    let keys: Vec<_> = kids
        .iter()
        .map(|(kid, bytes)| bytes.map(|bytes| key(&kid.to_string(), &hex::decode(bytes).unwrap())))
        .collect();
    let kids: Vec<_> = kids.iter().zip(&keys).map(|((kid, _), key)| (*kid, key.as_ref())).collect();
    let object = header_object(&kids, scheme, la_url).unwrap();
    let units: Vec<u16> =
        object[10..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let header = String::from_utf16(&units).unwrap();
    assert!(header.contains(expected), "{header}");
}

#[test]
fn a_checksum_stands_where_the_key_is_known_and_the_version_has_room() {
    let kid = KID.parse().unwrap();
    let bytes = Some("0123456789abcdef0123456789abcdef");
    let value = "MyIRAFVEd2aImaq7zN3u/w==";
    check(&[(kid, bytes)], Scheme::Cenc, None, "<CHECKSUM>QuKmVjK8B3k=</CHECKSUM></DATA>");
    check(&[(kid, None)], Scheme::Cenc, None, &format!("<KID>{value}</KID></DATA>"));
    let attributes = format!("<KID ALGID=\"AESCTR\" CHECKSUM=\"QuKmVjK8B3k=\" VALUE=\"{value}\">");
    check(&[(kid, bytes), (kid, None)], Scheme::Cenc, None, &attributes);
    let attributes = format!("<KID ALGID=\"AESCTR\" VALUE=\"{value}\"></KID></KIDS>");
    check(&[(kid, bytes), (kid, None)], Scheme::Cenc, None, &attributes);
    check(
        &[(kid, bytes)],
        Scheme::Cbcs,
        None,
        &format!("<KID ALGID=\"AESCBC\" VALUE=\"{value}\">"),
    );
}

// Published by Microsoft with the header specification's key seed examples.
#[test]
fn the_published_checksums_come_out() {
    for (kid, bytes, expected) in [
        (
            "a2c786d0-f9ef-4cb3-b333-cd323a4284a5",
            "4edb7704cdbf03617f4800bd878a6df2",
            "xNvWVxoWk04=",
        ),
        (
            "db06a8fe-ec16-4de2-9228-2c71e9b856ab",
            "3179923adf3c929892951e62f93a518a",
            "GnKaQIRacPU=",
        ),
        (
            "09e091ab-f838-41d2-9e35-58531fd19ec7",
            "9cb061164b7013eaefcc7d6d18424c2c",
            "w+OZVr8vzrQ=",
        ),
    ] {
        let kids = [(kid.parse().unwrap(), Some(bytes))];
        check(&kids, Scheme::Cenc, None, &format!("<CHECKSUM>{expected}</CHECKSUM>"));
    }
}

#[test]
fn a_license_url_is_escaped_or_refused() {
    let kid: KeyId = KID.parse().unwrap();
    let url = Some("https://a.example/?a=1&b=2");
    let expected = "<LA_URL>https://a.example/?a=1&amp;b=2</LA_URL>";
    check(&[(kid, None)], Scheme::Cbcs, url, expected);
    for url in ["", "ftp://a", "//a", "https://a b", "https://a\"", "https://a<b", "https://a\n"] {
        let refused = header_object(&[(kid, None)], Scheme::Cenc, Some(url));
        assert_eq!(refused, Err(HeaderError::LaUrl { url: url.to_owned() }));
    }
}

#[test]
fn headers_that_would_lie_or_not_be_read_are_refused() {
    let kid: KeyId = KID.parse().unwrap();
    assert_eq!(header_object(&[], Scheme::Cenc, None), Err(HeaderError::NoKid));
    assert_eq!(header_object(&[], Scheme::Cbcs, None), Err(HeaderError::NoKid));
    let other = key("9eb4050d-e44b-4802-932e-27d75083e266", &[1; 16]);
    let refused = header_object(&[(kid, Some(&other))], Scheme::Cenc, None);
    assert_eq!(refused, Err(HeaderError::OtherKey { kid }));
    let object = |count| header_object(&vec![(kid, None); count], Scheme::Cbcs, None);
    let most = (1..).take_while(|count| object(*count).is_ok()).last().unwrap();
    assert!((15 << 10) - object(most).unwrap().len() < 120, "{most} kids");
    assert!(matches!(object(most + 1), Err(HeaderError::TooLong { max: 15_360, .. })));
    assert!(matches!(object(1000), Err(HeaderError::TooLong { .. })));
}
