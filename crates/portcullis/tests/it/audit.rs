//! `portcullis audit verify` notices what was done to the log behind the program's back.

use sqlx::{Connection as _, SqliteConnection};

use crate::support::Site;

/// Runs one statement on the database as somebody who got hold of the file would.
pub(crate) fn tamper(site: &Site, statement: &'static str) {
    let changed = on_database(site, async |connection| {
        sqlx::query(statement).execute(connection).await.unwrap().rows_affected()
    });
    assert!(changed > 0, "`{statement}` changed nothing");
}

/// The text of every audit record.
pub(crate) fn records(site: &Site) -> Vec<String> {
    on_database(site, async |connection| {
        let all = sqlx::query_scalar("SELECT record FROM audit ORDER BY node, seq");
        all.fetch_all(connection).await.unwrap()
    })
}

fn on_database<T>(site: &Site, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
    let url = format!("sqlite://{}", site.join("portcullis.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let done = work(&mut connection).await;
        connection.close().await.unwrap();
        done
    })
}

#[test]
fn a_whole_log_verifies_and_says_how_long_it_is() {
    let site = Site::with_film();
    let ran = site.run(&["audit", "verify"]);
    ran.expect_code(0);
    assert_eq!(ran.err, "");
    assert!(ran.out.trim_end().ends_with("0 without a known outcome: the chain is whole"));
    let ran = site.run(&["audit", "verify", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["sound"], true);
    assert_eq!(report["records"], records(&site).len());
    assert_eq!(report["faults"], serde_json::json!([]));
}

#[test]
fn a_changed_removed_or_moved_record_breaks_the_chain() {
    let check = |statement: &'static str, expected: &str| {
        let site = Site::with_film();
        tamper(&site, statement);
        let ran = site.run(&["audit", "verify"]);
        ran.expect_code(1);
        assert!(ran.out.contains(expected), "`{expected}` expected: {}", ran.out);
        assert!(ran.out.contains("the chain is broken"), "{}", ran.out);
        let ran = site.run(&["audit", "verify", "--json"]);
        ran.expect_code(1);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["sound"], false);
        assert!(!report["faults"].as_array().unwrap().is_empty());
    };
    check(
        "UPDATE audit SET record = replace(record, 'local:cli', 'local:me') WHERE seq = 4",
        "record 4: the record was edited",
    );
    check("DELETE FROM audit WHERE seq = 4", "1 records are missing before it");
    check("UPDATE audit SET seq = seq + 100 WHERE seq = 4", "moved");
}
