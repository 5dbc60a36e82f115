//! Akamai-style tokens through the face all families share.

use portcullis_base::Timestamp;
use portcullis_token::{
    Outcome,
    claims::{Claims, Cover},
    fault::Step,
    format::{self, Explanation, Format, Given, GivenFault, Request},
};

use crate::support::Counting;

const NOW: Timestamp = Timestamp(1_700_000_000);
const KEY: (&str, &str) = ("key", "52a152a152a152a152a152a152a1");
const PATH: &str = "/vod/movie42/1.m4s";

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn request(url: &str) -> Request {
    let mut request = Request::default();
    request.set_url(url).unwrap();
    request
}

fn access() -> &'static dyn Format {
    format::find("akamai-access").unwrap()
}

fn session() -> &'static dyn Format {
    format::find("akamai-session").unwrap()
}

fn issue(format: &dyn Format, fields: &[(&str, &str)]) -> Result<String, GivenFault> {
    format.issue(&given(fields), NOW, &Counting).map(|issued| issued.token)
}

/// `success`, or step and code of the refusal.
fn verdict(format: &dyn Format, keys: &[(&str, &str)], token: &str, request: &Request) -> String {
    match format.verify(&given(keys), token, request, NOW).unwrap() {
        Ok(_) => "success".to_owned(),
        Err(refused) => format!("{} {}", refused.step.as_str(), refused.fault.code()),
    }
}

fn claims(format: &dyn Format, keys: &[(&str, &str)], token: &str, request: &Request) -> Claims {
    format.verify(&given(keys), token, request, NOW).unwrap().unwrap().into_claims()
}

#[test]
fn the_published_token_comes_out_of_the_formats_own_field_names() {
    let token = issue(
        access(),
        &[
            KEY,
            ("ip", "203.0.113.7"),
            ("st", "1700000000"),
            ("exp", "1700003600"),
            ("acl", "/vod/*"),
            ("id", "sess-0001"),
            ("data", "u=42"),
        ],
    );
    let expected = "ip=203.0.113.7~st=1700000000~exp=1700003600~acl=/vod/*~id=sess-0001~data=u=42\
                    ~hmac=04babeec58e0333c92baba66bb8e9d7899c2ba0b79997dce64c0ed81ba5a003f";
    assert_eq!(token.as_deref(), Ok(expected));

    let mut here = request("/vod/1.m4s");
    here.address = Some("203.0.113.7".parse().unwrap());
    let said = claims(access(), &[KEY], expected, &here);
    assert_eq!((said.start, said.end), (Some(NOW), Some(Timestamp(1_700_003_600))));
    assert_eq!((said.id.as_deref(), said.data.as_deref()), (Some("sess-0001"), Some("u=42")));
    assert_eq!(said.covers, [Cover::PathGlob("/vod/*".into())]);
    assert_eq!(said.addresses[0].to_string(), "203.0.113.7/32");
    assert!(said.identity.is_some());
}

#[test]
fn a_window_counts_from_the_start_or_from_now_and_an_end_wins_over_it() {
    let end = |fields: &[(&str, &str)]| {
        let fields = [&[KEY, ("acl", "/a/*")], fields].concat();
        let token = issue(access(), &fields).unwrap();
        let (_, rest) = token.split_once("exp=").unwrap();
        rest.split_once('~').unwrap().0.to_owned()
    };
    assert_eq!(end(&[("window", "1h")]), "1700003600");
    assert_eq!(end(&[("window", "60"), ("st", "now+1h")]), "1700003660");
    assert_eq!(end(&[("window", "60"), ("exp", "1700000001")]), "1700000001");
    let without = issue(access(), &[KEY, ("acl", "/a/*")]);
    assert_eq!(without, Err(GivenFault::Missing { name: "exp" }));
}

