//! What holds for the process as a whole, and while it runs.

use std::{fs, time::Duration};

use portcullis_base::SecretBytes;
use portcullis_server::{config, document, serve};
use portcullis_store::Author;
use portcullis_token::jwt::SigningKey;

use crate::house::{House, playback};

#[test]
fn no_core_of_the_process_is_written() {
    serve::forbid_core_dumps();
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().filter(|word| *word == "0").count(), 2, "{line}");
}

/// Token keys are prepared once and kept; a change by another program must still count soon.
#[test]
fn a_new_token_key_counts_while_the_server_runs() {
    let house = House::open();
    let new_key = "the-next-secret-0123456789-abcdef";
    let old = playback(|_| {});
    let new = playback(|token| {
        let secret = SecretBytes::new(new_key.into());
        token.key = SigningKey::hs256(&secret).unwrap();
    });
    let statuses = || [&old, &new].map(|token| house.license("film", token, &house.film).status);
    assert_eq!(statuses(), [200, 401]);

    fs::write(house.folder.path().join("jwt.key"), new_key).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = config::load(&house.folder.path().join("portcullis.toml")).unwrap();
        let store = serve::open_store(config.store).await.unwrap();
        let policy = document::load(&house.folder.path().join("policy.toml")).unwrap();
        document::apply(&store, policy, &Author::new("local:test")).await.unwrap();
        store.close().await;
    });
    let changed = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        statuses() == [401, 200]
    });
    assert!(changed, "{:?}", statuses());
}
