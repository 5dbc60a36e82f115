//! The published chain: the same records under the same root give the same MACs, in the
//! database and in the verification.

use portcullis_keys::root::RootKey;
use portcullis_store::{Location, audit::Checkpoint};

use crate::support::{folder, open, vandal};

const CHAIN: &str = include_str!("../../../../vectors/audit/chain.txt");
const CHECKPOINT: &str = include_str!("../../../../vectors/audit/checkpoint.txt");

fn header<'a>(file: &'a str, name: &str) -> &'a str {
    let (head, _) = file.split_once("\n\n").unwrap();
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[tokio::test]
async fn the_published_chain_verifies_and_a_changed_one_does_not() {
    let (_, payload) = CHAIN.split_once("\n\n").unwrap();
    let lines: Vec<&str> = payload.lines().collect();
    for (change, faults) in [("", 0), ("apikey:K7Q2", 1), ("player", 1)] {
        let (_folder, path) = folder();
        let root = || RootKey::read(header(CHAIN, "root").as_bytes()).unwrap();
        // The node that writes the store's own records is another one.
        let bench = open(Location::File(path.clone()), root(), "other").await.unwrap();
        for (seq, pair) in (1_i64..).zip(lines.chunks(2)) {
            let record =
                if change.is_empty() { pair[0].to_owned() } else { pair[0].replace(change, "x") };
            sqlx::query("INSERT INTO audit (node, seq, record, mac) VALUES ('n1', $1, $2, $3)")
                .bind(seq)
                .bind(record)
                .bind(hex::decode(pair[1]).unwrap())
                .execute(&mut vandal(&path).await)
                .await
                .unwrap();
        }
        let report = bench.store.audit().verify(&[]).await.unwrap();
        assert_eq!(report.faults.len(), faults, "{:?}", report.faults);
        assert_eq!(report.nodes[0].records, 3);
    }
}

#[tokio::test]
async fn a_checkpoint_of_a_node_this_database_does_not_know_is_false() {
    let bench = crate::support::memory().await;
    let (_, line) = CHECKPOINT.split_once("\n\n").unwrap();
    let checkpoint: Checkpoint = line.trim_end().parse().unwrap();
    let report = bench.store.audit().verify(&[checkpoint]).await.unwrap();
    assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
    assert!(report.faults[0].to_string().contains("not signed by this node"));
}