#[test]
fn each_library_is_written_as_it_writes() {
    let token = |fields: &[(&str, &str)]| {
        let fields = [&[KEY, ("exp", "1700003600")], fields].concat();
        issue(access(), &fields)
    };
    let java = [("dialect", "java"), ("escape_early", "true")];
    let list = [&java[..], &[("acl", "/vod/a/*"), ("acl", "/keys/?")]].concat();
    let list = token(&list).unwrap();
    assert!(list.starts_with("exp=1700003600~acl=%2fvod%2fa%2f*%21%2fkeys%2f%3f~hmac="), "{list}");
    let here = request("/keys/1");
    assert_eq!(verdict(access(), &[KEY], &list, &here), "success");

    let url = [("dialect", "node"), ("escape_early", "true"), ("url", "/v/(d)!.m3u8")];
    let url = token(&url).unwrap();
    assert_eq!(verdict(access(), &[KEY], &url, &request("/v/(d)!.m3u8")), "success");

    let python = [("dialect", "python"), ("escape_early", "true")];
    let tilde = token(&[&python[..], &[("acl", "/a/*"), ("data", "x~acl=/*")]].concat());
    assert!(matches!(tilde, Err(GivenFault::Denied(why)) if why.contains("`data`")));
    let plain = token(&[("dialect", "python"), ("acl", "/a/*"), ("data", "x~acl=/*")]);
    assert!(plain.is_err());
    let decodable = token(&[("dialect", "python"), ("acl", "/a/*"), ("data", "%7e")]);
    assert!(decodable.is_err(), "it would be read as another text");
    assert_eq!(
        token(&[("acl", "/a/*"), ("escape_early", "true")]),
        Err(GivenFault::Missing { name: "dialect" })
    );
    assert!(token(&[("acl", "/*")]).is_err());
    assert!(token(&[("acl", "/*"), ("danger_root_acl", "true")]).is_ok());
    assert!(token(&[("acl", "/a/*"), ("url", "/a")]).is_err());
}

#[test]
fn every_refusal_names_its_step() {
    let fields = [KEY, ("window", "60"), ("acl", "/vod/movie42/*"), ("ip", "192.0.2.1")];
    let token = issue(access(), &[&fields[..], &[("id", "v1")]].concat()).unwrap();
    let mut here = request(PATH);
    here.address = Some("192.0.2.1".parse().unwrap());
    let check = |keys: &[(&str, &str)], request: &Request, expected: &str| {
        assert_eq!(verdict(access(), keys, &token, request), expected);
    };
    check(&[KEY], &here, "success");
    check(&[("key", "00"), KEY_AS_TRANSITION], &here, "success");
    check(&[("key", "00")], &here, "signature token.signature");
    check(&[KEY, ("salt", "s")], &here, "signature token.signature");
    check(&[KEY, ("danger_algorithm", "md5")], &here, "key token.algorithm");
    check(&[KEY, ("revoked", "v0"), ("revoked", "v1")], &here, "uses token.revoked");
    check(&[KEY], &Request { path: Some("/vod/x".into()), ..here.clone() }, "coverage token.path");
    check(
        &[KEY],
        &Request { path: Some("/a/../b".into()), ..here.clone() },
        "coverage path.malformed",
    );
    check(&[KEY], &Request { path: None, ..here.clone() }, "coverage request.lacks");
    check(&[KEY], &Request { address: None, ..here.clone() }, "place request.lacks");
    let elsewhere = Some("192.0.2.2".parse().unwrap());
    check(&[KEY], &Request { address: elsewhere, ..here.clone() }, "place token.address");
    let two = Request { query: Some("hdnts=a~b&hdnts=c~d".into()), ..here.clone() };
    check(&[KEY], &two, "presence token.ambiguous");
    assert_eq!(verdict(session(), &[KEY], &token, &here), "kind token.kind");
    for (text, expected) in [
        ("exp=1~hmac=aa".to_owned(), "form token.malformed"),
        (token.replace("acl=", "acl=/x~acl="), "form token.duplicate"),
        (token.replace("exp=", "end="), "form token.malformed"),
        (token.replace("exp=1700000060~", ""), "times token.no_end"),
        ("x".repeat(65_536), "form token.too_long"),
    ] {
        assert_eq!(verdict(access(), &[KEY], &text, &here), expected, "{text}");
    }
}

const KEY_AS_TRANSITION: (&str, &str) = ("transition_key", KEY.1);

#[test]
fn clocks_may_differ_by_a_minute_where_that_was_asked_for() {
    let token = issue(access(), &[KEY, ("exp", "1700000100"), ("acl", "/vod/*")]).unwrap();
    let at = |skew: &str, now: u64| {
        let given = given(&[KEY, ("skew", skew)]);
        let verdict = access().verify(&given, &token, &request("/vod/a"), Timestamp(now));
        verdict.map(|verdict| verdict.is_ok())
    };
    assert_eq!(at("0", 1_700_000_099), Ok(true));
    assert_eq!(at("0", 1_700_000_100), Ok(false));
    assert_eq!(at("60s", 1_700_000_159), Ok(true));
    assert_eq!(at("60s", 1_700_000_160), Ok(false));
    assert!(at("61s", 1_700_000_000).is_err());
}

