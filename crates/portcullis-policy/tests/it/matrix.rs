//! The decision matrix: who presents what (rows), in which situation (columns), and what
//! comes out: a tick, or the reason for the no.
//!
//! The file beside this one is accepted by hand. When a change is meant, the table printed
//! by the failing test is what goes into the file.

use std::fmt::{Display, Write as _};

use portcullis_base::{DrmSystem, KeyId, Scheme, Timestamp};
use portcullis_policy::{
    Caller, Decision, EdgeAsk, EdgeKind, EdgeRoute, LicenseAsk, PackagingAsk, PackagingFacts,
    Reason, Rule, TokenAsk, UseCount, decide_edge, decide_license, decide_listing,
    decide_packaging, decide_token,
    model::{Facts, Operator, Standing, SubjectKind},
};

use crate::{
    cast::{self, NOW},
    tokens::{self, EdgeTokens},
};

const ACCEPTED: &str = include_str!("matrix.txt");

#[test]
fn every_decision_comes_out_as_accepted() {
    let actual = matrix();
    assert!(actual == ACCEPTED, "the matrix is now:\n\n{actual}");
}

#[test]
fn every_reason_is_in_the_matrix() {
    let words: Vec<_> = ACCEPTED.split_whitespace().collect();
    for reason in Reason::ALL {
        assert!(words.contains(&reason.code()), "`{reason}` is in no cell");
    }
}

fn matrix() -> String {
    [
        licenses_token(),
        licenses_place(),
        licenses_keys(),
        licenses_uses(),
        licenses_revoked(),
        issuing(),
        edge(),
        edge_routes(),
        edge_revoked(),
        packaging(),
        listing(),
    ]
    .join("\n")
}

/// One situation in which licenses are asked for.
struct LicenseCase {
    facts: Facts,
    ask: LicenseAsk,
    now: Timestamp,
}

impl LicenseCase {
    fn new(change: impl FnOnce(&mut Self)) -> Self {
        let kids = cast::film().keys.iter().map(|key| key.kid).collect();
        let address = Some(cast::AT_HOME);
        let ask = LicenseAsk { kids, system: DrmSystem::ClearKey, address };
        let mut case = Self { facts: cast::facts(), ask, now: NOW };
        change(&mut case);
        case
    }

    /// A tick and, where keys were left out, the classes of those granted.
    fn cell(&self, caller: Result<Caller, Reason>) -> String {
        let decision = match caller {
            Ok(caller) => {
                // The store brings the entry of the user the token names.
                let facts = cast::for_subject(&self.facts, caller.subject().as_ref());
                decide_license(&caller, &facts, &self.ask, self.now)
            }
            Err(reason) => Decision::refused(Rule::Token, reason, ""),
        };
        cell(decision, |grant| {
            let class = |kid: &KeyId| cast::film().key(kid).unwrap().class.to_string();
            let classes: Vec<_> = grant.kids().map(class).collect();
            let all = classes.len() == cast::film().keys.len();
            if all { String::new() } else { classes.join(" ") }
        })
    }
}

fn licenses_token() -> String {
    let columns = [
        ("token asked for", LicenseCase::new(|_| ())),
        ("open key policy", LicenseCase::new(|case| cast::open(&mut case.facts))),
        ("binding optional", LicenseCase::new(|case| cast::binding_optional(&mut case.facts))),
        ("claim `tier` = gold", LicenseCase::new(|case| cast::tier_gold(&mut case.facts))),
        ("alice is listed", LicenseCase::new(|case| cast::listed(&mut case.facts))),
    ];
    let rows = tokens::playback();
    table("license, by token", &rows, &columns, |presents, case| case.cell(presents()))
}

