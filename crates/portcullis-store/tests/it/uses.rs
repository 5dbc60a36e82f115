//! Uses of tokens: as many as there are, and no more, whoever asks and however often.

use std::{collections::BTreeMap, fs, num::NonZeroU32, path::PathBuf, sync::Arc};

use futures_util::FutureExt as _;
use portcullis_base::Timestamp;
use portcullis_keys::root::RootKey;
use portcullis_policy::{LimitedUse, TokenIdentity};
use portcullis_store::{Error, Location, Reserved, Store, Use};
use portcullis_token::identity::TokenFormat;

use crate::support::{START_MS, file, folder, memory, open, root, vandal};

const NOW: u64 = START_MS / 1000;

fn wanted(id: &str, max: u32) -> LimitedUse {
    LimitedUse {
        tenant: "t1".parse().unwrap(),
        identity: TokenIdentity::new(TokenFormat::Jwt, "https://issuer.test", id.as_bytes())
            .unwrap(),
        max: NonZeroU32::new(max).unwrap(),
        over: Timestamp(NOW + 600),
    }
}

async fn take(store: &Store, wanted: &LimitedUse, challenge: u8) -> Option<Use> {
    match store.uses().reserve(wanted, &[&[challenge]]).await.unwrap() {
        Reserved::Use(one) => Some(one),
        Reserved::UsedUp => None,
    }
}

/// Takes a use and lets the license go out.
async fn spend(store: &Store, wanted: &LimitedUse, challenge: u8) -> bool {
    let taken = take(store, wanted, challenge).await;
    let any = taken.is_some();
    taken.into_iter().for_each(Use::confirm);
    any
}

async fn used(store: &Store, wanted: &LimitedUse) -> u32 {
    let digest = store.uses().digest(&wanted.tenant, &wanted.identity).unwrap();
    store.uses().count(digest).await.unwrap()
}

#[tokio::test]
async fn every_published_digest_comes_out() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/replay");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (head, payload) = text.split_once("\n\n").unwrap();
        let header: BTreeMap<&str, &str> =
            head.lines().map(|line| line.split_once(": ").unwrap()).collect();
        let formats = TokenFormat::ALL.into_iter();
        let format = formats.clone().find(|format| format.as_str() == header["format"]).unwrap();
        let issuer = header.get("issuer").copied().unwrap_or_default();
        let id = hex::decode(header["id"]).unwrap();
        let identity = TokenIdentity::new(format, issuer, &id).unwrap();
        let root = RootKey::read(header["root"].as_bytes()).unwrap();
        let bench = open(Location::Memory, root, "n1").await.unwrap();
        let tenant = header["tenant"].parse().unwrap();
        let digest = bench.store.uses().digest(&tenant, &identity).unwrap();
        let same = digest.to_string() == payload.trim_end();
        assert_eq!(same, header["expect"] == "success", "{}", path.display());
        count += 1;
    }
    assert!(count >= 7);
}

#[tokio::test]
async fn a_token_has_as_many_uses_as_it_says() {
    let bench = memory().await;
    let (once, thrice) = (wanted("a", 1), wanted("b", 3));
    assert!(spend(&bench.store, &once, 1).await);
    assert!(!spend(&bench.store, &once, 2).await);
    for (challenge, free) in [(1, true), (2, true), (3, true), (4, false), (5, false)] {
        assert_eq!(spend(&bench.store, &thrice, challenge).await, free, "{challenge}");
    }
    assert_eq!((used(&bench.store, &once).await, used(&bench.store, &thrice).await), (1, 3));
    let other_tenant = LimitedUse { tenant: "t2".parse().unwrap(), ..once.clone() };
    assert!(spend(&bench.store, &other_tenant, 1).await, "another tenant's token is another");
}

#[tokio::test]
async fn a_repeat_within_thirty_seconds_is_the_same_use() {
    let bench = memory().await;
    let once = wanted("a", 1);
    assert!(spend(&bench.store, &once, 1).await);
    bench.clock.advance_s(29);
    assert!(spend(&bench.store, &once, 1).await, "asked again");
    assert!(!spend(&bench.store, &once, 2).await, "another challenge is another use");
    bench.clock.advance_s(1);
    assert!(!spend(&bench.store, &once, 1).await, "too late");
    assert_eq!(used(&bench.store, &once).await, 1);
}

#[tokio::test]
async fn what_was_given_back_can_be_taken_again() {
    let bench = memory().await;
    let once = wanted("a", 1);
    let first = take(&bench.store, &once, 1).await.unwrap();
    assert!(take(&bench.store, &once, 2).await.is_none());
    first.release().await.unwrap();
    assert_eq!(used(&bench.store, &once).await, 0);
    drop(take(&bench.store, &once, 2).await.unwrap());
    assert!(spend(&bench.store, &once, 3).await, "a player that hung up used nothing");
    assert!(!spend(&bench.store, &once, 4).await);
}

