//! Makes the demo's folder: keys, configuration, policy, and the film, packaged twice.
//!
//! What is there already is used again, so that `--data` keeps its keys, tokens and media. The
//! folder is an ordinary one: `portcullis serve --config …/portcullis.toml` runs in it too.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use portcullis_base::{ContentId, Rng, Scheme, Secret};
use portcullis_packager::{PlanOptions, Replace, Report};
use portcullis_policy::model::Operator;
use portcullis_store::Author;
use zeroize::Zeroizing;

use super::{DENIED_NETWORK, Demo, ENTITLED, Shown};
use crate::{
    SystemRng,
    app::default_tenant,
    config::{self, Config},
    document,
    packaging::{self, PackagingError, PackagingRequest},
    serve::open_store,
};

/// A film to show.
#[derive(Clone, Debug)]
pub struct Film {
    /// Its title on the page.
    pub title: String,
    /// Its renditions and languages.
    pub inputs: Vec<PathBuf>,
}

/// Everything the demo needs in order to be served.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// What the page shows.
    pub demo: Demo,
    /// What was packaged; empty for what was there already.
    pub reports: Vec<(ContentId, Scheme, Report)>,
}

/// What is being done, for whoever waits.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A content is being packaged.
    Packaging {
        /// Which content.
        content: &'a ContentId,
        /// With which scheme.
        scheme: Scheme,
        /// How far it is.
        at: portcullis_packager::Progress<'a>,
    },
}

/// Makes or completes the folder `dir`.
///
/// # Errors
///
/// When the film cannot be packaged, or the folder cannot be written or was made with other
/// keys.
pub async fn prepare(
    dir: &Path,
    film: &Film,
    listen: SocketAddr,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Prepared, PrepareError> {
    fs::create_dir_all(dir.join("media"))?;
    for name in ["root.key", "edge.key", "jwt.key"] {
        make_key(&dir.join(name))?;
    }
    fs::write(dir.join("portcullis.toml"), configuration(listen))?;
    fs::write(dir.join("policy.toml"), policy())?;

    let store = open_store(config::load(&dir.join("portcullis.toml"))?.store).await?;
    let operator = Operator::Local { tenant: default_tenant() };
    let author = Author::new("local:demo");
    document::apply(&store, document::load(&dir.join("policy.toml"))?, &author).await?;
    let mut reports = Vec::new();
    let mut contents = Vec::new();
    for (id, suffix) in CONTENTS {
        let content: ContentId = id.parse().map_err(|_| io::Error::other("a content id"))?;
        for scheme in [Scheme::Cenc, Scheme::Cbcs] {
            let out = packaging::folder_of(&dir.join("media"), &content, scheme);
            if out.exists() {
                continue;
            }
            let request = request(film, &content, scheme, out);
            let report = {
                let mut tell = |at: portcullis_packager::Progress<'_>| {
                    progress(Progress::Packaging { content: &content, scheme, at });
                };
                packaging::package(&store, &operator, &author, &request, &mut tell).await?
            };
            reports.push((content.clone(), scheme, report));
        }
        contents.push(Shown { id: content, title: format!("{}{suffix}", film.title) });
    }
    store.close().await;
    let config = config::load(&dir.join("portcullis.toml"))?;
    Ok(Prepared { config, demo: Demo::new(contents), reports })
}

fn request(film: &Film, content: &ContentId, scheme: Scheme, out: PathBuf) -> PackagingRequest {
    PackagingRequest {
        inputs: film.inputs.clone(),
        out,
        content: content.clone(),
        scheme,
        plan: PlanOptions { segment_target: std::time::Duration::from_secs(2) },
        license_url: None,
        replace: Replace::No,
    }
}

/// Writes 32 random bytes in hex, readable by the owner only, unless the file is there.
fn make_key(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(new_key_text().as_bytes())
}

/// 32 random bytes in hex. The text is as secret as the bytes; both are wiped.
#[must_use]
pub fn new_key_text() -> Zeroizing<String> {
    let key = Secret::<32>::fill_with(|bytes| SystemRng.fill(bytes));
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in key.expose() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

fn configuration(listen: SocketAddr) -> String {
    let danger = !listen.ip().is_loopback();
    format!(
        "# The configuration of `portcullis demo`.\n\
         [listen]\npublic = \"{listen}\"\napi = \"127.0.0.1:0\"\nprivate = \"127.0.0.1:0\"\n\
         danger_allow_plain_http = {danger}\n\
         [store]\nroot_key_file = \"root.key\"\n\
         [edge]\nkey_file = \"edge.key\"\ncookie_same_site = \"lax\"\n\
         [[edge.routes]]\nprefix = \"/media/\"\nfolder = \"media\"\nsession = \"cookie\"\n\
         deny = [\"{DENIED_NETWORK}\"]\n\
         [[edge.routes]]\nprefix = \"/cookieless/\"\nfolder = \"media\"\nsession = \"path\"\n\
         deny = [\"{DENIED_NETWORK}\"]\n\
         # The page says where its viewer is, as a proxy in front would.\n\
         [proxy]\ntrusted = [\"127.0.0.0/8\", \"::1\"]\n\
         [log]\nlevel = \"info\"\n"
    )
}

fn policy() -> String {
    let mut text = format!(
        "# The policy of `portcullis demo`.\n\
         [[key_policies]]\nname = \"subscribers\"\nrestriction = \"token\"\n\
         issuer = \"https://streaming.example\"\naudience = \"urn:portcullis\"\n\
         algorithm = \"HS256\"\nkey_file = \"jwt.key\"\nentitlement = \"listed\"\n\
         deny = [\"{DENIED_NETWORK}\"]\n"
    );
    for (id, _) in CONTENTS {
        text.push_str(&format!("[[contents]]\nid = \"{id}\"\nkey_policy = \"subscribers\"\n"));
        for user in ENTITLED {
            text.push_str(&format!("[[entitlements]]\nuser = \"{user}\"\ncontent = \"{id}\"\n"));
        }
    }
    text
}

/// Why the demo could not be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The configuration or the policy is not right.
    #[error("{0}")]
    Config(#[from] config::Problems),
    /// The folder cannot be written.
    #[error("the demo's folder: {0}")]
    Folder(#[from] io::Error),
    /// The film cannot be packaged.
    #[error(transparent)]
    Packaging(#[from] PackagingError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] portcullis_store::Error),
}

/// Two contents of the same film, so that a token for the one can be tried on the other.
const CONTENTS: [(&str, &str); 2] = [("film", ""), ("sequel", ", the sequel")];
