//! Which crate may depend on which.
//!
//! The table is the one in `ARCHITECTURE.md`. Only `[dependencies]` and
//! `[build-dependencies]` are arrows; a test may look upwards. The compiler forbids circles;
//! this rule forbids everything else that is not in the table.

use super::tree::Tree;
use super::{Finding, finding};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let Some(name) =
            path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        match text.parse::<toml::Table>() {
            Ok(manifest) => check_crate(path, name, &manifest, &mut findings),
            Err(error) => findings.push(finding(path, 0, "arrows", format!("{error}"))),
        }
    }
    findings
}

fn check_crate(path: &str, name: &str, manifest: &toml::Table, findings: &mut Vec<Finding>) {
    let mut wrong = |text: String| findings.push(finding(path, 0, "arrows", text));
    let package = manifest.get("package").and_then(|package| package.get("name"));
    if package.and_then(toml::Value::as_str) != Some(name) {
        wrong(format!("the folder `{name}` holds a package of another name"));
    }
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    if lints.and_then(toml::Value::as_bool) != Some(true) {
        wrong("the lints of the workspace are not inherited".to_owned());
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
        wrong(format!("`{name}` is not in the table of arrows"));
        return;
    };
    let pure = !DOES_IO.contains(&name);
    for dependency in dependencies(manifest) {
        if dependency.starts_with("portcullis") && !allowed.contains(&dependency.as_str()) {
            wrong(format!("`{name}` must not depend on `{dependency}`"));
        }
        if pure && IO.contains(&dependency.as_str()) {
            wrong(format!("`{name}` does no I/O, so it must not depend on `{dependency}`"));
        }
    }
}

/// Names under `[dependencies]` and `[build-dependencies]`, those of single targets included.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let mut names = Vec::new();
    for table in tables {
        for section in ["dependencies", "build-dependencies"] {
            let section = table.get(section).and_then(toml::Value::as_table);
            for (key, value) in section.into_iter().flatten() {
                // A renamed dependency is known by its package.
                let package = value.get("package").and_then(toml::Value::as_str);
                names.push(package.unwrap_or(key).to_owned());
            }
        }
    }
    names
}

const BASE: &str = "portcullis-base";
const DRM: &str = "portcullis-drm";
const KEYS: &str = "portcullis-keys";
const MEDIA: &str = "portcullis-media";
const PACKAGER: &str = "portcullis-packager";
const POLICY: &str = "portcullis-policy";
const SERVER: &str = "portcullis-server";
const STORE: &str = "portcullis-store";
const TERMS: &str = "portcullis-terms";
const TOKEN: &str = "portcullis-token";

const ARROWS: [(&str, &[&str]); 11] = [
    (BASE, &[]),
    (TERMS, &[BASE]),
    (TOKEN, &[BASE, TERMS]),
    (KEYS, &[BASE]),
    (MEDIA, &[BASE]),
    (DRM, &[BASE, TERMS, KEYS]),
    (POLICY, &[BASE, TERMS, TOKEN, DRM]),
    (PACKAGER, &[BASE, KEYS, MEDIA, DRM]),
    (STORE, &[BASE, TERMS, KEYS, DRM, POLICY]),
    (SERVER, &[BASE, TERMS, TOKEN, KEYS, MEDIA, DRM, POLICY, PACKAGER, STORE]),
    ("portcullis", &[BASE, TERMS, TOKEN, KEYS, MEDIA, DRM, POLICY, PACKAGER, STORE, SERVER]),
];

const DOES_IO: [&str; 3] = ["portcullis", SERVER, STORE];

const IO: [&str; 8] =
    ["async-std", "axum", "futures-util", "http", "hyper", "reqwest", "sqlx", "tokio"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_manifest(folder: &str, rest: &str, expected: &[&str]) {
        let path = format!("crates/{folder}/Cargo.toml");
        let text = format!("package.name = \"{folder}\"\nlints.workspace = true\n{rest}");
        let found = check(&Tree::made_up(&[(&path, &text)]));
        let texts: Vec<&str> = found.iter().map(|finding| finding.text.as_str()).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_arrow_of_the_table_is_allowed_and_any_other_is_not() {
        check_manifest("portcullis-drm", "[dependencies]\nportcullis-keys = {}\n", &[]);
        check_manifest(
            "portcullis-keys",
            "[dependencies]\nportcullis-drm = {}\n",
            &["`portcullis-keys` must not depend on `portcullis-drm`"],
        );
    }

    #[test]
    fn a_dependency_of_one_target_or_of_the_build_is_an_arrow_too() {
        let expected = "`portcullis-base` must not depend on `portcullis-token`";
        let target = "[target.'cfg(unix)'.dependencies]\nportcullis-token = {}\n";
        check_manifest("portcullis-base", target, &[expected]);
        let build = "[build-dependencies]\nportcullis-token = {}\n";
        check_manifest("portcullis-base", build, &[expected]);
        let renamed = "[dependencies]\nt = { package = \"portcullis-token\" }\n";
        check_manifest("portcullis-base", renamed, &[expected]);
    }

    #[test]
    fn a_test_may_look_upwards() {
        check_manifest("portcullis-base", "[dev-dependencies]\nportcullis-token = {}\n", &[]);
    }

    #[test]
    fn the_middle_does_no_io() {
        let tokio = "[dependencies]\ntokio = \"1\"\n";
        check_manifest("portcullis-server", tokio, &[]);
        check_manifest(
            "portcullis-policy",
            tokio,
            &["`portcullis-policy` does no I/O, so it must not depend on `tokio`"],
        );
    }

    #[test]
    fn a_crate_outside_the_table_is_a_finding() {
        check_manifest("portcullis-new", "", &["`portcullis-new` is not in the table of arrows"]);
    }

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_a_finding() {
        let text = "package.name = \"portcullis-base\"\n";
        let found = check(&Tree::made_up(&[("crates/portcullis-base/Cargo.toml", text)]));
        assert_eq!(found[0].text, "the lints of the workspace are not inherited");
    }
}
