//! Different media under one content's keys never share a number.

use portcullis_base::Scheme::{Cbcs, Cenc};
use portcullis_store::Error;

use crate::support::{add, file, folder, memory};

#[tokio::test]
async fn media_keep_their_number_and_new_ones_get_the_next() {
    let store = memory().await.store;
    add(&store, "film", "t1").await;
    add(&store, "sequel", "t1").await;
    for (content, scheme, version, expected) in [
        ("film", Cenc, 7, 0xffff),
        ("film", Cenc, 8, 0),
        ("film", Cenc, 7, 0xffff),
        ("film", Cbcs, 8, 0xffff),
        ("sequel", Cenc, 8, 0xffff),
        ("film", Cenc, 9, 1),
    ] {
        let content = content.parse().unwrap();
        let mut digest = [version; 32];
        digest[..2].fill(0xff);
        let edition = store.packaging_edition(&content, scheme, &digest).await.unwrap();
        assert_eq!(edition, expected, "{content} {scheme} {version}");
    }
}

#[tokio::test]
async fn numbers_survive_a_restart() {
    let (_guard, path) = folder();
    let content = "film".parse().unwrap();
    let store = file(&path).await.store;
    add(&store, "film", "t1").await;
    assert_eq!(store.packaging_edition(&content, Cenc, &[1; 32]).await.unwrap(), 0x0101);
    store.close().await;
    let store = file(&path).await.store;
    let mut other = [2; 32];
    other[..2].fill(1);
    assert_eq!(store.packaging_edition(&content, Cenc, &other).await.unwrap(), 0x0102);
    assert_eq!(store.packaging_edition(&content, Cenc, &[1; 32]).await.unwrap(), 0x0101);
}

#[tokio::test]
async fn a_content_that_does_not_exist_has_no_editions() {
    let store = memory().await.store;
    let asked = store.packaging_edition(&"film".parse().unwrap(), Cenc, &[1; 32]).await;
    assert!(matches!(asked, Err(Error::Missing { .. })));
}
