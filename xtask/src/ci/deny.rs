//! What we allow into the dependency tree.
//!
//! Reads `deny.toml`, which is written for cargo-deny and can be given to it unchanged, and
//! checks licenses, banned crates and sources over `cargo metadata`. It does not fetch the
//! advisory database; the lowest versions without a known advisory are bans with a version.
//!
//! What stands in a lock file and is never built is left out, as cargo-deny leaves it out: a
//! feature that only strengthens an optional dependency (`ring?/alloc`) locks the dependency
//! without asking for it. `cargo tree` knows which those are, `cargo metadata` does not.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Tally;
use crate::process::{cargo, say, text};
use crate::repo;

/// Checks the workspace and the fuzz targets.
pub(super) fn step() -> Result<Tally> {
    let rules = fs::read_to_string(repo::root().join("deny.toml")).context("no deny.toml")?;
    let rules = Rules::read(&rules)?;
    let host = text(crate::process::command("rustc").args(["--print", "host-tuple"]))?;
    let mut findings = BTreeSet::new();
    let mut count = 0;
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let mut cargo = cargo(&["metadata", "--format-version", "1", "--locked"]);
        cargo.args(["--manifest-path", manifest, "--filter-platform", host.trim()]);
        let metadata: Value = serde_json::from_str(&text(&mut cargo)?)?;
        let mut packages = packages(&metadata)?;
        let built = built(manifest, host.trim())?;
        packages.retain(|package| built.contains(&package.shown()));
        count += packages.len();
        findings.extend(packages.iter().filter_map(|package| rules.check(package)));
        if manifest == "Cargo.toml" {
            warn_of_duplicates(&packages);
        }
    }
    for finding in &findings {
        say(finding);
    }
    ensure!(findings.is_empty(), "{} findings; the rules are in deny.toml", findings.len());
    say(format!("{count} packages are allowed"));
    Ok(Tally::default())
}

#[derive(Debug, Default)]
struct Package {
    name: String,
    version: String,
    license: String,
    /// `None` for a package of this repository.
    source: Option<String>,
}

impl Package {
    /// As `cargo tree` shows it.
    fn shown(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }
}

/// Every package that some build of a workspace needs on this host, as `name vVERSION`.
fn built(manifest: &str, host: &str) -> Result<BTreeSet<String>> {
    let mut cargo = cargo(&["tree", "--workspace", "--locked", "--prefix", "none"]);
    cargo.args(["--edges", "normal,build,dev", "--format", "{p}", "--target", host]);
    let listed = text(cargo.args(["--manifest-path", manifest]))?;
    let names = listed.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    let built: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
    ensure!(!built.is_empty(), "`cargo tree` lists nothing");
    Ok(built)
}

fn packages(metadata: &Value) -> Result<Vec<Package>> {
    let list = metadata.get("packages").and_then(Value::as_array);
    let read = |package: &Value| {
        let field = |name: &str| Some(package.get(name)?.as_str()?.to_owned());
        Package {
            name: field("name").unwrap_or_default(),
            version: field("version").unwrap_or_default(),
            license: field("license").unwrap_or_default(),
            source: field("source"),
        }
    };
    Ok(list.context("`cargo metadata` lists no packages")?.iter().map(read).collect())
}

fn warn_of_duplicates(packages: &[Package]) {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let twice: Vec<String> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} ({})", versions.join(", ")))
        .collect();
    if !twice.is_empty() {
        say(format!("note: in more than one version: {}", twice.join("; ")));
    }
}

#[derive(Debug, Default)]
struct Rules {
    licenses: Vec<String>,
    registries: Vec<String>,
    bans: Vec<Ban>,
}

#[derive(Debug)]
struct Ban {
    name: String,
    /// Every version when `None`, otherwise those below.
    below: Option<String>,
    reason: String,
}

impl Rules {
    fn read(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let list = |section: &str, key: &str| {
            let value = table.get(section).and_then(|section| section.get(key));
            value.and_then(toml::Value::as_array).cloned().unwrap_or_default()
        };
        let texts = |list: Vec<toml::Value>| {
            list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let bans = list("bans", "deny").iter().map(Ban::read).collect::<Result<Vec<_>>>()?;
        let rules = Self {
            licenses: texts(list("licenses", "allow")),
            registries: texts(list("sources", "allow-registry")),
            bans,
        };
        ensure!(
            !rules.licenses.is_empty() && !rules.registries.is_empty() && !rules.bans.is_empty(),
            "deny.toml must have licenses.allow, sources.allow-registry and bans.deny"
        );
        Ok(rules)
    }

    fn check(&self, package: &Package) -> Option<String> {
        let Package { name, version, license, source } = package;
        let shown = format!("{name} {version}");
        if !allows(&self.licenses, license) {
            return Some(format!("{shown}: the license `{license}` is not on the list"));
        }
        let ban = self.bans.iter().find(|ban| ban.covers(package));
        if let Some(Ban { below, reason, .. }) = ban {
            let which = below.as_ref().map(|below| format!(" below {below}")).unwrap_or_default();
            return Some(format!("{shown}: banned{which}: {reason}"));
        }
        let registry = source.as_deref()?.strip_prefix("registry+");
        if registry.is_some_and(|registry| self.registries.iter().any(|known| known == registry)) {
            return None;
        }
        Some(format!("{shown}: the source {} is not on the list", source.as_deref()?))
    }
}

impl Ban {
    fn read(value: &toml::Value) -> Result<Self> {
        let text = |key: &str| value.get(key).and_then(toml::Value::as_str);
        let spec = text("crate").context("a ban in deny.toml has no `crate`")?;
        let reason =
            text("reason").with_context(|| format!("the ban of `{spec}` has no reason"))?;
        let (name, below) = match spec.split_once('@') {
            None => (spec, None),
            Some((name, version)) => {
                let below = version.strip_prefix('<').with_context(|| {
                    format!("the ban `{spec}` must read `name` or `name@<1.2.3`")
                })?;
                (name, Some(below.to_owned()))
            }
        };
        Ok(Self { name: name.to_owned(), below, reason: reason.to_owned() })
    }