#[test]
fn settings_that_cannot_be_read_are_named() {
    let fault = |fields: &[(&str, &str)]| {
        access().verify(&given(fields), "x", &request("/"), NOW).unwrap_err().to_string()
    };
    assert_eq!(fault(&[]), "`key` is missing");
    assert_eq!(
        fault(&[("key", "52a")]),
        "`key` is not a usable key: the key has an odd number of hex digits"
    );
    assert!(fault(&[KEY, ("algorithm", "md5")]).contains("danger_algorithm"));
    assert!(fault(&[KEY, ("danger_algorithm", "sha512")]).contains("`danger_algorithm`"));
}

#[test]
fn a_token_is_found_under_its_name_and_where_its_kind_travels() {
    let find = |format: &dyn Format, keys: &[(&str, &str)], request: &Request| {
        format.find_in(&given(keys), request).unwrap()
    };
    let url = request("/a?x=1&hdnts=exp=1~hmac=00&y=2");
    assert_eq!(find(access(), &[], &url).as_deref(), Some("exp=1~hmac=00"));
    assert_eq!(find(access(), &[("token_name", "__token__")], &url), None);
    let named = request("/a?__token__=t");
    assert_eq!(find(access(), &[("token_name", "__token__")], &named).as_deref(), Some("t"));
    let in_path = request("/a/hdntl=t/1.m4s");
    assert_eq!(find(session(), &[], &in_path).as_deref(), Some("t"));
    assert_eq!(find(access(), &[], &in_path), None);
    let mut cookie = request("/a");
    cookie.headers.push(("Cookie".into(), "a=b; hdntl=t".into()));
    assert_eq!(find(session(), &[], &cookie).as_deref(), Some("t"));
}

#[test]
fn a_url_token_says_which_url_it_was_shown_for() {
    let token = issue(access(), &[KEY, ("window", "60"), ("url", "/a/b?q=1")]).unwrap();
    let shown = request(&format!("/a/b?hdnts={token}&q=1"));
    let said = claims(access(), &[KEY], &token, &shown);
    assert_eq!(said.covers, [Cover::Path("/a/b?q=1".into())]);
    let other = request("/a/b?q=2");
    assert_eq!(verdict(access(), &[KEY], &token, &other), "signature token.signature");
    let ignoring = [KEY, ("ignore_query_string", "true")];
    let token = issue(access(), &[KEY, ("window", "60"), ("url", "/a/b")]).unwrap();
    assert_eq!(verdict(access(), &ignoring, &token, &other), "success");
}

#[test]
fn a_session_is_bound_to_the_headers_in_its_salt() {
    let bound = [KEY, ("header_for_salt", "User-Agent"), ("header_for_salt", "Origin")];
    let said = [("window", "60"), ("acl", "/vod/*"), ("header", "user-agent: Player/1")];
    let token = issue(session(), &[&bound[..], &said].concat()).unwrap();
    let mut here = request("/vod/a");
    assert_eq!(verdict(session(), &bound, &token, &here), "signature token.signature");
    here.headers.push(("User-Agent".into(), "Player/1".into()));
    assert_eq!(verdict(session(), &bound, &token, &here), "success");
    here.headers.push(("Origin".into(), "https://other.example".into()));
    assert_eq!(verdict(session(), &bound, &token, &here), "signature token.signature");
    let long = issue(session(), &[KEY, ("window", "86401"), ("acl", "/vod/*")]);
    assert!(matches!(long, Err(GivenFault::Denied(_))));
}

fn explain(token: &str, keys: &[(&str, &str)], request: &Request) -> Explanation {
    let [format] = format::recognise(token)[..] else { panic!("not of one kind: {token}") };
    format.explain(&given(keys), token, request, NOW).unwrap()
}

fn steps(explanation: &Explanation) -> Vec<(Step, &'static str)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Failed(_) => "failed",
        Outcome::Passed(_) => "passed",
        Outcome::Skipped(_) => "skipped",
    };
    explanation.checks.iter().map(|check| (check.step, word(&check.outcome))).collect()
}

