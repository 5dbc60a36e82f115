//! The Widevine payload is byte for byte what other packagers write.

use portcullis_base::{KeyId, Scheme};
use portcullis_drm::widevine::pssh_data;

use crate::support::Vector;

#[test]
fn the_widevine_vectors_of_both_schemes_are_written_as_they_stand() {
    let vectors = Vector::all("pssh");
    let kid: KeyId = "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap();
    for (name, scheme) in [("widevine-cbcs", Scheme::Cbcs), ("widevine-cenc", Scheme::Cenc)] {
        let vector = vectors.iter().find(|vector| vector.name == name).unwrap();
        assert_eq!(hex::encode(pssh_data(&[kid], scheme)), vector.value("data"));
    }
}