    fn covers(&self, package: &Package) -> bool {
        let older = |below: &String| compare(&package.version, below) == Ordering::Less;
        self.name == package.name && self.below.as_ref().is_none_or(older)
    }
}

/// Compares versions by their numbers; a pre-release comes before its release.
fn compare(left: &str, right: &str) -> Ordering {
    let parts = |version: &str| {
        let version = version.split('+').next().unwrap_or_default().to_owned();
        let (numbers, pre) = match version.split_once('-') {
            Some((numbers, _)) => (numbers.to_owned(), 0),
            None => (version, 1),
        };
        let mut numbers: Vec<u64> =
            numbers.split('.').map(|number| number.parse().unwrap_or(0)).collect();
        numbers.resize(3, 0);
        (numbers, pre)
    };
    parts(left).cmp(&parts(right))
}

/// Whether a license expression can be satisfied from the list. `A/B` is the old way of
/// writing `A OR B`.
fn allows(list: &[String], expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(list, &words, &mut at) && at == words.len()
}

fn either(list: &[String], words: &[&str], at: &mut usize) -> bool {
    let mut good = both(list, words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        good |= both(list, words, at);
    }
    good
}

fn both(list: &[String], words: &[&str], at: &mut usize) -> bool {
    let mut good = one(list, words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(list, words, at);
    }
    good
}

fn one(list: &[String], words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let good = either(list, words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return good && closed;
    }
    let mut name = (*word).to_owned();
    if let (Some(&"WITH"), Some(exception)) = (words.get(*at), words.get(*at + 1)) {
        name = format!("{name} WITH {exception}");
        *at += 2;
    }
    list.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [licenses]
        allow = ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC", "MIT"]
        [sources]
        allow-registry = ["https://github.com/rust-lang/crates.io-index"]
        [bans]
        deny = [
            { crate = "openssl", reason = "one library for cryptography" },
            { crate = "h2@<0.4.16", reason = "RUSTSEC-2026-0258" },
        ]
    "#;

    #[track_caller]
    fn check(name: &str, version: &str, license: &str, source: &str, expected: Option<&str>) {
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.to_owned(),
            source: (!source.is_empty()).then(|| source.to_owned()),
        };
        assert_eq!(Rules::read(RULES).unwrap().check(&package).as_deref(), expected);
    }

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    #[test]
    fn a_license_expression_is_satisfied_from_the_list() {
        let list: Vec<String> = Rules::read(RULES).unwrap().licenses;
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "MIT AND (ISC OR GPL-3.0)",
            "GPL-3.0 AND ISC OR MIT",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(allows(&list, good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT)", "ISC WITH LLVM-exception"] {
            assert!(!allows(&list, bad), "{bad}");
        }
    }

    #[test]
    fn a_banned_crate_is_found_in_any_version() {
        let expected = "openssl 0.10.0: banned: one library for cryptography";
        check("openssl", "0.10.0", "MIT", CRATES_IO, Some(expected));
        check("openssl-probe", "0.1.0", "MIT", CRATES_IO, None);
    }

    #[test]
    fn the_lowest_version_is_allowed_and_the_one_before_is_not() {
        let expected = "h2 0.4.15: banned below 0.4.16: RUSTSEC-2026-0258";
        check("h2", "0.4.15", "MIT", CRATES_IO, Some(expected));
        check("h2", "0.4.16", "MIT", CRATES_IO, None);
        check("h2", "0.10.0", "MIT", CRATES_IO, None);
    }

    #[test]
    fn a_pre_release_comes_before_its_release() {
        assert_eq!(compare("1.0.0-rc.1", "1.0.0"), Ordering::Less);
        assert_eq!(compare("1.0", "1.0.0"), Ordering::Equal);
        assert_eq!(compare("1.0.1+build", "1.0.0"), Ordering::Greater);
    }

    #[test]
    fn everything_foreign_comes_from_crates_io() {
        check("x", "1.0.0", "MIT", "", None);
        let git = "git+https://example.com/x";
        let expected = "x 1.0.0: the source git+https://example.com/x is not on the list";
        check("x", "1.0.0", "MIT", git, Some(expected));
        let other = "registry+https://example.com/index";
        let expected = "x 1.0.0: the source registry+https://example.com/index is not on the list";
        check("x", "1.0.0", "MIT", other, Some(expected));
    }

    #[test]
    fn a_file_without_rules_allows_nothing() {
        assert!(Rules::read("").is_err());
        assert!(Rules::read("[bans]\ndeny = [{ crate = \"x\" }]").is_err());
    }
}