fn licenses_place() -> String {
    let second = |offset: i64| Timestamp(NOW.0.checked_add_signed(offset).unwrap());
    let columns = [
        ("opens in 1 s", LicenseCase::new(|case| cast::window(&mut case.facts, 1, 60))),
        ("closes now", LicenseCase::new(|case| cast::window(&mut case.facts, -60, 0))),
        ("address denied", LicenseCase::new(|case| cast::denied(&mut case.facts))),
        ("address not allowed", LicenseCase::new(|case| cast::allowed_none(&mut case.facts))),
        (
            "address unknown",
            LicenseCase::new(|case| {
                cast::denied(&mut case.facts);
                case.ask.address = None;
            }),
        ),
        ("an hour later", LicenseCase::new(|case| case.now = second(3600))),
        ("a minute earlier", LicenseCase::new(|case| case.now = second(-60))),
    ];
    let rows: Vec<_> = tokens::playback().into_iter().take(2).collect();
    let (time, place) = columns.split_at(2);
    let first =
        table("license, by place and hour", &rows, place, |presents, case| case.cell(presents()));
    let second = table("license, by window", &rows, time, |presents, case| case.cell(presents()));
    format!("{second}\n{first}")
}

fn licenses_keys() -> String {
    let columns = [
        ("up to SD", LicenseCase::new(|case| cast::up_to_sd(&mut case.facts))),
        (
            "asks HD only",
            LicenseCase::new(|case| {
                cast::up_to_sd(&mut case.facts);
                case.ask.kids = vec![cast::HD];
            }),
        ),
        ("asks foreign keys", LicenseCase::new(|case| case.ask.kids = vec![cast::FOREIGN])),
        (
            "one foreign key too",
            LicenseCase::new(|case| case.ask.kids = vec![cast::FOREIGN, cast::SD]),
        ),
        ("HDCP, clearkey", LicenseCase::new(|case| cast::hdcp(&mut case.facts))),
        (
            "HDCP, widevine",
            LicenseCase::new(|case| {
                cast::hdcp(&mut case.facts);
                case.ask.system = DrmSystem::Widevine;
            }),
        ),
        ("open terms, clearkey", LicenseCase::new(|_| {})),
        ("open terms, widevine", LicenseCase::new(|case| case.ask.system = DrmSystem::Widevine)),
    ];
    let names = [
        "our token",
        "names the SD key",
        "AUDIO and SD only",
        "classes unreadable",
        "terms: AUDIO only",
        "terms: streaming",
        "terms: an hour",
        "terms: HDCP",
        "terms unreadable",
        "unknown claim of ours",
    ];
    let rows = tokens::playback();
    let rows: Vec<_> = rows.into_iter().filter(|(name, _)| names.contains(name)).collect();
    let (classes, others) = columns.split_at(4);
    let cell = |presents: &tokens::Presents, case: &LicenseCase| case.cell(presents());
    let first = table("license, by keys", &rows, classes, cell);
    format!("{first}\n{}", table("license, by terms", &rows, others, cell))
}

/// The last two columns are what an explanation knows beforehand; the others what a request
/// is told by whoever counts.
fn licenses_uses() -> String {
    let case = |used| LicenseCase::new(|case| case.facts.used = used);
    let columns = [
        ("a use was taken", (case(None), UseCount::Taken)),
        ("none is left", (case(None), UseCount::UsedUp)),
        ("cannot be counted", (case(None), UseCount::Unavailable)),
        ("nobody counted", (case(None), UseCount::NotCounted)),
        ("used twice so far", (case(Some(2)), UseCount::Taken)),
        ("used 3 times so far", (case(Some(3)), UseCount::Taken)),
    ];
    let names = ["our token", "nothing", "for three uses", "for one use"];
    let rows = tokens::playback();
    let rows: Vec<_> = rows.into_iter().filter(|(name, _)| names.contains(name)).collect();
    table("license, by uses", &rows, &columns, |presents, (case, count)| {
        let decision = match presents() {
            Ok(caller) => decide_license(&caller, &case.facts, &case.ask, case.now),
            Err(reason) => Decision::refused(Rule::Token, reason, ""),
        };
        match decision.into_allowed().and_then(|grant| grant.settle(*count)) {
            Ok(_) => "✓".to_owned(),
            Err(reason) => reason.to_string(),
        }
    })
}

/// Every standing a request can have.
fn standings() -> Vec<(&'static str, Standing)> {
    let revoked = SubjectKind::ALL.map(|kind| (kind.as_str(), Standing::Revoked(kind)));
    let others = [("not known", Standing::Unknown), ("nothing", Standing::Good)];
    others.into_iter().chain(revoked).collect()
}

