//! What the program says to whoever types: its help, and one clear message when something
//! is wrong, with exit code 2.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use crate::support::{Ran, Server, Site, run_in};

#[test]
fn every_command_explains_itself_and_each_of_its_options() {
    let dir = tempfile::tempdir().unwrap();
    let mut waiting = vec![Vec::<String>::new()];
    let mut seen = 0;
    while let Some(command) = waiting.pop() {
        seen += 1;
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let ran = run_in(dir.path(), &arguments);
        ran.expect_code(0);
        assert_eq!(ran.err, "");
        check_help(&command, &ran.out);
        for name in subcommands(&ran.out) {
            waiting.push([command.as_slice(), &[name]].concat());
        }
    }
    assert!(seen >= 20, "only {seen} commands were found");
}

fn check_help(command: &[String], help: &str) {
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{command:?}: `{line}` is too long");
    }
    let first = help.lines().next().unwrap_or_default();
    assert!(first.len() > 15, "{command:?} does not say what it does: `{first}`");
    assert!(help.contains("Usage: portcullis"), "{command:?} has no usage: {help}");
    // The usage before and the example at the end name options, too, which are none of the
    // list. The token tests run the examples.
    let usage = help.split_once("Usage: ").map_or("", |(_, rest)| rest);
    let listed = usage.split_once("\n\n").map_or("", |(_, rest)| rest);
    let lines: Vec<&str> = listed.lines().take_while(|line| *line != "Example:").collect();
    for (number, line) in lines.iter().enumerate() {
        let option = line.trim_start();
        if option.starts_with('-') && !option.starts_with("- ") && line.starts_with("  ") {
            // The text stands on the same line after two spaces, or on the next.
            let same = option.split_once("  ").map_or("", |(_, text)| text.trim());
            let next = lines.get(number + 1).map_or("", |line| line.trim());
            let text = if same.is_empty() { next } else { same };
            assert!(
                text.len() > 4 && !text.starts_with('-'),
                "{command:?}: `{option}` has no text"
            );
        }
    }
}

fn subcommands(help: &str) -> Vec<String> {
    let is_list = |line: &str| matches!(line, "Commands:" | "Families:");
    let listed = help.lines().skip_while(|line| !is_list(line)).skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn nonsense_on_the_command_line_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&["nonsense"][..], &["serve", "--nonsense"], &["package"], &[]] {
        let ran = run_in(dir.path(), arguments);
        ran.expect_code(2);
        assert_eq!(ran.out, "", "{arguments:?}");
        assert!(ran.err.contains("Usage: portcullis"), "{}", ran.err);
    }
}

/// Changes a prepared folder, then serves; gives the message.
fn check_serve(change: impl FnOnce(&Site), expected: &[&str]) {
    let site = Site::new();
    change(&site);
    check_message(&site.run(&["serve"]), expected);
}

fn check_message(ran: &Ran, expected: &[&str]) {
    let message = ran.expect_one_message(2);
    assert_eq!(ran.out, "");
    for part in expected {
        assert!(message.contains(part), "`{part}` is not in `{message}`");
    }
}

#[test]
fn an_unknown_key_is_named_with_a_hint() {
    let change = |site: &Site| {
        let text = site.read("portcullis.toml");
        site.write("portcullis.toml", &text.replace("lifetime_s", "lifetime"));
    };
    let expected = ["tokens", "unknown field `lifetime`", "`lifetime_s`", "config reference"];
    check_serve(change, &expected);
}

#[test]
fn every_problem_of_a_configuration_is_told_at_once() {
    let site = Site::new();
    site.listen(["nowhere", "127.0.0.1:0", "10.0.0.1:80"]);
    site.write("portcullis.toml", &site.read("portcullis.toml").replace("3600", "0"));
    for command in [&["config", "check"][..], &["serve"], &["audit", "verify"]] {
        let ran = site.run(command);
        ran.expect_code(2);
        for key in ["listen.public", "listen.private", "tokens.lifetime_s"] {
            assert!(ran.err.contains(key), "{command:?} does not name {key}: {}", ran.err);
        }
    }
}

