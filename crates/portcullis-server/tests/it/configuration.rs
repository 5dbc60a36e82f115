//! The configuration and policy files: the samples work, and every problem is named at once.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use portcullis_server::{
    config::{self, Problems},
    document,
};
use tempfile::TempDir;

/// A folder with the secrets the samples name.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["root.key", "edge.key", "jwt.key"] {
        let path = folder.path().join(name);
        fs::write(&path, "5a".repeat(32)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::create_dir(folder.path().join("media")).unwrap();
    folder
}

fn keys(problems: &Problems) -> Vec<&str> {
    problems.list().iter().map(|problem| problem.key.as_str()).collect()
}

#[test]
fn every_sample_in_the_documents_is_valid() {
    let folder = folder();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config");
    let mut seen = 0;
    for entry in fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let problems = match name.starts_with("policy") {
            true => document::parse(&text, folder.path()).err(),
            false => config::parse(&text, folder.path()).err(),
        };
        assert_eq!(problems, None, "{name}");
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn no_spelling_of_a_path_leads_out_of_a_strict_route() {
    let folder = folder();
    let text = "[store]\nroot_key_file = \"root.key\"\n[edge]\nkey_file = \"edge.key\"\n\
        [[edge.routes]]\nprefix = \"/media/\"\nfolder = \"media\"\nlevel = \"open\"\n\
        [[edge.routes]]\nprefix = \"/media/secret/\"\nfolder = \"media\"\n";
    let config = config::parse(text, folder.path()).unwrap();
    for path in ["/media/secret/1.m4s", "/media/%73ecret/1.m4s", "/%6dedia/secre%74/1.m4s"] {
        let route = config.edge.route_of(path).unwrap();
        assert_eq!(route.prefix, "/media/secret/", "{path}");
    }
    assert_eq!(config.edge.route_of("/media/secrets/1.m4s").unwrap().prefix, "/media/");
}

#[test]
fn the_shortest_configuration_has_every_default() {
    let folder = folder();
    let text = "[store]\nroot_key_file = \"root.key\"\n";
    let config = config::parse(text, folder.path()).unwrap();
    assert_eq!(config.listen.public.to_string(), "127.0.0.1:8080");
    assert!(config.edge.routes.is_empty() && config.warnings.is_empty());
}

#[test]
fn every_problem_is_reported_together() {
    let folder = folder();
    let text = r#"
colour = "red"
[listen]
publik = "127.0.0.1:1"
api = "localhost"
private = "0.0.0.0:8082"
[store]
root_key_file = "missing.key"
node = "a b"
[[edge.routes]]
prefix = "media"
folder = "nowhere"
session = "smoke"
[[edge.routes]]
prefix = "/b/"
folder = "media"
session_max_s = "long"
deny = ["192.0.2.1/24"]
[cors]
origins = ["https://a.example/"]
[limits]
connections_max = 0
[log]
level = 3
"#;
    let problems = config::parse(text, folder.path()).unwrap_err();
    let mut found = keys(&problems);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "colour",
            "cors.origins[0]",
            "edge.key_file",
            "edge.routes[0].folder",
            "edge.routes[0].prefix",
            "edge.routes[0].session",
            "edge.routes[1].deny[0]",
            "edge.routes[1].session_max_s",
            "limits.connections_max",
            "listen.api",
            "listen.private",
            "listen.publik",
            "log.level",
            "store.node",
            "store.root_key_file",
        ]
    );
    let text = problems.to_string();
    assert!(text.contains("config reference"), "{text}");
}