/// What was revoked stands in the rows here.
fn licenses_revoked() -> String {
    let columns = [
        ("our token", tokens::for_film as fn() -> Caller),
        ("nothing presented", || Caller::Anonymous),
    ];
    let by_standing = table("license, revoked", &standings(), &columns, |standing, caller| {
        LicenseCase::new(|case| case.facts.standing = *standing).cell(Ok(caller()))
    });
    let columns = [
        ("SD revoked", LicenseCase::new(|case| case.facts.revoked_keys = [cast::SD].into())),
        (
            "all revoked",
            LicenseCase::new(|case| {
                case.facts.revoked_keys = [cast::AUDIO, cast::SD, cast::HD].into();
            }),
        ),
    ];
    let names = ["our token", "names the SD key", "AUDIO and SD only"];
    let rows = tokens::playback();
    let rows: Vec<_> = rows.into_iter().filter(|(name, _)| names.contains(name)).collect();
    let by_key =
        table("license, by revoked keys", &rows, &columns, |presents, case| case.cell(presents()));
    let issuer = TokenAsk {
        requester: cast::issuer(),
        subject: "alice".parse().unwrap(),
        address: None,
        key: None,
        max_uses: None,
    };
    let issuing = table("token, revoked", &standings(), &[("issuer", issuer)], |standing, ask| {
        let facts = Facts { standing: *standing, ..cast::facts() };
        cell(decide_token(ask, &facts, NOW), |_| String::new())
    });
    format!("{by_standing}\n{by_key}\n{issuing}")
}

fn edge_revoked() -> String {
    let names = ["nothing", "access token", "session token"];
    let columns = tokens::edge();
    let columns: Vec<_> = columns.into_iter().filter(|(name, _)| names.contains(name)).collect();
    table("edge, revoked", &standings(), &columns, |standing, presents| {
        let ask = EdgeAsk {
            path: "/media/film/manifest.mpd",
            kind: EdgeKind::Manifest,
            address: Some(cast::AT_HOME),
            media_duration: None,
            standing: *standing,
        };
        edge_cell(presents, &cast::route(), &ask)
    })
}

fn issuing() -> String {
    let alice = |change: fn(&mut Facts)| {
        let mut facts = cast::facts();
        cast::listed(&mut facts);
        change(&mut facts);
        facts
    };
    let columns = [
        ("alice is listed", alice(|_| ())),
        ("list unreadable", alice(cast::unreadable)),
        ("open key policy", alice(cast::open)),
        ("window closed", alice(|facts| cast::window(facts, -60, 0))),
        ("address denied", alice(cast::denied)),
        ("listed until now", alice(|facts| cast::listed_for(facts, -60, 0))),
        ("listed from 1 s on", alice(|facts| cast::listed_for(facts, 1, 60))),
    ];
    let ask = |requester: Operator, subject: &str| TokenAsk {
        requester,
        subject: subject.parse().unwrap(),
        address: None,
        key: None,
        max_uses: None,
    };
    let rows = [
        ("issuer, for alice", ask(cast::issuer(), "alice")),
        ("issuer, for bob", ask(cast::issuer(), "bob")),
        (
            "issuer, alice at home",
            TokenAsk { address: Some(cast::AT_HOME), ..ask(cast::issuer(), "alice") },
        ),
        ("issuer, naming SD key", TokenAsk { key: Some(cast::SD), ..ask(cast::issuer(), "alice") }),
        (
            "issuer, foreign key",
            TokenAsk { key: Some(cast::FOREIGN), ..ask(cast::issuer(), "alice") },
        ),
        ("admin, for alice", ask(cast::admin(), "alice")),
        ("another tenant's issuer", ask(cast::stranger(), "alice")),
        ("local user, for alice", ask(cast::local(), "alice")),
    ];
    let cell = |ask: &TokenAsk, facts: &Facts| {
        // The store brings the entry of the user asked about.
        let facts = cast::for_subject(facts, Some(&ask.subject));
        cell(decide_token(ask, &facts, NOW), |_| String::new())
    };
    let (first, second) = columns.split_at(4);
    format!(
        "{}\n{}",
        table("token", &rows, first, cell),
        table("token, by place and list", &rows, second, cell)
    )
}

