//! The parts of `docs/tokens.md` that are made from what the families say of themselves.
//!
//! The page is accepted by hand: when the test fails, it prints what belongs there.

use std::fmt::Write as _;

use portcullis_base::{DrmSystem, Timestamp, json::Value};
use portcullis_token::{
    claims::{Claims, Cover, TokenSystem, Uses},
    format::{About, FORMATS, Format, Need, Param},
};

use super::{Desk, page::page};

#[test]
fn the_page_says_what_the_families_say() {
    let page = page();
    let mut changed = String::new();
    let mut check = |name: &str, made: &str| {
        let mark = format!("made: {name}");
        if region(&page, &mark) != Some(made) {
            write!(changed, "<!-- {mark} -->\n{made}<!-- end -->\n").unwrap();
        }
    };
    check("families", &families());
    for format in FORMATS {
        check(format.about().name, &section(format.about()));
    }
    assert!(changed.is_empty(), "docs/tokens.md should have\n{changed}");
}

#[test]
fn every_code_is_on_the_page_and_no_other() {
    let source = include_str!("../../../../portcullis-token/src/fault.rs");
    let arms = source.lines().filter_map(|line| line.trim().split_once("=> \""));
    let codes = arms.filter_map(|(_, code)| code.strip_suffix("\","));
    let mut codes: Vec<&str> = codes.filter(|code| code.contains('.')).collect();
    codes.sort_unstable();
    assert!(codes.len() > 25, "the codes were not found in the source");
    let page = page();
    let (_, section) = page.split_once("## Why a token is refused\n").unwrap();
    let section = section.split_once("\n## ").unwrap().0;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), codes);
}

#[test]
fn the_sample_of_a_test_set_comes_out_as_the_page_says() {
    let page = page();
    let (_, sample) = page.split_once("    $ echo '").unwrap();
    let mut lines = sample.lines();
    let asked = lines.next().unwrap().strip_suffix("' \\").unwrap();
    let answered = lines.nth(1).unwrap().trim();
    let ran = Desk::new().sh("portcullis token verify --batch", "", asked);
    assert_eq!(ran.out.trim_end(), answered);
}

/// What stands between a mark and its end.
pub(super) fn region<'a>(page: &'a str, mark: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("<!-- {mark} -->\n"))?;
    rest.split_once("<!-- end -->").map(|(text, _)| text)
}

fn families() -> String {
    let mut text =
        String::from("| family | what it is | issue | verify | explain | it can say |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    let probes = probes();
    for format in FORMATS {
        let about = format.about();
        let (name, title) = (about.name, cell(about.title));
        let says = says(*format, &probes).join(", ");
        writeln!(text, "| [`{name}`](#{name}) | {title} | yes | yes | yes | {says} |").unwrap();
    }
    text
}

/// The claims a family can say: those that change the fields it would issue.
fn says(format: &dyn Format, probes: &[(&'static str, Claims)]) -> Vec<&'static str> {
    let silent = fields(format, &Claims::default());
    let said = probes.iter().filter(|(_, claims)| fields(format, claims) != silent);
    said.map(|(name, _)| *name).collect()
}

fn section(about: &About) -> String {
    let mut text = format!(
        "{}. Described in: {}. In a test set `token` is {}.\n\n",
        about.title, about.source, about.token
    );
    text.push_str("| | name | kind | needed | meaning |\n|---|---|---|---|---|\n");
    let mut rows = |what: &str, params: &[Param]| {
        for param in params {
            let need = match param.need {
                Need::Optional => "",
                other => other.as_str(),
            };
            let (name, kind, help) = (param.name, param.kind.as_str(), cell(param.help));
            writeln!(text, "| {what} | `{name}` | {kind} | {need} | {help} |").unwrap();
        }
    };
    rows("key", about.keys);
    rows("field", about.says);
    text.push_str("\nKnown weaknesses, and what is done about them:\n\n");
    for weakness in about.weaknesses {
        writeln!(text, "- {weakness}").unwrap();
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn fields(format: &dyn Format, claims: &Claims) -> Vec<(String, Vec<String>)> {
    let given = format.fields_of(claims);
    let texts = |name: &str| given.all(name).map(str::to_owned).collect();
    given.names().map(|name| (name.to_owned(), texts(name))).collect()
}

fn probes() -> Vec<(&'static str, Claims)> {
    let some = |text: &str| Some(text.to_owned());
    let time = Some(Timestamp(1_700_000_000));
    let mut probes = Vec::new();
    let mut add = |name, make: &dyn Fn(&mut Claims)| {
        let mut claims = Claims::default();
        make(&mut claims);
        probes.push((name, claims));
    };
    add("issuer", &|claims| claims.issuer = some("issuer"));
    add("audience", &|claims| claims.audiences = vec!["audience".into()]);
    add("issued", &|claims| claims.issued_at = time);
    add("start", &|claims| claims.start = time);
    add("end", &|claims| claims.end = time);
    add("id", &|claims| claims.id = some("id"));
    add("uses", &|claims| claims.uses = Uses::ONCE);
    add("user", &|claims| claims.user = some("user"));
    add("session", &|claims| claims.session = some("session"));
    add("device", &|claims| claims.devices = vec!["device".into()]);
    add("address", &|claims| claims.addresses = vec!["192.0.2.7/32".parse().unwrap()]);
    add("country", &|claims| claims.countries = vec!["KR".into()]);
    add("path", &|claims| claims.covers = vec![Cover::Path("/a/b".into())]);
    add("path glob", &|claims| claims.covers = vec![Cover::PathGlob("/a/*".into())]);
    add("path prefix", &|claims| claims.covers = vec![Cover::PathPrefix("/a/".into())]);
    add("url", &|claims| claims.covers = vec![Cover::Url("https://a.example/b".into())]);
    add("url glob", &|claims| claims.covers = vec![Cover::UrlGlob("https://a.example/*".into())]);
    add("url prefix", &|claims| {
        claims.covers = vec![Cover::UrlPrefix("https://a.example/".into())]
    });
    add("url regex", &|claims| claims.covers = vec![Cover::UrlRegex("https://a/.*".into())]);
    add("content", &|claims| claims.content = some("content"));
    let kid = "10000000-0000-4000-8000-000000000001";
    add("kid", &|claims| claims.kids = vec![kid.parse().unwrap()]);
    add("system", &|claims| claims.system = Some(TokenSystem::Known(DrmSystem::Widevine)));
    add("terms", &|claims| claims.terms.playback.persistent = Some(true));
    add("data", &|claims| claims.data = some("data"));
    add("other", &|claims| {
        claims.other.insert("x".into(), Value::from("y"));
    });
    probes
}
