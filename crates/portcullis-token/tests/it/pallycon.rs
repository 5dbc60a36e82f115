//! PallyCon tokens: what they may say, what they ask of a track, how they are made and shown.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{DrmSystem, SecretBytes, Timestamp, TrackClass};
use portcullis_terms::{
    Tracks,
    output::{FairPlayHdcp, WidevineHdcp, WidevineLevel},
    playback::Limit,
};
use portcullis_token::{
    claims::{Claims, KeyPurpose, TokenSystem, Uses},
    fault::{Fault, Refused, Step},
    format::{self, Explanation, Format, Given, GivenFault, Request},
    pallycon::{
        Asked, Hint, IssueError, KeyRotation, PallyConClaims, PallyConIssue, PallyConKeys,
        PallyConSettings, PallyConSite, ResponseFormat, UserIdRule, issue, outside_code, policy,
        vendor_code, verify,
    },
};

use crate::support::Counting;

pub(crate) const WIDEVINE: TokenSystem = TokenSystem::Known(DrmSystem::Widevine);
pub(crate) const SITE_KEY: &str = "lU5D8s3PWoLls3PWFWkClULlFWk5D8oC";
pub(crate) const ACCESS_KEY: &str = "LT2FVJDp2Xr018zf4Di6lzvNOv3DKP20";
/// 2021-11-11T07:28:41Z, the timestamp of the tutorial.
pub(crate) const NOW: Timestamp = Timestamp(1_636_615_721);
pub(crate) const ASKED: Asked<'_> = Asked { system: Some(WIDEVINE), content: Some("bigbuckbunny") };

pub(crate) fn keys(site_key: &str, access_key: &str) -> PallyConKeys {
    let bytes = |text: &str| SecretBytes::new(text.as_bytes().to_vec());
    PallyConKeys::new(&bytes(site_key), &bytes(access_key)).unwrap()
}

pub(crate) fn site() -> PallyConSite {
    PallyConSite::new("TUTO", keys(SITE_KEY, ACCESS_KEY)).unwrap()
}

pub(crate) fn wish(policy: &str) -> PallyConIssue<'_> {
    PallyConIssue {
        system: WIDEVINE,
        user: Some("test-user"),
        content: "bigbuckbunny",
        policy,
        timestamp: NOW,
        response_format: ResponseFormat::Original,
        key_rotation: KeyRotation::Fixed,
    }
}

fn said(policy: &str) -> PallyConClaims {
    let token = issue(&wish(policy), &site()).unwrap();
    verify(&token, &site(), &ASKED, NOW).unwrap().into_claims()
}

#[test]
fn the_tutorial_comes_out_to_the_byte() {
    let token = issue(&wish(PLAIN), &site()).unwrap();
    assert_eq!(token.len(), 432);
    let json = String::from_utf8(STANDARD.decode(&token).unwrap()).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"drm_type":"Widevine","site_id":"TUTO","user_id":"test-user","#,
            r#""cid":"bigbuckbunny","policy":"sX7DEMZ1S2xaMoIt76m+yDwylZRVJ2Gzs2I1b0+mzL0X9F"#,
            r#"cJ43aAloqI5noG2iyC57AagPl2jY9mxCL/WqNabQ==","timestamp":"2021-11-11T07:28:41Z","#,
            r#""hash":"o6dD1qJbdrQvU86JUxZiKf8WBo0BH6oc+kN8CVNk2rM=","#,
            r#""response_format":"original","key_rotation":false}"#,
        )
    );
    let claims = verify(&token, &site(), &ASKED, NOW).unwrap().into_claims();
    assert_eq!(claims.user.as_deref(), Some("test-user"));
    assert_eq!((claims.timestamp, claims.end), (NOW, Timestamp(NOW.0 + 601)));
    assert_eq!(claims.policy.terms.playback.persistent, Some(false));
}

