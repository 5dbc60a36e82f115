//! `cargo xtask bench tokens`: every token family beside other people's libraries.
//!
//! Our benches run by divan; the libraries run the same work in Python and Node, one core
//! each, one after the other on the same machine. The table gives nanoseconds per operation
//! (the best of several samples on either side), operations per second, and how many times as
//! long the library takes. The floor is one HMAC-SHA-256 with a prepared key over the text of
//! a session token. Nothing here judges a number; `docs/performance.md` does.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::process::{cargo, command, say, tee};
use crate::repo;

/// Runs both sides and prints the table.
///
/// # Errors
///
/// When a bench does not compile, or a library is not installed.
pub(super) fn run() -> Result<ExitCode> {
    say("== ours");
    let mut tree = Tree::default();
    let mut bench = cargo(&["bench", "-p", "portcullis-token", "--benches", "--locked"]);
    let status = tee(&mut bench, |line| tree.read(line))?;
    anyhow::ensure!(status.success(), "the benches failed ({status})");
    say("== theirs");
    let mut theirs = Vec::new();
    let python = repo::tools().join("venv/bin/python");
    for (program, script) in [
        (python.to_string_lossy().as_ref(), "tests/interop/tokens/bench.py"),
        ("node", "tests/interop/tokens/bench.mjs"),
    ] {
        let status = tee(command(program).arg(script), |line| theirs.extend(peer(line)))
            .with_context(|| format!("`{program}` does not run: `cargo xtask test` installs it"))?;
        anyhow::ensure!(status.success(), "{script} failed ({status})");
    }
    say("== side by side");
    for line in table(&tree.found, &theirs) {
        say(line);
    }
    Ok(ExitCode::SUCCESS)
}

/// One measurement of somebody else's library.
#[derive(Debug, PartialEq)]
struct Peer {
    bench: String,
    library: String,
    nanoseconds: f64,
}

fn peer(line: &str) -> Option<Peer> {
    let mut parts = line.split('\t');
    let (bench, library) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Peer { bench, library, nanoseconds: parts.next()?.parse().ok()? })
}

/// Reads divan's tree: names are joined by `/`, the number is the fastest sample.
#[derive(Debug, Default)]
struct Tree {
    path: Vec<String>,
    found: BTreeMap<String, f64>,
}

impl Tree {
    fn read(&mut self, line: &str) {
        let Some(place) = line.find(['├', '╰']) else { return };
        let Some((indent, rest)) = line.split_at_checked(place) else { return };
        let depth = indent.chars().count() / 3;
        let rest = rest.trim_start_matches(['├', '╰', '─', ' ']);
        let (name, numbers) = rest.split_once("  ").unwrap_or((rest, ""));
        self.path.truncate(depth);
        self.path.push(name.trim().to_owned());
        let fastest = numbers.split('│').next().and_then(nanoseconds);
        if let Some(fastest) = fastest {
            self.found.insert(self.path.join("/"), fastest);
        }
    }
}

fn nanoseconds(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let scale = match unit.trim() {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

fn table(ours: &BTreeMap<String, f64>, theirs: &[Peer]) -> Vec<String> {
    let head = ("bench", "ns", "per second", "library", "its ns", "ratio");
    let (bench, ns, rate, library, its, ratio) = head;
    let mut lines =
        vec![format!("{bench:<34} {ns:>10} {rate:>12}  {library:<28} {its:>10} {ratio:>8}")];
    for (bench, own) in ours {
        let rate = 1e9 / own;
        let mut peers = theirs.iter().filter(|peer| peer.bench == *bench).peekable();
        if peers.peek().is_none() {
            lines.push(format!("{bench:<34} {own:>10.0} {rate:>12.0}"));
        }
        for Peer { library, nanoseconds, .. } in peers {
            let ratio = nanoseconds / own;
            lines.push(format!(
                "{bench:<34} {own:>10.0} {rate:>12.0}  {library:<28} {nanoseconds:>10.0} \
                 {ratio:>7.1}x"
            ));
        }
    }
    for peer in theirs.iter().filter(|peer| !ours.contains_key(&peer.bench)) {
        lines.push(format!("{:<34} has no bench of ours: {}", peer.bench, peer.library));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_benches_is_read_with_its_branches() {
        let mut tree = Tree::default();
        for line in [
            "tokens               fastest       │ slowest       │ median",
            "├─ acl_match         102.5 ns      │ 250 ns        │ 110 ns",
            "├─ jwt_verify                      │               │",
            "│  ├─ ES256          68.11 µs      │ 70 µs         │ 69 µs",
            "│  ╰─ HS256          1.5 µs        │ 2 µs          │ 1.6 µs",
            "╰─ session_verify    412 ns        │ 900 ns        │ 430 ns",
        ] {
            tree.read(line);
        }
        let found: Vec<(&str, f64)> =
            tree.found.iter().map(|(name, ns)| (name.as_str(), *ns)).collect();
        let expected = [
            ("acl_match", 102.5),
            ("jwt_verify/ES256", 68_110.0),
            ("jwt_verify/HS256", 1500.0),
            ("session_verify", 412.0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_library_stands_beside_the_bench_it_is_compared_with() {
        let ours = BTreeMap::from([("a".to_owned(), 100.0), ("b".to_owned(), 200.0)]);
        let theirs = [peer("a\tlib\t1000").unwrap(), peer("c\tlib\t1").unwrap()];
        let lines = table(&ours, &theirs);
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with("a ") && lines[1].ends_with("10.0x"), "{}", lines[1]);
        assert!(lines[2].ends_with("5000000"), "{}", lines[2]);
        assert!(lines[3].contains("has no bench of ours"), "{}", lines[3]);
        assert_eq!(peer("no tabs here"), None);
    }
}