#[test]
fn malformed_toml_is_told_with_its_line() {
    let change = |site: &Site| site.write("portcullis.toml", "[listen]\npublic = \n");
    let site = Site::new();
    change(&site);
    let ran = site.run(&["serve"]);
    ran.expect_code(2);
    assert!(ran.err.contains("line 2"), "{}", ran.err);
}

#[test]
fn a_missing_file_is_named() {
    let remove = |name: &'static str| move |site: &Site| fs::remove_file(site.join(name)).unwrap();
    check_serve(remove("portcullis.toml"), &["portcullis.toml", "cannot be read", "init"]);
    check_serve(remove("root.key"), &["store.root_key_file", "root.key", "cannot be read"]);
    check_serve(remove("edge.key"), &["edge.key_file", "edge.key", "cannot be read"]);
    let no_media = |site: &Site| fs::remove_dir(site.join("media")).unwrap();
    let site = Site::new();
    no_media(&site);
    let ran = site.run(&["serve"]);
    ran.expect_code(2);
    assert!(ran.err.contains("edge.routes[0].folder"), "{}", ran.err);
    let site = Site::new();
    check_message(&site.run(&["policy", "apply", "none.toml"]), &["none.toml", "cannot be read"]);
    check_message(
        &site.run(&["audit", "verify", "--checkpoints", "none.log"]),
        &["none.log", "cannot be read"],
    );
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o644] {
        let open = |name: &'static str| {
            move |site: &Site| {
                fs::set_permissions(site.join(name), fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        check_serve(open("root.key"), &["store.root_key_file", "chmod 600"]);
        check_serve(open("edge.key"), &["edge.key_file", "chmod 600"]);
    }
}

#[test]
fn another_root_key_does_not_open_the_database() {
    let site = Site::new();
    site.run(&["policy", "apply", "policy.toml"]).expect_code(0);
    site.write("root.key", &"5a".repeat(32));
    for command in [&["serve"][..], &["audit", "verify"], &["policy", "list"]] {
        let expected = ["root key id", "does not open this database", "expected check"];
        check_message(&site.run(command), &expected);
    }
}

#[test]
fn a_busy_port_is_named_with_its_key() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    for (doors, key) in [
        ([address.as_str(), "127.0.0.1:0", "127.0.0.1:0"], "listen.public"),
        (["127.0.0.1:0", &address, "127.0.0.1:0"], "listen.api"),
        (["127.0.0.1:0", "127.0.0.1:0", &address], "listen.private"),
    ] {
        check_serve(|site| site.listen(doors), &[key, &address, "another program is using"]);
    }
}

#[test]
fn the_printed_configuration_is_one_that_can_be_used() {
    let site = Site::new();
    for what in ["default", "reference"] {
        let ran = site.run(&["config", what]);
        ran.expect_code(0);
        assert_eq!(ran.err, "");
        let root = "root_key_file = \"root.key\"";
        let text = ran.out.replace("# root_key_file = \"…\"", root);
        assert_ne!(text, ran.out, "the root key's place is shown");
        site.write("printed.toml", &text);
        let checked = site.run(&["config", "check", "--config", "printed.toml"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");
        assert_eq!(checked.out, "printed.toml is fine\n");
    }
}

#[test]
fn commands_work_beside_a_running_server() {
    let site = Site::with_film();
    let server = Server::start(&site);
    site.run(&["policy", "apply", "policy.toml"]).expect_code(0);
    site.package("media/beside", &["--scheme", "cbcs"]).expect_code(0);
    site.api_key();
    site.run(&["audit", "verify"]).expect_code(0);
    assert!(server.stop().success());
    site.run(&["audit", "verify"]).expect_code(0);
}