#[test]
fn a_token_is_known_by_its_hash_however_it_is_written() {
    let token = issue(&wish(PLAIN), &site()).unwrap();
    let json = String::from_utf8(STANDARD.decode(&token).unwrap()).unwrap();
    let other = json.replace("\":", "\" : ").replace("\"original\"", "\"json\"");
    let identity = |json: &str| {
        let token = STANDARD.encode(json);
        verify(&token, &site(), &ASKED, NOW).unwrap().claims().identity().unwrap()
    };
    assert_ne!(json, other);
    assert_eq!(identity(&json), identity(&other));
    assert_eq!(identity(&json).issuer(), "TUTO");
}

#[test]
fn a_policy_asks_of_a_track_what_its_own_entry_and_the_wider_ones_ask() {
    let policy = said(
        r#"{"policy_version":2,"security_policy":[
            {"track_type":"HD","widevine":{"security_level":5}},
            {"track_type":"ALL_VIDEO","widevine":{"security_level":2}},
            {"widevine":{"security_level":1,"required_hdcp_version":"HDCP_V1"}}]}"#,
    )
    .policy;
    let check = |class, level, hdcp| {
        let asked = policy::resolve(&policy.terms, class).widevine.unwrap();
        assert_eq!((asked.security_level, asked.hdcp), (Some(level), Some(hdcp)), "{class}");
    };
    check(TrackClass::Audio, WidevineLevel::SwSecureCrypto, WidevineHdcp::V1);
    check(TrackClass::Sd, WidevineLevel::SwSecureDecode, WidevineHdcp::V1);
    check(TrackClass::Hd, WidevineLevel::HwSecureAll, WidevineHdcp::V1);
    check(TrackClass::Uhd1, WidevineLevel::SwSecureDecode, WidevineHdcp::V1);
}

