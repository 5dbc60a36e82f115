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
    format!("  {}", lines(command).join(" \\\n     "))
}

/// A command, broken before its options into lines that fit the screen.
pub(super) fn lines(command: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (number, part) in command.split(" --").enumerate() {
        let part = if number == 0 { part.to_owned() } else { format!(" --{part}") };
        let last = lines.last_mut().map_or(0, |line| line.len());
        if last + part.len() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&part);
        }
    }
    lines
}

const WIDTH: usize = 86;

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
        format: "nginx-secure-link",
        issue: "--expression @nginx.key --danger-allow-md5 --uri /film/manifest.mpd \
                --expires now+10m --remote-addr 192.0.2.7",
        verify: "--expression @nginx.key --danger-allow-md5 --url /film/manifest.mpd \
                 --ip 192.0.2.7",
    },
    Example {
        format: "nginx-secure-link-secret",
        issue: "--secret @text.key --danger-allow-md5 --danger-allow-no-end --prefix p \
                --link film/manifest.mpd",
        verify: "--secret @text.key --danger-allow-md5 --danger-allow-no-end --url \"$TOKEN\"",
    },
    Example {
        format: "fastly",
        issue: "--key @base64.key --uri /film/manifest.mpd --expiry now+10m",
        verify: "--key @base64.key --url /film/manifest.mpd",
    },
    Example {
        format: "cloudflare",
        issue: "--key @text.key --lifetime 10m --uri /film/manifest.mpd",
        verify: "--key @text.key --lifetime 10m --url /film/manifest.mpd",
    },
    Example {
        format: "bunny",
        issue: "--key @text.key --uri /film/manifest.mpd --expires now+10m \
                --token-path /film/ --user-ip 192.0.2.7",
        verify: "--key @text.key --url /film/manifest.mpd --ip 192.0.2.7",
    },
    Example {
        format: "aws-smd",
        issue: "--key @text.key --paths /film/ --exp now+10m --ip 192.0.2.7",
        verify: "--key @text.key --url /film/manifest.mpd --ip 192.0.2.7",
    },
    Example {
        format: "cloudfront-url",
        issue: "--private-key @rsa2048.pem --key-pair-id K2JCJMDEHXQW5F \
                --url https://cdn.example/film/manifest.mpd --date-less-than now+10m",
        verify: "--public-key @rsa2048.pub.pem --key-pair-id K2JCJMDEHXQW5F \
                 --url https://cdn.example/film/manifest.mpd",
    },
    Example {
        format: "cloudfront-cookie",
        issue: "--private-key @rsa2048.pem --key-pair-id K2JCJMDEHXQW5F \
                --resource 'https://cdn.example/film/*' --date-less-than now+10m",
        verify: "--public-key @rsa2048.pub.pem --key-pair-id K2JCJMDEHXQW5F \
                 --url https://cdn.example/film/manifest.mpd",
    },
    Example {
        format: "media-cdn",
        issue: "--secret @base64.key --url-prefix https://cdn.example/film/ --expires now+10m",
        verify: "--secret @base64.key --url https://cdn.example/film/manifest.mpd",
    },
    Example {
        format: "uri-signing",
        issue: "--secret @base64.key --iss issuer.example --exp now+10m \
                --signed-url https://cdn.example/film/manifest.mpd",
        verify: "--secret @base64.key --issuer issuer.example \
                 --url https://cdn.example/film/manifest.mpd",
    },
    Example {
        format: "cat",
        issue: "--secret @base64.key --exp now+10m --catnip 192.0.2.7 \
                --catu '{\"path\":{\"prefix-match\":\"/film/\"}}'",
        verify: "--secret @base64.key --url https://cdn.example/film/manifest.mpd \
                 --ip 192.0.2.7",
    },
    Example {
        format: "pallycon",
        issue: "--site-id DEMO --site-key @site.key --access-key @access.key --cid film \
                --user-id alice --drm-type Widevine --persistent --license-duration 2d",
        verify: "--site-id DEMO --site-key @site.key --access-key @access.key \
                 --content film --drm widevine",
    },
    Example {
        format: "azure-jwt",
        issue: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                --exp now+1h --contentkeyidentifier 10000000-0000-4000-8000-000000000001",
        verify: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                 --kids 10000000-0000-4000-8000-000000000001",
    },
    Example {
        format: "azure-swt",
        issue: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                --exp now+1h --contentkeyidentifier 10000000-0000-4000-8000-000000000001",
        verify: "--issuer https://issuer.example --audience urn:film --key @base64.key \
                 --kids 10000000-0000-4000-8000-000000000001",
    },
    Example {
        format: "axinom",
        issue: "--com-key-id 20000000-0000-4000-8000-000000000001 --com-key @base64.key \
                --key-id 10000000-0000-4000-8000-000000000001 --expiration-date now+1h",
        verify: "--com-key-id 20000000-0000-4000-8000-000000000001 --com-key @base64.key \
                 --kids 10000000-0000-4000-8000-000000000001 --drm widevine",
    },
    Example {
        format: "drmtoday",
        issue: "--merchant merchant --kid kid-1 --secret @edge.key --exp now+10m \
                --userId alice --sessionId s1 --assetId film --profile '{\"purchase\":{}}'",
        verify: "--merchant merchant --kid kid-1 --secret @edge.key --content film",
    },
    Example {
        format: "insys",
        issue: "--secret @base64.key --kid 10000000-0000-4000-8000-000000000001 --exp now+1h \
                --duration 2h",
        verify: "--secret @base64.key --kids 10000000-0000-4000-8000-000000000001",
    },
    Example {
        format: "portcullis",
        issue: "--issuer https://issuer.example --audience film --algorithm EdDSA \
                --private-key @ed25519.pem --exp now+1h --sub alice --content film",
        verify: "--issuer https://issuer.example --audience film --algorithm EdDSA \
                 --public-key @ed25519.pub.pem --content film",
    },
];