fn edge() -> String {
    let ask = |path| EdgeAsk {
        path,
        kind: EdgeKind::Manifest,
        address: Some(cast::AT_HOME),
        media_duration: None,
        standing: Standing::Good,
    };
    let tampered = ask("/media/other/manifest.mpd");
    let segment = EdgeAsk { kind: EdgeKind::Media, ..ask("/media/film/video/1.m4s") };
    let away = EdgeAsk { address: Some(cast::ELSEWHERE), ..ask("/media/film/manifest.mpd") };
    let columns = [
        ("manifest", ask("/media/film/manifest.mpd")),
        ("segment", segment),
        ("another film", tampered),
        ("from elsewhere", away),
        ("dots in the path", ask("/media/film/../film/a.mpd")),
    ];
    let rows = tokens::edge();
    let route = cast::route();
    table("edge", &rows, &columns, |presents, ask| edge_cell(presents, &route, ask))
}

fn edge_routes() -> String {
    let columns = [
        ("token route", cast::route()),
        ("open route", cast::open_route()),
        ("address denied", cast::denied_route()),
        (
            "no second to live",
            EdgeRoute { session_lifetime_max: std::time::Duration::ZERO, ..cast::route() },
        ),
    ];
    let names = ["nothing", "access token", "session token"];
    let rows = tokens::edge();
    let rows: Vec<_> = rows.into_iter().filter(|(name, _)| names.contains(name)).collect();
    let ask = EdgeAsk {
        path: "/media/film/manifest.mpd",
        kind: EdgeKind::Manifest,
        address: Some(cast::AT_HOME),
        media_duration: None,
        standing: Standing::Good,
    };
    table("edge, by route", &rows, &columns, |presents, route| edge_cell(presents, route, &ask))
}

fn edge_cell(presents: &EdgeTokens, route: &EdgeRoute, ask: &EdgeAsk<'_>) -> String {
    let decision = match presents.verify(ask) {
        Ok(caller) => decide_edge(&caller, route, ask, NOW),
        Err(reason) => Decision::refused(Rule::Token, reason, ""),
    };
    cell(decision, |admission| {
        admission.session().map_or_else(String::new, |_| "session".to_owned())
    })
}

fn packaging() -> String {
    let rows = [
        ("packager", cast::packager()),
        ("issuer", cast::issuer()),
        ("admin", cast::admin()),
        ("another tenant's packager", cast::strange_packager()),
        ("local user", cast::local()),
    ];
    let columns = [("cenc", Scheme::Cenc), ("cbcs (no such keys)", Scheme::Cbcs)];
    let facts = PackagingFacts { content: cast::film() };
    table("packaging", &rows, &columns, |operator, scheme| {
        let ask = PackagingAsk { scheme: *scheme };
        cell(decide_packaging(operator, &facts, &ask), |_| String::new())
    })
}

fn listing() -> String {
    let rows = [
        ("viewer", cast::viewer()),
        ("issuer", cast::issuer()),
        ("admin", cast::admin()),
        ("local user", cast::local()),
    ];
    table("what was revoked", &rows, &[("their tenant's", ())], |operator, ()| {
        cell(decide_listing(operator), |()| String::new())
    })
}

fn cell<T>(decision: Decision<T>, note: impl FnOnce(&T) -> String) -> String {
    match decision.into_allowed() {
        Ok(allowed) => format!("✓ {}", note(&allowed)).trim_end().to_owned(),
        Err(reason) => reason.to_string(),
    }
}

fn table<R, C>(
    title: &str,
    rows: &[(&str, R)],
    columns: &[(&str, C)],
    cell: impl Fn(&R, &C) -> String,
) -> String {
    let mut text = String::new();
    line(&mut text, title, columns.iter().map(|(name, _)| name));
    for (name, row) in rows {
        line(&mut text, name, columns.iter().map(|(_, column)| cell(row, column)));
    }
    text
}

fn line(text: &mut String, first: &str, cells: impl Iterator<Item = impl Display>) {
    let mut line = format!("{first:<28}");
    for cell in cells {
        write!(line, "{cell:<21}").unwrap();
    }
    writeln!(text, "{}", line.trim_end()).unwrap();
}