#[test]
fn sound_stays_in_software_unless_an_entry_of_its_own_says_otherwise() {
    let check = |entries: &str, level: WidevineLevel, hdcp: WidevineHdcp| {
        let policy = said(&format!(r#"{{"policy_version":2,"security_policy":[{entries}]}}"#));
        let terms = policy.policy.terms;
        let audio = policy::resolve(&terms, TrackClass::Audio).widevine.unwrap();
        assert_eq!((audio.security_level, audio.hdcp), (Some(level), Some(hdcp)), "{entries}");
        // The model's own resolution comes to the same, where it says anything.
        let plain = terms.output_for(TrackClass::Audio).widevine.unwrap_or_default();
        assert!(plain.security_level.is_none_or(|plain| plain == level), "{entries}");
    };
    let all = |level| {
        format!(r#"{{"widevine":{{"security_level":{level},"required_hdcp_version":"HDCP_V2"}}}}"#)
    };
    check(&all(2), WidevineLevel::SwSecureDecode, WidevineHdcp::V2);
    check(&all(3), WidevineLevel::SwSecureCrypto, WidevineHdcp::None);
    check(&all(5), WidevineLevel::SwSecureCrypto, WidevineHdcp::None);
    let video = all(5).replace("{\"widevine", "{\"track_type\":\"ALL_VIDEO\",\"widevine");
    check(&video, WidevineLevel::SwSecureCrypto, WidevineHdcp::None);
    let own = r#"{"track_type":"AUDIO","widevine":{"security_level":4}}"#;
    check(&format!("{},{own}", all(5)), WidevineLevel::HwSecureDecode, WidevineHdcp::V2);
    let other = r#"{"track_type":"AUDIO","fairplay":{"hdcp_enforcement":0}}"#;
    check(&format!("{},{other}", all(5)), WidevineLevel::SwSecureCrypto, WidevineHdcp::None);
}

#[test]
fn a_duration_puts_an_end_out_of_force_and_zero_does_not() {
    let check = |members: &str, license: Option<Limit>, expires: Option<u64>| {
        let policy =
            said(&format!(r#"{{"policy_version":2,"playback_policy":{{{members}}}}}"#)).policy;
        assert_eq!(policy.terms.playback.license, license, "{members}");
        assert_eq!(policy.terms.playback.expires, expires.map(Timestamp), "{members}");
    };
    let end = r#""expire_date":"2031-12-31T23:59:59Z""#;
    check(end, None, Some(1_956_527_999));
    check(&format!(r#"{end},"license_duration":60"#), Some(Limit::Seconds(60)), None);
    let unlimited = Some(Limit::Unlimited);
    check(&format!(r#"{end},"license_duration":0"#), unlimited, Some(1_956_527_999));
    check(r#""license_duration":2147483647"#, Some(Limit::Seconds(2_147_483_647)), None);
    check("", None, None);
}

#[test]
fn a_policy_of_version_1_says_what_version_2_would() {
    let read = |text: &str| policy::read(text.as_bytes()).unwrap();
    let first = read(
        r#"{"playback_policy":{"limit":true,"persistent":true,"duration":3600},
            "security_policy":{"hardware_drm":true,"output_protect":{"control_hdcp":1},
                "playready_security_level":2000},
            "external_key":{"hls_aes":{"key":"3a2a1b68dd2bd9b2eeb25e84c4776668",
                "iv":"00000000000000000000000000000001"}}}"#,
    );
    let second = read(
        r#"{"policy_version":2,"playback_policy":{"persistent":true,"license_duration":3600},
            "security_policy":[
                {"track_type":"ALL","ncg":{"control_hdcp":1},"playready":{"security_level":2000}},
                {"track_type":"ALL_VIDEO",
                 "widevine":{"security_level":5,"required_hdcp_version":"HDCP_V1"},
                 "fairplay":{"hdcp_enforcement":0},
                 "playready":{"digital_video_protection_level":300}}]}"#,
    );
    assert_eq!(first.terms, second.terms);
    let key = first.keys.first().unwrap();
    assert_eq!((key.tracks, key.purpose), (Tracks::All, KeyPurpose::Hls));

    let unlimited = read(r#"{"playback_policy":{"limit":false,"duration":3600}}"#);
    assert_eq!(unlimited.terms.playback.license, Some(Limit::Unlimited));
    let strict = read(r#"{"security_policy":{"output_protect":{"control_hdcp":2}}}"#);
    let video = strict.terms.output_for(TrackClass::Hd);
    assert_eq!(video.widevine.unwrap().hdcp, Some(WidevineHdcp::V2_2));
    assert_eq!(video.fairplay.unwrap().hdcp, Some(FairPlayHdcp::Type1));
    assert_eq!(video.playready.unwrap().hdcp_type_1, Some(true));
}

#[test]
fn keys_that_come_along_are_read_and_never_shown() {
    let text = r#"{"policy_version":2,"external_key":{"mpeg_cenc":[{"track_type":"SD",
        "key_id":"10000000100010001000100000000001","key":"3A2A1B68DD2BD9B2EEB25E84C4776668"}],
        "ncg":{"cek":"04abe57a9f6c4c04a8d1c1ae5ed1d3ce04abe57a9f6c4c04a8d1c1ae5ed1d3ce"}}}"#;
    let claims = said(text);
    let [cenc, ncg] = claims.policy.keys.as_slice() else { panic!("two keys") };
    assert_eq!(cenc.kid.unwrap().to_string(), "10000000-1000-1000-1000-100000000001");
    assert_eq!(hex::encode(cenc.key.expose()), "3a2a1b68dd2bd9b2eeb25e84c4776668");
    assert_eq!((ncg.purpose, ncg.key.len()), (KeyPurpose::Ncg, 32));

    let token = issue(&wish(text), &site()).unwrap();
    let told = explain(&token, &[], NOW);
    let value = |name: &str| shown(&told, name).unwrap().0;
    assert_eq!(value("policy.external_key.mpeg_cenc[0].key"), "…");
    assert_eq!(value("policy.external_key.ncg.cek"), "…");
    assert_eq!(value("policy.external_key.mpeg_cenc[0].track_type"), "SD");
    let all = format!("{told:?}").to_lowercase();
    assert!(!all.contains("3a2a1b68") && !all.contains("04abe57a"));
}

#[test]
fn the_length_of_a_token_is_bounded() {
    let check = |bytes: usize, expected: &Fault| {
        let refused = verify(&"A".repeat(bytes), &site(), &ASKED, NOW).unwrap_err();
        assert_eq!(&refused.fault, expected);
    };
    check(65_537, &Fault::TooLong { bytes_max: 65_536 });
    let refused = verify(&"A".repeat(65_536), &site(), &ASKED, NOW).unwrap_err();
    assert_eq!(refused.fault.code(), "token.malformed");
    let refused = verify("", &site(), &ASKED, NOW).unwrap_err();
    assert_eq!(refused, Refused { step: Step::Presence, fault: Fault::Absent });
    assert_eq!(vendor_code(&refused), 9001);

    // Keys for 300 tracks still fit, and come back.
    let key =
        r#"{"key_id":"10000000100010001000100000000001","key":"3a2a1b68dd2bd9b2eeb25e84c4776668"}"#;
    let many = |count| {
        let keys = vec![key; count].join(",");
        format!(r#"{{"policy_version":2,"external_key":{{"mpeg_cenc":[{keys}]}}}}"#)
    };
    assert_eq!(said(&many(300)).policy.keys.len(), 300);
    assert!(matches!(issue(&wish(&many(400)), &site()), Err(IssueError::Policy(_))));
}

#[test]
fn the_outside_does_not_learn_what_was_wrong_with_the_padding() {
    let padding = Fault::Undecryptable.at(Step::Terms);
    let hash = Fault::Signature.at(Step::Signature);
    assert_ne!(vendor_code(&padding), vendor_code(&hash));
    assert_eq!(outside_code(&padding), outside_code(&hash));
}

#[test]
fn a_site_counts_uses_and_ignores_hints_if_it_is_told_to() {
    let wish = PallyConIssue {
        response_format: ResponseFormat::Json,
        key_rotation: KeyRotation::Rotating,
        ..wish(PLAIN)
    };
    let token = issue(&wish, &site()).unwrap();
    let claims = verify(&token, &site(), &ASKED, NOW).unwrap().into_claims();
    assert_eq!(claims.response_format, ResponseFormat::Json);
    assert_eq!(claims.key_rotation, KeyRotation::Rotating);
    assert_eq!(claims.uses, Uses::Unlimited);
    assert_eq!(Claims::from(claims).other.len(), 2);

    let site = site().with_settings(PallyConSettings {
        uses: Uses::ONCE,
        response_format: Hint::Ignore,
        key_rotation: Hint::Ignore,
        ..PallyConSettings::default()
    });
    let claims = verify(&token, &site, &ASKED, NOW).unwrap().into_claims();
    assert_eq!(claims.response_format, ResponseFormat::Original);
    assert_eq!(claims.key_rotation, KeyRotation::Fixed);
    assert_eq!(claims.uses, Uses::ONCE);
    assert!(Claims::from(claims).other.is_empty());
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |wish: &PallyConIssue<'_>, site: &PallyConSite, expected: &str| {
        let code = issue(wish, site).map_or_else(|error| error.code(), |_| "success");
        assert_eq!(code, expected, "{wish:?}");
    };
    let plain = wish(PLAIN);
    check(&plain, &site(), "success");
    let clear = TokenSystem::Known(DrmSystem::ClearKey);
    check(&PallyConIssue { system: clear, ..plain }, &site(), "issue.system");
    check(&PallyConIssue { user: Some(""), ..plain }, &site(), "issue.id");
    check(&PallyConIssue { user: Some(&"u".repeat(33)), ..plain }, &site(), "issue.id");
    check(&PallyConIssue { content: "", ..plain }, &site(), "issue.id");
    check(&PallyConIssue { content: "a\tb", ..plain }, &site(), "issue.id");
    let late = Timestamp(253_402_300_800);
    check(&PallyConIssue { timestamp: late, ..plain }, &site(), "issue.timestamp");
    check(&wish("{}"), &site(), "issue.policy");
    check(&wish(r#"{"playback_policy":{"limit":false}}"#), &site(), "issue.policy");
    check(&wish(r#"{"policy_version":2,"playback_policy":1}"#), &site(), "issue.policy");
    let ruled = site().with_settings(PallyConSettings {
        user_id: UserIdRule::Length(4),
        ..PallyConSettings::default()
    });
    check(&plain, &ruled, "issue.user_id_rule");
    check(&PallyConIssue { user: Some("four"), ..plain }, &ruled, "success");
    let padded = format!("{PLAIN}{}", " ".repeat(40_000));
    check(&wish(&padded), &site(), "issue.too_long");
}

#[test]
fn single_fields_make_the_policy_that_they_would_be_members_of() {
    let mut given = given(&[("cid", "bigbuckbunny"), ("drm_type", "widevine")]);
    given.add("user_id", "test-user");
    given.add("persistent", "false");
    let issued = pallycon().issue(&given, NOW, &Counting).unwrap();
    assert_eq!(issued.token, issue(&wish(PLAIN), &site()).unwrap());

    given.add("license_duration", "2h");
    given.add("allowed_track_types", "SD_HD");
    given.add("security_policy", r#"{"track_type":"HD","widevine":{"security_level":3}}"#);
    given.add("security_policy", r#"{"fairplay":{"allow_airplay":false}}"#);
    let issued = pallycon().issue(&given, NOW, &Counting).unwrap();
    let claims = verify(&issued.token, &site(), &ASKED, NOW).unwrap().into_claims();
    assert_eq!(claims.policy.terms.playback.license, Some(Limit::Seconds(7200)));
    assert!(!claims.policy.terms.allows_class(TrackClass::Uhd1));
    assert_eq!(claims.policy.terms.outputs.len(), 2);

    given.add("policy", PLAIN);
    let refused = pallycon().issue(&given, NOW, &Counting);
    assert!(matches!(refused, Err(GivenFault::Denied(_))));
}

#[test]
fn a_token_is_found_in_the_header_or_the_query_and_two_must_agree() {
    let check = |header: &str, url: &str, expected: Result<Option<&str>, &str>| {
        let mut request = Request::default();
        request.set_url(url).unwrap();
        request.headers.push(("PallyCon-CustomData-V2".to_owned(), header.to_owned()));
        let found = pallycon().find_in(&Given::new(), &request);
        let found = found.map_err(|refused| refused.fault.code());
        assert_eq!(found, expected.map(|text| text.map(str::to_owned)), "{header} {url}");
    };
    check("", "/", Ok(None));
    check("a+/b", "/", Ok(Some("a+/b")));
    check("", "/?pallycon-customdata-v2=a%2B%2Fb%3D", Ok(Some("a+/b=")));
    check("", "/?pallycon-customdata-v2=a+b", Ok(Some("a+b")));
    check("", "/?pallycon-customdata-v2=a%20b", Ok(Some("a+b")));
    check("a+b", "/?pallycon-customdata-v2=a%20b", Ok(Some("a+b")));
    check("a+b", "/?pallycon-customdata-v2=", Ok(Some("a+b")));
    check("a+b", "/?pallycon-customdata-v2=a-b", Err("token.ambiguous"));
    check("", "/?pallycon-customdata-v2=a&pallycon-customdata-v2=b", Err("token.ambiguous"));
}

#[test]
fn an_explanation_shows_the_policy_and_names_the_usual_slips() {
    let policy = r#"{"policy_version":2,"playback_policy":{
        "license_duration":60,"expire_date":"2031-01-01T00:00:00Z"}}"#;
    let token = issue(&wish(policy), &site()).unwrap();
    let told = explain(&token, &[], NOW);
    assert!(told.fault().is_none(), "{:?}", told.checks);
    assert_eq!(shown(&told, "policy.playback_policy.license_duration").unwrap().0, "60");
    let note = shown(&told, "policy.playback_policy.expire_date").unwrap().1;
    assert_eq!(note.unwrap(), "ignored, for `license_duration` is set");
    assert_eq!(shown(&told, "timestamp").unwrap(), ("2021-11-11T07:28:41Z", None));

    let slip = |now: u64| {
        let told = explain(&token, &[], Timestamp(now));
        shown(&told, "timestamp").unwrap().1.unwrap().to_owned()
    };
    assert!(slip(NOW.0 - 9 * 3600).ends_with("a local time 9 h ahead of UTC stamped as UTC?"));
    assert!(slip(NOW.0 + 5 * 3600).ends_with("a local time 5 h behind UTC stamped as UTC?"));
}

#[test]
fn an_explanation_without_a_key_opens_nothing() {
    let token = issue(&wish(PLAIN), &site()).unwrap();
    let request = Request::default();
    let told = pallycon().explain(&Given::new(), &token, &request, NOW).unwrap();
    assert!(told.fault().is_none());
    assert_eq!(shown(&told, "cid").unwrap().0, "bigbuckbunny");
    assert!(shown(&told, "policy.policy_version").is_none());
    // Nor does one with a hash that is wrong, whatever the padding is.
    let told = explain(&token, &[("access_key", &"x".repeat(32))], NOW);
    assert_eq!(told.fault().unwrap().1, &Fault::Signature);
    assert!(shown(&told, "policy.policy_version").is_none());
}

#[test]
fn custom_data_of_the_callback_type_is_called_so() {
    let data = STANDARD.encode(r#"{"drm_type":"Widevine","site_id":"TUTO","data":"AAAA"}"#);
    assert!(pallycon().resembles(&data));
    let refused = verify(&data, &site(), &ASKED, NOW).unwrap_err();
    assert_eq!(refused.step, Step::Kind);
    let text = refused.to_string();
    assert_eq!(
        text,
        "the token is of another kind: custom data for the callback, not a license token"
    );
    let told = explain(&data, &[], NOW);
    assert_eq!(told.fault().unwrap().1, &refused.fault);
    assert!(shown(&told, "data").unwrap().1.unwrap().contains("custom data"));
}

#[test]
fn only_tokens_of_this_form_resemble_it() {
    assert!(pallycon().resembles(&issue(&wish(PLAIN), &site()).unwrap()));
    for other in ["", "exp=1~acl=/*~hmac=00", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "e30="] {
        assert!(!pallycon().resembles(other), "{other}");
    }
}

fn pallycon() -> &'static dyn Format {
    format::find("pallycon").unwrap()
}

fn given(fields: &[(&str, &str)]) -> Given {
    let keys = [("site_id", "TUTO"), ("site_key", SITE_KEY), ("access_key", ACCESS_KEY)];
    let mut given = Given::new();
    keys.iter().for_each(|(name, text)| given.add(name, *text));
    let mut over = Given::new();
    fields.iter().for_each(|(name, text)| over.add(name, *text));
    given.with(&over)
}

fn explain(token: &str, fields: &[(&str, &str)], now: Timestamp) -> Explanation {
    pallycon().explain(&given(fields), token, &Request::default(), now).unwrap()
}

fn shown<'a>(told: &'a Explanation, name: &str) -> Option<(&'a str, Option<&'a str>)> {
    let field = told.fields.iter().find(|field| field.name == name)?;
    Some((&field.value, field.note.as_deref()))
}

pub(crate) const PLAIN: &str = r#"{"policy_version":2,"playback_policy":{"persistent":false}}"#;
