//! A folder as `portcullis init` makes it, and the program run inside of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::edge::{
    EdgeKeys,
    access::{self, AccessRequest, Covers},
    acl::Acl,
};
use tempfile::TempDir;

/// The content and the viewer of the sample policy.
pub(crate) const CONTENT: &str = "film";
pub(crate) const USER: &str = "alice";

/// A small film: two qualities of picture, one language.
pub(crate) fn films() -> [String; 3] {
    ["hd.mp4", "sd.mp4", "eng.mp4"].map(|name| {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portcullis-packager/tests/data");
        data.join(name).display().to_string()
    })
}

/// A prepared folder, removed at the end.
#[derive(Debug)]
pub(crate) struct Site {
    dir: TempDir,
}

impl Site {
    /// What `init` makes, listening on free ports.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        run_in(dir.path(), &["init"]).expect_code(0);
        let site = Self { dir };
        site.listen(["127.0.0.1:0"; 3]);
        site
    }

    /// The same with the sample policy applied and the film packaged with `cenc`.
    pub(crate) fn with_film() -> Self {
        let site = Self::new();
        site.run(&["policy", "apply", "policy.toml"]).expect_code(0);
        site.package("media/film", &[]).expect_code(0);
        site
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.join(name), text).unwrap();
    }

    /// Sets the addresses of the three doors.
    pub(crate) fn listen(&self, [public, api, private]: [&str; 3]) {
        let text = self.read("portcullis.toml");
        let rest = text.split_once("[store]").expect("the sample has a store").1;
        let listen = format!("public = \"{public}\"\napi = \"{api}\"\nprivate = \"{private}\"\n");
        self.write("portcullis.toml", &format!("[listen]\n{listen}\n[store]{rest}"));
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run_in(self.path(), arguments)
    }

    /// A command in this folder that was not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command_in(self.path(), arguments)
    }

    /// Packages the small film into `out`.
    pub(crate) fn package(&self, out: &str, more: &[&str]) -> Ran {
        self.run(&package_arguments(out, more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Starts packaging the small film into `out` and does not wait.
    pub(crate) fn start_packaging(&self, out: &str, more: &[&str]) -> std::process::Child {
        let mut command = command_in(self.path(), &package_arguments(out, more));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Makes an API key.
    pub(crate) fn api_key(&self) -> String {
        let ran = self.run(&["api-key", "create", "--role", "issuer"]);
        ran.expect_code(0);
        ran.out.trim().to_owned()
    }

    /// What the streaming service's token generator does: an access token for `acl`, made
    /// with the same key as the edge has.
    pub(crate) fn access_token(&self, acl: &str) -> String {
        let key = EdgeKeys::key_from_hex(&self.read("edge.key")).unwrap();
        let keys = EdgeKeys { current: key, transition: None, salt: None::<SecretBytes> };
        let request = AccessRequest {
            covers: Covers::Acl(&Acl::parse(acl).unwrap()),
            start: None,
            end: Timestamp(now() + 600),
            address: None,
            id: None,
            data: None,
        };
        access::issue(&request, &keys).unwrap()
    }

    /// The key ids of the content's tracks with a scheme.
    pub(crate) fn kids(&self, scheme: &str) -> Vec<String> {
        let ran = self.run(&["policy", "list", "--json"]);
        ran.expect_code(0);
        let content: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let keys = content["keys"].as_array().unwrap();
        let kids = keys.iter().filter(|key| key["scheme"] == scheme);
        kids.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a token for the running server ends by its clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn package_arguments(out: &str, more: &[&str]) -> Vec<String> {
    let fixed = ["package", "--out", out, "--content", CONTENT, "--segment", "1"];
    fixed.iter().chain(more).map(|&text| text.to_owned()).chain(films()).collect()
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{self:?}");
    }

    /// Both outputs, for those who look for something that must be in neither.
    pub(crate) fn everything(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The one line on standard error, when there is exactly one.
    #[track_caller]
    pub(crate) fn expect_one_message(&self, code: i32) -> &str {
        self.expect_code(code);
        assert_eq!(self.err.lines().count(), 1, "one message expected: {self:?}");
        self.err.trim_end()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the program in a folder, to its end.
pub(crate) fn run_in(dir: &Path, arguments: &[&str]) -> Ran {
    command_in(dir, arguments).output().unwrap().into()
}

fn command_in<S: AsRef<std::ffi::OsStr>>(dir: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.current_dir(dir).args(arguments).stdin(Stdio::null());
    command
}

/// Every file below a folder, by its path in it.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}
