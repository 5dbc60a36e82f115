//! What is measured: a folder with the film of the demo, its policies, and everybody's
//! tokens.

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{KeyId, Timestamp};
use portcullis_token::edge::{
    EdgeKeys,
    acl::Acl,
    session::{self, SessionRequest},
};

use crate::{
    Ask,
    load::Load,
    servers::{self, Doors, Server},
};

/// Everything that runs, and the folder it runs in.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) peer: Option<(Server, SocketAddr)>,
    doors: Doors,
    api_key: String,
    algorithms: Vec<&'static str>,
    kids: String,
    folder: tempfile::TempDir,
}

impl Scene {
    /// Makes the folder and starts the servers.
    ///
    /// # Errors
    ///
    /// When a command of the program fails, or a server does not start.
    pub(crate) fn set() -> io::Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let path = folder.path();
        servers::command(path, &["init", "."])?;
        let algorithms = policies(path)?;
        servers::command(path, &["policy", "apply", "policy.toml"])?;
        let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/film-720p.mp4");
        let film = film.to_str().ok_or_else(|| io::Error::other("a path that is not text"))?;
        for content in ["open"].iter().chain(&algorithms) {
            let out = format!("media/{content}");
            servers::command(path, &["package", film, "--out", &out, "--content", content])?;
        }
        let api_key = servers::command(path, &["api-key", "create", "--role", "issuer"])?;
        let (server, doors) = servers::portcullis(path)?;

