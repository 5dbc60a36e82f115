//! `portcullis explain`: the same decision a request would get, with every rule shown.
//!
//! Nothing is recorded and no key is opened. Tokens are read from a file or standard input,
//! so that they do not end up in the shell's history.

use std::{fmt::Display, io::Read as _, path::Path, process::ExitCode, sync::Arc};

use portcullis_base::{Clock, DrmSystem, Timestamp};
use portcullis_policy::{
    Decision, EdgeCaller, LicenseAsk, TokenAsk, Verdict,
    model::{Operator, Role},
};
use portcullis_server::{
    SystemClock, SystemRng, Trust,
    config::{self, Config, Edge},
    default_tenant, edge,
    jwks::KeySources,
    license,
    outbound::Outbound,
    tokens,
};
use portcullis_store::Store;
use portcullis_token::edge::path;

use super::open;
use crate::{
    arguments::{ExplainCommand, Situation},
    report::{self, Done, Stop},
};

pub(super) fn run(command: ExplainCommand) -> Done {
    match command {
        ExplainCommand::License { config, content, token, kid, at } => {
            let config = open::configuration(&config.config)?;
            let token = token.as_deref().map(read_token).transpose()?;
            let ask = LicenseAsk { kids: kid, system: DrmSystem::ClearKey, address: at.address };
            let now = moment(&at)?;
            open::block_on(async {
                let Config { store, jwks, outbound, .. } = config;
                let store = open::store(store).await?;
                let (trust, token) = (trust(&store, jwks, outbound, now).await?, token.as_deref());
                let judged = license::explain(&store, &trust, &content, token, ask, now).await;
                store.close().await;
                print(&judged.map_err(|error| open::stop_of(&error))?.decision, &at)
            })?
        }
        ExplainCommand::Token { config, user, content, at } => {
            let config = open::configuration(&config.config)?;
            let requester = Operator::ApiKey { tenant: default_tenant(), role: Role::Issuer };
            let ask = TokenAsk {
                requester,
                subject: user,
                address: at.address,
                key: None,
                max_uses: None,
            };
            let now = moment(&at)?;
            open::block_on(async {
                let store = open::store(config.store).await?;
                let judged = tokens::judge(&store, &content, &ask, now);
                store.close().await;
                print(&judged.map_err(|error| open::stop_of(&error))?, &at)
            })?
        }
        ExplainCommand::Edge { config, url, cookie, at } => {
            let config = open::configuration(&config.config)?;
            open::block_on(async {
                let store = open::store(config.store).await?;
                let done = explain_edge(&store, &config.edge, &url, cookie.as_deref(), &at);
                store.close().await;
                done
            })?
        }
    }
}

/// The keys a running server would have: the store's own, and those that issuers publish now.
async fn trust(
    store: &Store,
    jwks: config::Jwks,
    outbound: config::Outbound,
    now: Timestamp,
) -> Result<Trust, Stop> {
    let outbound = Outbound::new(outbound, Arc::new(SystemClock)).map_err(Stop::usage)?;
    let sources = Arc::new(KeySources::new(jwks));
    // Fetched as if at the moment that is explained, so that they are not too old then.
    let fetched = sources.refresh_due(store, &outbound, &At(now), &SystemRng).await;
    fetched.map_err(|error| open::stop_of(&error))?;
    Ok(Trust::new(sources))
}

/// The moment that is explained.
#[derive(Debug)]
struct At(Timestamp);

impl Clock for At {
    fn now_ms(&self) -> u64 {
        self.0.0.saturating_mul(1000)
    }
}

fn explain_edge(
    store: &Store,
    edge: &Edge,
    url: &str,
    cookie: Option<&str>,
    at: &Situation,
) -> Done {
    let (sent, query) =
        url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let split = path::split_session(sent);
    let checked = split.and_then(|split| path::check(&split.0).map(|()| split));
    let (clear, component) = match checked {
        Ok(split) => split,
        Err(fault) => return Ok(print_undecided(fault.code(), &fault, at)),
    };
    let Some(route) = edge.route_of(&clear) else {
        return Ok(print_undecided("route.unknown", &"no route has this prefix", at));
    };
    let mut headers = http::HeaderMap::new();
    if let Some(cookie) = cookie {
        let value = http::HeaderValue::from_str(&format!("hdntl={cookie}"));
        headers.insert(http::header::COOKIE, value.map_err(Stop::usage)?);
    }
    let presented = edge::Presented {
        path: &clear,
        component,
        query,
        headers: &headers,
        address: at.address,
        media_duration: None,
    };
    let now = moment(at)?;
    let standing = |caller: &EdgeCaller| edge::standing(store, caller, now);
    print(&edge::judge(edge, route, &presented, &standing, now), at)
}

/// Prints why a request does not get as far as to be decided.
fn print_undecided(code: &str, detail: &dyn Display, at: &Situation) -> ExitCode {
    if at.json {
        report::data(serde_json::json!({ "outcome": "refused", "reason": code, "trace": [] }));
    } else {
        report::data(format_args!("{detail}\nrefused: {code}"));
    }
    ExitCode::FAILURE
}

fn print<T>(decision: &Decision<T>, at: &Situation) -> Done {
    let reason = decision.reason();
    if at.json {
        let trace: Vec<_> = decision
            .trace()
            .iter()
            .map(|step| {
                let reason = match step.verdict {
                    Verdict::Refuse(reason) => Some(reason.code()),
                    _ => None,
                };
                serde_json::json!({
                    "rule": step.rule.as_str(),
                    "verdict": step.verdict.as_str(),
                    "reason": reason,
                    "detail": step.detail,
                })
            })
            .collect();
        report::data(serde_json::json!({
            "outcome": if reason.is_none() { "allowed" } else { "refused" },
            "reason": reason.map(portcullis_policy::Reason::code),
            "trace": trace,
        }));
    } else {
        report::data(decision);
    }
    Ok(if reason.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn moment(at: &Situation) -> Result<Timestamp, Stop> {
    match at.at {
        None => Ok(SystemClock.now()),
        Some(at) => u64::try_from(at.as_second())
            .map(Timestamp)
            .map_err(|_| Stop::usage("--at: moments before 1970 are not supported")),
    }
}

fn read_token(path: &Path) -> Result<String, Stop> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.map_err(|error| {
        Stop::usage(format_args!("`{}` cannot be read: {error}", path.display()))
    })?;
    Ok(text.trim().to_owned())
}
