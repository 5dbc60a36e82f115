//! API keys: known by a digest, good until they expire.

use portcullis_base::Timestamp;
use portcullis_policy::model::Role;
use portcullis_store::{ApiKey, Change, Error, NewApiKey};

use crate::support::{START_MS, author, memory};

fn new(id: &str, digest: [u8; 32]) -> NewApiKey {
    let (tenant, role) = ("t1".parse().unwrap(), Role::Issuer);
    let expires = Timestamp(START_MS / 1000 + 60);
    NewApiKey { key: ApiKey { id: id.into(), tenant, role, expires }, digest }
}

#[tokio::test]
async fn only_the_right_digest_is_good_and_only_until_the_key_expires() {
    let bench = memory().await;
    let store = &bench.store;
    let key = new("K7Q2M4XZ", [7; 32]);
    for expected in [Change::Created, Change::Unchanged] {
        assert_eq!(store.create_api_key(&key, &author()).await.unwrap(), expected);
    }
    let taken = store.create_api_key(&new("K7Q2M4XZ", [8; 32]), &author()).await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");

    let check = |id: &str, digest: [u8; 32], good: bool| {
        let found = store.verify_api_key(id, &digest).unwrap();
        assert_eq!(found, good.then(|| key.key.clone()), "{id}");
    };
    let mut close = [7; 32];
    close[31] = 6;
    check("K7Q2M4XZ", [7; 32], true);
    check("K7Q2M4XZ", close, false);
    check("K7Q2M4XY", [7; 32], false);
    check("", [7; 32], false);
    check("none", *store.api_key_pepper().expose(), false);

    bench.clock.advance_s(59);
    check("K7Q2M4XZ", [7; 32], true);
    bench.clock.advance_s(1);
    check("K7Q2M4XZ", [7; 32], false);
    assert_eq!(store.list_api_keys().unwrap(), [key.key]);
}
