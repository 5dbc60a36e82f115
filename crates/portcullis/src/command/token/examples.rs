//! An example of every family's commands, for its help. A test runs them all.
//!
//! Files that are named hold keys; nothing in here is a secret of anybody.

/// The arguments of an example.
#[derive(Debug)]
pub(super) struct Example {
    /// The family.
    format: &'static str,
    /// After `token issue FORMAT`.
    pub(super) issue: &'static str,
    /// After `token verify FORMAT "$TOKEN"`.
    pub(super) verify: &'static str,
}

/// The example of a family.
pub(super) fn of(format: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.format == format)
}

/// A command, broken into lines that fit the screen and can be pasted as they are.
pub(super) fn shell(command: &str) -> String {
    let mut lines = vec![String::from("  ")];
    for (number, part) in command.split(" --").enumerate() {
        let part = if number == 0 { part.to_owned() } else { format!(" --{part}") };
        let last = lines.last_mut().map_or(0, |line| line.len());
        if last + part.len() > WIDTH {
            lines.push(String::from("     "));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&part);
        }
    }
    lines.join(" \\\n")
}

const WIDTH: usize = 90;

static EXAMPLES: &[Example] = &[
    Example {
        format: "akamai-access",
        issue: "--key @edge.key --acl '/media/film/*' --exp now+10m --ip 192.0.2.7 --id 4711",
        verify: "--key @edge.key --url /media/film/manifest.mpd --ip 192.0.2.7",
    },
    Example {
        format: "akamai-session",
        issue: "--key @edge.key --acl '/media/film/*' --exp now+4h --ip 192.0.2.7 --id 4711",
        verify: "--key @edge.key --url /media/film/1.m4s --ip 192.0.2.7",
    },
    Example {
        format: "media-cdn",
        issue: "--secret @base64.key --url-prefix https://cdn.example/film/ --expires now+10m",
        verify: "--secret @base64.key --url https://cdn.example/film/manifest.mpd",
    },
    Example {
        format: "azure-jwt",
        issue: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                --exp now+1h --contentkeyidentifier 10000000-0000-4000-8000-000000000001",
        verify: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                 --kid 10000000-0000-4000-8000-000000000001",
    },
    Example {
        format: "azure-swt",
        issue: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                --exp now+1h --contentkeyidentifier 10000000-0000-4000-8000-000000000001",
        verify: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                 --kid 10000000-0000-4000-8000-000000000001",
    },
];
