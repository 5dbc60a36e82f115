//! How fast PallyCon tokens verify and are made. A verification includes the policy: it is
//! decrypted, read, and resolved for one track.

use portcullis_base::{DrmSystem, SecretBytes, Timestamp, TrackClass};
use portcullis_token::{
    claims::TokenSystem,
    pallycon::{
        Asked, KeyRotation, PallyConIssue, PallyConKeys, PallyConSite, ResponseFormat, issue,
        policy, verify,
    },
};

const NOW: Timestamp = Timestamp(1_636_615_721);
const WIDEVINE: TokenSystem = TokenSystem::Known(DrmSystem::Widevine);
const ASKED: Asked<'_> = Asked { system: Some(WIDEVINE), content: Some("bigbuckbunny") };

fn main() {
    divan::Divan::from_args().sample_size(64).main();
}

fn site() -> PallyConSite {
    let bytes = |text: &str| SecretBytes::new(text.as_bytes().to_vec());
    let site_key = bytes("lU5D8s3PWoLls3PWFWkClULlFWk5D8oC");
    let access_key = bytes("LT2FVJDp2Xr018zf4Di6lzvNOv3DKP20");
    let keys = PallyConKeys::new(&site_key, &access_key).expect("32 characters each");
    PallyConSite::new("TUTO", keys).expect("four capitals")
}

fn wish(policy: &str) -> PallyConIssue<'_> {
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

/// With the policy of the tutorial, and with one that has an entry for each of three classes.
#[divan::bench(args = ["tutorial", "per-track"])]
fn pallycon_verify(bencher: divan::Bencher<'_, '_>, name: &str) {
    let site = site();
    let token = issue(&wish(policy_of(name)), &site).expect("in order");
    bencher.bench(|| {
        let verified = verify(&token, &site, &ASKED, NOW).expect("genuine");
        policy::resolve(&verified.claims().policy.terms, TrackClass::Hd)
    });
}

#[divan::bench(args = ["tutorial", "per-track"])]
fn pallycon_issue(bencher: divan::Bencher<'_, '_>, name: &str) {
    let (site, wish) = (site(), wish(policy_of(name)));
    bencher.bench(|| issue(&wish, &site));
}

/// A text of 64 KiB that is no token.
#[divan::bench]
fn pallycon_refuse_64k(bencher: divan::Bencher<'_, '_>) {
    let (site, text) = (site(), "W3tb".repeat(16 << 10));
    bencher.bench(|| verify(&text, &site, &ASKED, NOW).expect_err("no token"));
}

fn policy_of(name: &str) -> &'static str {
    if name == "tutorial" { TUTORIAL } else { PER_TRACK }
}

const TUTORIAL: &str = r#"{"policy_version":2,"playback_policy":{"persistent":false}}"#;
const PER_TRACK: &str = concat!(
    r#"{"policy_version":2,"playback_policy":{"persistent":false,"license_duration":0},"#,
    r#""security_policy":[{"track_type":"SD","widevine":{"security_level":1,"#,
    r#""required_hdcp_version":"HDCP_NONE","required_cgms_flags":"CGMS_NONE"}},"#,
    r#"{"track_type":"HD","widevine":{"security_level":1,"#,
    r#""required_hdcp_version":"HDCP_V1","required_cgms_flags":"COPY_NEVER"}},"#,
    r#"{"track_type":"UHD1","widevine":{"security_level":5,"#,
    r#""required_hdcp_version":"HDCP_V2_2","disable_analog_output":true,"#,
    r#""hdcp_srm_rule":"CURRENT_SRM"}}]}"#,
);
