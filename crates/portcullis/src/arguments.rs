//! The command line: every subcommand and option with its help, and nothing else.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use portcullis_base::{ContentId, PolicyName, UserId};
use portcullis_policy::model::SubjectKind;

use crate::command::TokenCommand;

/// Decides who may play what, and hands keys, licenses and segments to nobody else.
///
/// New here? `portcullis demo` packages a small film, serves it and shows every step in a
/// page. `portcullis init` prepares a folder for real use.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make and list the keys your own programs call the API with
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Check the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Package a film, serve it, and show every step of its protection in a page
    ///
    /// Everything happens in one process and one folder, which is removed at the end unless
    /// `--data` names one. Nothing is reachable from other machines unless `--listen` says so.
    Demo(DemoArguments),
    /// Say why a request would be allowed or refused, rule by rule
    #[command(subcommand)]
    Explain(ExplainCommand),
    /// Prepare a folder: configuration, root key, token key
    Init(InitArguments),
    /// Encrypt MP4 files into CMAF segments with DASH and HLS manifests
    ///
    /// Keys are made in the vault, one for sound and one per picture quality, and taken from
    /// it; no key is ever printed. The output folder appears complete or not at all.
    ///
    /// Exit codes: 0 done, 2 wrong usage, 3 input unreadable or corrupt, 4 a codec or feature
    /// that is not supported yet, 5 keys, 6 output.
    Package(PackageArguments),
    /// Write key policies, contents and entitlements into the store
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Take back tokens, sessions, viewers, keys and more before their time
    ///
    /// In force on every server of the database within two seconds: licenses, token service and
    /// edge refuse whatever names what was revoked.
    #[command(subcommand)]
    Revoke(RevokeCommand),
    /// Serve media, licenses and tokens as the configuration says
    Serve(ServeArguments),
    /// Issue, verify, explain and convert tokens of every family
    ///
    /// Nothing of it needs a configuration, a database or a network.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "portcullis.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Make a key and print it, once; only its digest is kept
    Create {
        #[command(flatten)]
        config: ConfigArgument,
        /// What the key may do
        #[arg(long, value_enum)]
        role: RoleArgument,
        /// How many days it is valid
        #[arg(
            long,
            value_name = "DAYS",
            default_value_t = 90,
            value_parser = clap::value_parser!(u64).range(1..=400)
        )]
        days: u64,
    },
    /// List the keys, without their secrets
    List {
        #[command(flatten)]
        config: ConfigArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleArgument {
    /// Issues tokens
    Issuer,
    /// Reads what was revoked
    Viewer,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no record was changed, removed, inserted or reordered
    Verify {
        #[command(flatten)]
        config: ConfigArgument,
        /// Checkpoints that were kept outside of the database, one file
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration file with every default
    Default,
    /// Print every key with its meaning
    Reference,
    /// Check a configuration file and say everything that is wrong with it
    Check {
        #[command(flatten)]
        config: ConfigArgument,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Your own MP4 (H.264 and AAC) instead of the film in the program; may be repeated for
    /// several renditions and languages
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Vec<PathBuf>,
    /// Keep everything in this folder, and use what is there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the page is served; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExplainCommand {
    /// A request for a license
    License {
        #[command(flatten)]
        config: ConfigArgument,
        /// The content asked for
        #[arg(long, value_name = "ID")]
        content: ContentId,
        /// A file with the viewer's token, or `-` for standard input
        #[arg(long, value_name = "FILE")]
        token: Option<PathBuf>,
        /// The key ids asked for; all of the content's when left out
        #[arg(long, value_name = "KID")]
        kid: Vec<portcullis_base::KeyId>,
        #[command(flatten)]
        at: Situation,
    },
    /// A request for a playback token
    Token {
        #[command(flatten)]
        config: ConfigArgument,
        /// Who wants to watch
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// The content to watch
        #[arg(long, value_name = "ID")]
        content: ContentId,
        #[command(flatten)]
        at: Situation,
    },
    /// A request for media at the edge
    Edge {
        #[command(flatten)]
        config: ConfigArgument,
        /// The path and query as the player sends them
        #[arg(long, value_name = "PATH")]
        url: String,
        /// The session cookie's value
        #[arg(long, value_name = "TOKEN")]
        cookie: Option<String>,
        #[command(flatten)]
        at: Situation,
    },
}

/// What the answer depends on besides the request.
#[derive(Debug, Args)]
pub(crate) struct Situation {
    /// The viewer's address
    #[arg(long, value_name = "IP")]
    pub(crate) address: Option<std::net::IpAddr>,
    /// The moment to decide for, such as 2026-11-22T20:15:00Z; now when left out
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<jiff::Timestamp>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The folder, made if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PackageArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// MP4 files with H.264 and AAC, progressive or fragmented: renditions and languages of
    /// one content
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The content this is
    #[arg(long, value_name = "ID")]
    pub(crate) content: ContentId,
    /// The key policy of a content that is new to the store
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<PolicyName>,
    /// How to encrypt: `cenc` for DASH on most devices, `cbcs` for Apple and newer ones
    #[arg(long, value_name = "SCHEME", default_value = "cenc")]
    pub(crate) scheme: portcullis_base::Scheme,
    /// The length segments aim at, in seconds; they start at the next key frame
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=60)
    )]
    pub(crate) segment: u32,
    /// Where players of the DASH manifest ask for Clear Key licenses
    #[arg(long, value_name = "URL")]
    pub(crate) license_url: Option<String>,
    /// Replace the output folder if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Write a policy document; writing it twice changes nothing
    Apply {
        #[command(flatten)]
        config: ConfigArgument,
        /// The document, TOML; `docs/config/policy.toml` is a sample
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List contents, with their keys' ids
    List {
        #[command(flatten)]
        config: ConfigArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RevokeCommand {
    /// Revoke something, or change why and until when
    Add {
        #[command(flatten)]
        config: ConfigArgument,
        #[command(flatten)]
        subject: RevokedSubject,
        /// Why, for those who look it up later
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// When it is over, such as 2026-11-22T20:15:00Z; never when left out
        #[arg(long, value_name = "TIME", conflicts_with = "hours")]
        until: Option<jiff::Timestamp>,
        /// In how many hours it is over
        #[arg(
            long,
            value_name = "HOURS",
            value_parser = clap::value_parser!(u64).range(1..=87_600)
        )]
        hours: Option<u64>,
    },
    /// Take a revocation back
    Lift {
        #[command(flatten)]
        config: ConfigArgument,
        #[command(flatten)]
        subject: RevokedSubject,
    },
    /// List what is revoked, with who did it and why
    List {
        #[command(flatten)]
        config: ConfigArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RevokedSubject {
    /// What it is: api-key, content, device, issuer-key, kid, session, tenant, token or user
    #[arg(value_name = "KIND")]
    pub(crate) kind: SubjectKind,
    /// Its id. Of a token: its digest as audit records have it, the MAC of an edge token as 64
    /// hex digits or, with `--issuer`, its `jti`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The issuer (`iss`) of the token whose `jti` is given
    #[arg(long, value_name = "ISSUER")]
    pub(crate) issuer: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
}