        let kids = r#"{"kids":[],"type":"temporary"}"#.to_owned();
        let mut scene = Self {
            server,
            peer: None,
            doors,
            api_key: api_key.trim().to_owned(),
            algorithms,
            kids,
            folder,
        };
        scene.kids = scene.kids_of("open")?;
        scene.peer = scene.start_peer()?;
        Ok(scene)
    }

    /// What is asked, in the order of the report.
    ///
    /// # Errors
    ///
    /// When a token cannot be had.
    pub(crate) fn asks(&self) -> io::Result<Vec<(String, Ask<'_>)>> {
        let mut asks = vec![
            self.own("health, no work at all", self.doors.public, &get("/healthz", "")),
            self.own("license, open", self.doors.public, &self.license("open", None)?),
        ];
        for algorithm in &self.algorithms {
            let token = self.token(algorithm)?;
            let request = self.license(algorithm, Some(&token))?;
            asks.push(self.own(&format!("license, {algorithm}"), self.doors.public, &request));
        }
        for algorithm in &self.algorithms {
            let request = self.token_request(algorithm);
            asks.push(self.own(&format!("token, {algorithm}"), self.doors.api, &request));
        }
        let cookie = format!("Cookie: hdntl={}\r\n", self.session()?);
        let segment = get(&format!("/media/{SEGMENT}"), &cookie);
        asks.push(self.own("segment, session in a cookie", self.doors.public, &segment));
        let free = get(&format!("/free/{SEGMENT}"), "");
        asks.push(self.own("segment, open route", self.doors.public, &free));

        if let Some((peer, address)) = &self.peer {
            let mut theirs = |name: &str, request: Vec<u8>| {
                let load = Load { address: *address, connections: CONNECTIONS, request };
                asks.push((name.to_owned(), Ask { load, server: peer }));
            };
            theirs("nginx, file of a license's size", get("/license.json", ""));
            theirs("nginx, segment", get(&format!("/{SEGMENT}"), ""));
            theirs("nginx, segment, secure_link", get(&self.signed_link()?, ""));
        }
        Ok(asks)
    }

    fn own(&self, name: &str, address: SocketAddr, request: &[u8]) -> (String, Ask<'_>) {
        let load = Load { address, connections: CONNECTIONS, request: request.to_vec() };
        (name.to_owned(), Ask { load, server: &self.server })
    }

    fn license(&self, content: &str, token: Option<&str>) -> io::Result<Vec<u8>> {
        let body = if content == "open" { self.kids.clone() } else { self.kids_of(content)? };
        let bearer =
            token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        Ok(post(&format!("/license/clearkey?content={content}"), &bearer, &body))
    }

    /// The request of a player that wants all keys of a content.
    fn kids_of(&self, content: &str) -> io::Result<String> {
        let shown = servers::command(self.folder.path(), &["policy", "list", "--json"])?;
        let line = shown.lines().find(|line| line.contains(&format!("\"{content}\"")));
        let document: serde_json::Value = serde_json::from_str(line.unwrap_or("{}"))?;
        let kids: Vec<String> = document["keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|key| key["kid"].as_str()?.parse::<KeyId>().ok())
            .map(|kid| URL_SAFE_NO_PAD.encode(kid.as_bytes()))
            .collect();
        Ok(serde_json::json!({ "kids": kids, "type": "temporary" }).to_string())
    }

    fn token_request(&self, content: &str) -> Vec<u8> {
        let bearer = format!("Authorization: Bearer {}\r\n", self.api_key);
        post("/api/token", &bearer, &format!(r#"{{"user_id":"alice","content_id":"{content}"}}"#))
    }

    fn token(&self, content: &str) -> io::Result<String> {
        let request = self.token_request(content);
        let answer: serde_json::Value =
            serde_json::from_slice(&self.once(self.doors.api, request)?)?;
        Ok(answer["token"].as_str().unwrap_or_default().to_owned())
    }

    fn once(&self, address: SocketAddr, request: Vec<u8>) -> io::Result<Vec<u8>> {
        let load = Load { address, connections: 1, request };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(load.once())
    }

    fn session(&self) -> io::Result<String> {
        let text = fs::read_to_string(self.folder.path().join("edge.key"))?;
        let current = EdgeKeys::key_from_hex(text.trim()).map_err(io::Error::other)?;
        let keys = EdgeKeys { current, transition: None, salt: None };
        let acl = Acl::parse("/media/*").map_err(io::Error::other)?;
        let request = SessionRequest {
            acl: &acl,
            issued_at: now(),
            end: now().saturating_add(HOUR),
            address: None,
            id: Some("viewer-1"),
            data: None,
            header_salt: "",
        };
        session::issue(&request, &keys).map_err(io::Error::other)
    }

    fn start_peer(&self) -> io::Result<Option<(Server, SocketAddr)>> {
        let path = self.folder.path();
        let license = self.once(self.doors.public, self.license("open", None)?)?;
        fs::write(path.join("media/license.json"), license)?;
        let locations = format!(
            "    location /signed/ {{\n      alias {}/media/;\n      \
             secure_link $arg_md5,$arg_expires;\n      \
             secure_link_md5 \"$secure_link_expires$uri {PEER_SECRET}\";\n      \
             if ($secure_link = \"\") {{ return 403; }}\n      \
             if ($secure_link = \"0\") {{ return 410; }}\n    }}\n",
            path.display()
        );
        servers::nginx(path, &locations)
    }

    /// As nginx's manual makes them: base64url of an MD5.
    fn signed_link(&self) -> io::Result<String> {
        let (uri, end) = (format!("/signed/{SEGMENT}"), now().saturating_add(HOUR).0);
        let script = format!(
            "printf %s '{end}{uri} {PEER_SECRET}' | openssl md5 -binary | openssl base64 \
             | tr +/ -_ | tr -d ="
        );
        let made = Command::new("sh").args(["-c", &script]).output()?;
        let digest = String::from_utf8(made.stdout).map_err(io::Error::other)?;
        Ok(format!("{uri}?md5={}&expires={end}", digest.trim()))
    }
}

/// Writes the policies and their keys; returns the algorithms that can be measured, which are
/// also the names of contents.
fn policies(folder: &Path) -> io::Result<Vec<&'static str>> {
    let mut algorithms = vec!["HS256"];
    for (algorithm, arguments) in [
        ("ES256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("RS256", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ] {
        let file = folder.join(format!("{algorithm}.key"));
        let mut made = Command::new("openssl");
        let made = made.arg("genpkey").args(arguments).arg("-out").arg(&file).output();
        if made.is_ok_and(|made| made.status.success()) {
            algorithms.push(algorithm);
        }
    }
    fs::rename(folder.join("jwt.key"), folder.join("HS256.key"))?;
    let mut text = String::from(
        "[[key_policies]]\nname = \"open\"\nrestriction = \"open\"\nentitlement = \"anyone\"\n\
         [[contents]]\nid = \"open\"\nkey_policy = \"open\"\n",
    );
    for name in &algorithms {
        text.push_str(&format!(
            "[[key_policies]]\nname = \"{name}\"\nrestriction = \"token\"\n\
             issuer = \"https://streaming.example\"\naudience = \"urn:portcullis\"\n\
             algorithm = \"{name}\"\nkey_file = \"{name}.key\"\nentitlement = \"listed\"\n\
             [[contents]]\nid = \"{name}\"\nkey_policy = \"{name}\"\n\
             [[entitlements]]\nuser = \"alice\"\ncontent = \"{name}\"\n"
        ));
    }
    fs::write(folder.join("policy.toml"), text)?;
    let path = folder.join("portcullis.toml");
    let configuration = fs::read_to_string(&path)?;
    let routes = "[listen]\npublic = \"127.0.0.1:0\"\napi = \"127.0.0.1:0\"\n\
                  private = \"127.0.0.1:0\"\n\n[[edge.routes]]\nprefix = \"/free/\"\n\
                  folder = \"media\"\nlevel = \"open\"\n";
    fs::write(&path, format!("{configuration}\n{routes}"))?;
    Ok(algorithms)
}

fn get(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").into_bytes()
}

fn post(path: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{fields}\r\n{body}"
    )
    .into_bytes()
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

const SEGMENT: &str = "open/video-720p/1.m4s";
const PEER_SECRET: &str = "bench";
const HOUR: Duration = Duration::from_secs(3600);
/// As many as fit into one group of audit records.
const CONNECTIONS: usize = 64;