#[test]
fn an_explanation_shows_every_field_and_every_check() {
    let fields = [KEY, ("st", "1700032400"), ("window", "60"), ("acl", "/vod/*"), ("data", "a b")];
    let token = issue(access(), &fields).unwrap();
    let explained = explain(&token, &[KEY], &request("/other"));
    assert_eq!(explained.format, "akamai-access");
    let names: Vec<&str> = explained.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["st", "exp", "acl", "data", "hmac"]);
    assert_eq!(explained.fields[3].value, "a b");
    assert_eq!(
        steps(&explained),
        [
            (Step::Coverage, "passed"),
            (Step::Key, "passed"),
            (Step::Signature, "passed"),
            (Step::Times, "failed"),
            (Step::Coverage, "failed"),
            (Step::Place, "skipped"),
            (Step::Uses, "skipped"),
        ]
    );
    let (_, fault) = explained.fault().unwrap();
    let advice = format::advice(fault, NOW).unwrap();
    assert!(advice.contains("a local time 9 h ahead of UTC"), "{advice}");
    let said = explained.claims.unwrap().to_string();
    assert!(said.contains(r#""covers":["path glob /vod/*"]"#), "{said}");
}

#[test]
fn an_explanation_needs_no_key_and_no_request() {
    let token = issue(session(), &[KEY, ("window", "60"), ("acl", "/vod/*")]).unwrap();
    let explained = explain(&token, &[], &Request::default());
    assert_eq!(explained.format, "akamai-session");
    assert_eq!(explained.fault(), None);
    assert!(steps(&explained).contains(&(Step::Signature, "skipped")));
    assert!(steps(&explained).contains(&(Step::Times, "passed")));
    let named = [KEY, ("header_for_salt", "user-agent")];
    assert!(
        steps(&explain(&token, &named, &Request::default()))
            .contains(&(Step::Signature, "skipped"))
    );
}

#[test]
fn what_cannot_be_read_is_still_shown() {
    let token = issue(access(), &[KEY, ("window", "60"), ("acl", "/vod/*")]).unwrap();
    let twice = token.replace("acl=", "acl=/x~acl=");
    let explained = explain(&twice, &[KEY], &request("/vod/a"));
    assert_eq!(steps(&explained), [(Step::Form, "failed")]);
    assert_eq!(explained.fields.len(), 4);
    assert_eq!(explained.claims, None);
}

#[test]
fn a_token_is_recognised_as_one_kind() {
    let access_token = issue(access(), &[KEY, ("window", "60"), ("acl", "/vod/*")]).unwrap();
    let session_token = issue(session(), &[KEY, ("window", "60"), ("acl", "/vod/*")]).unwrap();
    for (token, name) in [
        (access_token.as_str(), Some("akamai-access")),
        (&access_token.replace('=', "%3d"), Some("akamai-access")),
        (&session_token, Some("akamai-session")),
        ("e30.e30.AA", None),
        ("URLPrefix=aHR0cHM~Expires=1~hmac=0123456789012345678901234567890123456789", None),
        ("", None),
    ] {
        let found = format::recognise(token);
        let mine = found.iter().map(|format| format.about().name);
        let mine: Vec<&str> = mine.filter(|name| name.starts_with("akamai-")).collect();
        assert_eq!(mine, Vec::from_iter(name), "{token}");
    }
}

#[test]
fn a_token_becomes_one_of_the_other_kind_and_says_what_was_lost() {
    let fields = [KEY, ("st", "now"), ("window", "60"), ("acl", "/vod/*"), ("id", "v1")];
    let token = issue(access(), &fields).unwrap();
    let here = request("/vod/a");
    let verified = access().verify(&given(&[KEY]), &token, &here, NOW).unwrap().unwrap();
    let keys = given(&[KEY]);
    let converted = format::convert(&verified, session(), &keys, &here, NOW, &Counting).unwrap();
    let losses: Vec<&str> = converted.losses.iter().map(|loss| loss.what.as_str()).collect();
    assert_eq!(losses, ["start"]);
    let said = claims(session(), &[KEY], &converted.issued.token, &here);
    assert_eq!(said.id.as_deref(), Some("v1"));
}