#[test]
fn one_slip_is_one_problem() {
    let folder = folder();
    let check = |text: &str, key: &str, part: &str| {
        let text = format!("[store]\nroot_key_file = \"root.key\"\n{text}");
        let problems = config::parse(&text, folder.path()).unwrap_err();
        assert_eq!(keys(&problems), [key], "{text}\n{problems}");
        assert!(problems.to_string().contains(part), "{problems}");
    };
    check("[lisen]\n", "lisen", "unknown field");
    check("[listen]\npublic = 8080\n", "listen.public", "invalid type");
    check("[listen]\npublic = \"8080\"\n", "listen.public", "not an address");
    let same = "[listen]\npublic = \"127.0.0.1:1\"\napi = \"127.0.0.1:1\"\n";
    check(same, "listen", "own port");
    check("[edge]\nkey_file = \"root.key\"\nkey_env = \"X\"\n", "edge.key_file", "not both");
    check("[edge]\nkey = \"xyz\"\n", "edge.key", "hex");
    check("[edge]\nsession_headers = [\"a b\"]\n", "edge.session_headers", "letters");
    check("[edge]\ncookie_same_site = \"strict\"\n", "edge.cookie_same_site", "`lax`");
    check("[tokens]\nlifetime_s = 86401\n", "tokens.lifetime_s", "86400");
    check("[tokens]\nlifetime_s = 0\n", "tokens.lifetime_s", "from 1");
    check("[proxy]\ntrusted = [\"everybody\"]\n", "proxy.trusted[0]", "everybody");
    check("[cors]\norigins = [\"*\"]\n", "cors.origins[0]", "not an origin");
    check("[cors\n", "the file", "line 3");
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = folder();
    let path = folder.path().join("root.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let text = "[store]\nroot_key_file = \"root.key\"\n";
    let problems = config::parse(text, folder.path()).unwrap_err();
    assert_eq!(keys(&problems), ["store.root_key_file"]);
    assert!(problems.to_string().contains("chmod 600"));
}

#[test]
fn a_policy_document_is_checked_as_a_whole() {
    let folder = folder();
    let text = r#"
[[key_policies]]
name = "a"
restriction = "token"
issuer = "i"
audience = "a"
key_file = "weak.key"
entitlement = "listed"
leeway_s = 61
[[key_policies]]
name = "b"
restriction = "closed"
entitlement = "maybe"
[[contents]]
id = "a/b"
key_policy = "a"
opens = "tomorrow"
[[entitlements]]
user = "u"
content = "c"
from = "2026-01-02T00:00:00Z"
until = "2026-01-01T00:00:00Z"
forever = true
"#;
    let weak = folder.path().join("weak.key");
    fs::write(&weak, "short").unwrap();
    fs::set_permissions(&weak, fs::Permissions::from_mode(0o600)).unwrap();
    let problems = document::parse(text, folder.path()).unwrap_err();
    let mut found = keys(&problems);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "contents[0]",
            "contents[0].id",
            "entitlements[0]",
            "entitlements[0].forever",
            "key_policies[0].key_file",
            "key_policies[0].leeway_s",
            "key_policies[1].entitlement",
            "key_policies[1].restriction",
        ]
    );
}

#[test]
fn published_keys_are_named_once_and_reached_over_tls() {
    let folder = folder();
    let parse = |source: &str| {
        let policy = "[[key_policies]]\nname = \"a\"\nrestriction = \"token\"\nissuer = \"i\"\n\
                      audience = \"a\"\nentitlement = \"anyone\"\n";
        document::parse(&format!("{policy}{source}\n"), folder.path())
    };
    for source in [
        "jwks_url = \"https://issuer.example/keys\"",
        "jwks_url = \"https://issuer.example/keys\"\njwks_algorithm = \"PS256\"",
        "openid_configuration = \"https://issuer.example:8443/x\"",
        "jwks_url = \"http://127.0.0.1:8080/keys\"",
    ] {
        assert_eq!(parse(source).map(drop), Ok(()), "{source}");
    }
    let url = "jwks_url = \"https://issuer.example/keys\"\n";
    for (source, expected) in [
        ("", "key_policies[0]"),
        ("jwks_url = \"http://issuer.example/keys\"", "key_policies[0].jwks_url"),
        ("openid_configuration = \"https://a:b@c/\"", "key_policies[0].openid_configuration"),
        ("jwks_algorithm = \"RS256\"", "key_policies[0].jwks_algorithm"),
        (&format!("{url}jwks_algorithm = \"HS256\""), "key_policies[0].jwks_algorithm"),
        (&format!("{url}jwks_algorithm = \"ES256\""), "key_policies[0].jwks_algorithm"),
        (&format!("{url}openid_configuration = \"https://c/\""), "key_policies[0]"),
        (&format!("{url}key_file = \"a\"\npublic_key_file = \"a\""), "key_policies[0]"),
    ] {
        let problems = parse(source).unwrap_err();
        assert!(keys(&problems).contains(&expected), "{source}: {problems}");
    }
}

#[test]
fn calls_to_others_are_bounded_and_what_weakens_them_is_told() {
    let folder = folder();
    let parse = |text: &str| {
        let text = format!("[store]\nroot_key_file = \"root.key\"\n{text}");
        config::parse(&text, folder.path())
    };
    fs::write(folder.path().join("no.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
    for (text, expected) in [
        ("[outbound]\nca_file = \"no.pem\"", "outbound.ca_file"),
        ("[outbound]\nca_file = \"missing.pem\"", "outbound.ca_file"),
        ("[outbound]\ntimeout_ms = 0", "outbound.timeout_ms"),
        (
            "[outbound]\ndanger_allow_private_networks = [\"10.0.0.1/8\"]",
            "outbound.danger_allow_private_networks[0]",
        ),
        ("[jwks]\nrefresh_s = 59", "jwks.refresh_s"),
        ("[jwks]\nrefresh_s = 86401", "jwks.refresh_s"),
        ("[jwks]\nmax_stale_s = 59", "jwks.max_stale_s"),
        ("[jwks]\nmax_stale_s = 604801", "jwks.max_stale_s"),
    ] {
        assert_eq!(keys(&parse(text).unwrap_err()), [expected], "{text}");
    }
    let bounds = "[jwks]\nrefresh_s = 60\nmax_stale_s = 604800\n[outbound]\n\
                  danger_allow_private_networks = [\"10.0.0.0/8\"]\ndanger_allow_plain_http = true";
    let warnings = parse(bounds).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.starts_with("outbound.danger_")));
}