#[tokio::test]
async fn who_gives_up_waiting_for_a_use_does_not_keep_it() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let once = wanted("a", 1);
    for challenge in 0..20 {
        // Polled once, which queues the reservation, and dropped before it is durable.
        let parts: [&[u8]; 1] = [&[challenge]];
        let waiting = bench.store.uses().reserve(&once, &parts);
        assert!(waiting.now_or_never().is_none());
    }
    assert!(spend(&bench.store, &once, 100).await);
    assert_eq!(used(&bench.store, &once).await, 1);
}

#[tokio::test]
async fn a_use_that_two_requests_share_is_given_back_when_both_failed() {
    let bench = memory().await;
    let once = wanted("a", 1);
    let first = take(&bench.store, &once, 1).await.unwrap();
    let again = take(&bench.store, &once, 1).await.unwrap();
    first.release().await.unwrap();
    assert!(take(&bench.store, &once, 2).await.is_none(), "the second may still deliver");
    again.release().await.unwrap();

    let first = take(&bench.store, &once, 3).await.unwrap();
    let again = take(&bench.store, &once, 3).await.unwrap();
    first.confirm();
    again.release().await.unwrap();
    assert!(take(&bench.store, &once, 4).await.is_none(), "the first has delivered");

    let twice = wanted("b", 2);
    let first = take(&bench.store, &twice, 1).await.unwrap();
    let second = take(&bench.store, &twice, 2).await.unwrap();
    first.release().await.unwrap();
    second.confirm();
    assert_eq!(used(&bench.store, &twice).await, 1, "each gives back its own");
}

#[tokio::test]
async fn marks_survive_a_restart_and_so_do_those_of_a_process_that_died() {
    let (_folder, path) = folder();
    let (spent, reserved) = (wanted("a", 1), wanted("b", 1));
    let bench = file(&path).await;
    assert!(spend(&bench.store, &spent, 1).await);
    // Forgotten is what a use is in a process that is no more: nobody gives it back.
    std::mem::forget(take(&bench.store, &reserved, 1).await.unwrap());
    bench.store.close().await;
    let bench = file(&path).await;
    assert!(!spend(&bench.store, &spent, 2).await);
    assert!(!spend(&bench.store, &reserved, 2).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_over_two_stores_get_what_there_is() {
    let (_folder, path) = folder();
    let stores = [
        Arc::new(file(&path).await.store),
        Arc::new(open(Location::File(path), root(1), "n2").await.unwrap().store),
    ];
    for (id, max) in [("a", 1), ("b", 7)] {
        let asks = (0..200_u8).map(|challenge| {
            let (store, wanted) = (stores[usize::from(challenge) % 2].clone(), wanted(id, max));
            tokio::spawn(async move { spend(&store, &wanted, challenge).await })
        });
        let mut taken = 0;
        for ask in asks.collect::<Vec<_>>() {
            taken += u32::from(ask.await.unwrap());
        }
        assert_eq!(taken, max);
    }
}

#[tokio::test]
async fn uses_are_forgotten_when_nobody_accepts_the_token_any_more() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let once = wanted("a", 1);
    assert!(spend(&bench.store, &once, 1).await);
    bench.clock.advance_s(719);
    assert_eq!(bench.store.uses().forget().await.unwrap(), 0);
    assert!(!spend(&bench.store, &once, 2).await);
    bench.clock.advance_s(1);
    assert_eq!(bench.store.uses().forget().await.unwrap(), 2, "the token and its use");
    let conn = &mut vandal(&path).await;
    for table in ["replay", "replay_uses"] {
        let rows: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")))
                .fetch_one(&mut *conn)
                .await
                .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn a_token_issued_again_under_its_id_is_remembered_until_the_later_end() {
    let bench = memory().await;
    let early = wanted("a", 2);
    let late = LimitedUse { over: Timestamp(NOW + 3600), ..early.clone() };
    for first in [&late, &early] {
        assert!(spend(&bench.store, first, 1).await);
        bench.clock.advance_s(31);
    }
    bench.clock.advance_s(3600);
    bench.store.uses().forget().await.unwrap();
    assert_eq!(used(&bench.store, &late).await, 2);
}

#[tokio::test]
async fn forgetting_is_done_in_small_steps() {
    let bench = memory().await;
    for number in 0..300 {
        assert!(spend(&bench.store, &wanted(&number.to_string(), 1), 1).await);
    }
    bench.clock.advance_s(3600);
    let mut steps = Vec::new();
    while steps.last() != Some(&0) {
        steps.push(bench.store.uses().forget().await.unwrap());
    }
    assert_eq!(steps, [500, 100, 0]);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_counts_nothing_and_says_so() {
    let (_folder, path) = folder();
    let bench = file(&path).await;
    let once = wanted("a", 1);
    let conn = &mut vandal(&path).await;
    sqlx::raw_sql("DROP TABLE replay").execute(&mut *conn).await.unwrap();
    let failed = bench.store.uses().reserve(&once, &[b"a"]).await;
    assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    bench.store.close().await;
}
