//! The two forgeries the format itself allows, made for real, and refused.
//!
//! Both need no key: one moves the boundary between two fields of the hash's input, the other
//! goes on hashing where somebody else's hash ended.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_token::{
    fault::{Fault, Step},
    pallycon::{Asked, PallyConSettings, UserIdRule, issue, verify},
};

use crate::pallycon::{ACCESS_KEY, NOW, PLAIN, WIDEVINE, site, wish};

/// A token in bytes, as a forger writes it.
#[derive(Clone)]
struct Parts {
    user_id: Vec<u8>,
    cid: Vec<u8>,
    policy: Vec<u8>,
    timestamp: Vec<u8>,
    hash: [u8; 32],
}

impl Parts {
    /// The token of the tutorial.
    fn genuine() -> Self {
        let token = issue(&wish(PLAIN), &site()).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&STANDARD.decode(token).unwrap()).unwrap();
        let text = |name: &str| json[name].as_str().unwrap().as_bytes().to_vec();
        Self {
            user_id: text("user_id"),
            cid: text("cid"),
            policy: text("policy"),
            timestamp: text("timestamp"),
            hash: STANDARD.decode(text("hash")).unwrap().try_into().unwrap(),
        }
    }

    /// What is hashed after the access key.
    fn message(&self) -> Vec<u8> {
        let fields = [&self.user_id, &self.cid, &self.policy, &self.timestamp];
        let mut message = b"WidevineTUTO".to_vec();
        fields.into_iter().for_each(|field| message.extend(field));
        message
    }

    /// The token's text. `write` is how bytes stand in a JSON string.
    fn token(&self, write: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let hash = STANDARD.encode(self.hash).into_bytes();
        let mut json = br#"{"drm_type":"Widevine","site_id":"TUTO""#.to_vec();
        for (name, value) in [
            ("user_id", &self.user_id),
            ("cid", &self.cid),
            ("policy", &self.policy),
            ("timestamp", &self.timestamp),
            ("hash", &hash),
        ] {
            json.extend(format!(",\"{name}\":\"").into_bytes());
            json.extend(write(value));
            json.extend(b"\"");
        }
        json.extend(b"}");
        STANDARD.encode(json)
    }

    /// Whether a verifier that looks at nothing but the hash would accept it.
    fn is_arithmetically_right(&self) -> bool {
        sha256(&[ACCESS_KEY.as_bytes(), &self.message()].concat()) == self.hash
    }
}

#[test]
fn characters_moved_between_user_and_content_open_no_other_content() {
    let check = |user_id: &str, cid: &str| {
        let genuine = Parts::genuine();
        let forged =
            Parts { user_id: user_id.as_bytes().to_vec(), cid: cid.as_bytes().to_vec(), ..genuine };
        assert!(forged.is_arithmetically_right(), "{user_id} {cid}");
        let token = forged.token(<[u8]>::to_vec);
        let asked = Asked { system: Some(WIDEVINE), content: Some("bigbuckbunny") };
        let refused = verify(&token, &site(), &asked, NOW).unwrap_err();
        assert_eq!(refused, Fault::Content.at(Step::Content), "{user_id} {cid}");
        // Even the content the forger wanted is closed to him where user ids have a form.
        let ruled = site().with_settings(PallyConSettings {
            user_id: UserIdRule::Length(9),
            ..PallyConSettings::default()
        });
        let asked = Asked { content: Some(cid), ..asked };
        let refused = verify(&token, &ruled, &asked, NOW).unwrap_err();
        assert_eq!(refused.fault, Fault::Claim { name: "user_id".to_owned() });
    };
    check("test-use", "rbigbuckbunny");
    check("test-userbig", "buckbunny");
}

#[test]
fn a_hash_that_was_extended_is_refused_however_its_bytes_are_written() {
    let genuine = Parts::genuine();
    let glue = padding(ACCESS_KEY.len() + genuine.message().len());
    let fresh = b"2031-01-01T00:00:00Z";

    // A new timestamp behind the old one: taken by whoever looks at the last 20 characters.
    let hash = extend(genuine.hash, ACCESS_KEY.len() + genuine.message().len(), fresh);
    let timestamp = [&genuine.timestamp, glue.as_slice(), fresh].concat();
    let later = Parts { timestamp, hash, ..genuine.clone() };

    // Everything old as part of a new content id, with a policy copied from elsewhere.
    let suffix = [genuine.policy.as_slice(), fresh].concat();
    let hash = extend(genuine.hash, ACCESS_KEY.len() + genuine.message().len(), &suffix);
    let cid = [&genuine.cid, &genuine.policy, &genuine.timestamp, glue.as_slice()].concat();
    let other = Parts { cid, timestamp: fresh.to_vec(), hash, ..genuine };

    let now = portcullis_base::Timestamp(1_924_992_000);
    for forged in [later, other] {
        assert!(forged.is_arithmetically_right());
        let check = |token: String, expected: &[&str]| {
            for content in ["bigbuckbunny", "other"] {
                let asked = Asked { system: Some(WIDEVINE), content: Some(content) };
                let refused = verify(&token, &site(), &asked, now).unwrap_err();
                assert!(expected.contains(&refused.fault.code()), "{refused:?}");
            }
        };
        check(forged.token(<[u8]>::to_vec), &["token.malformed"]);
        check(forged.token(escaped), &["token.claim"]);
        check(
            forged.token(|bytes| String::from_utf8_lossy(bytes).into_owned().into()),
            &["token.malformed"],
        );
        let cleaned = |bytes: &[u8]| bytes.iter().copied().filter(u8::is_ascii_graphic).collect();
        check(forged.token(cleaned), &["token.claim", "token.signature"]);
    }
}

/// Bytes as JSON escapes, each as the character of that number.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("\\u{byte:04x}").into_bytes()).collect()
}

fn sha256(message: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
    digest.as_ref().try_into().unwrap()
}

/// What SHA-256 puts behind a message of this length.
fn padding(length: usize) -> Vec<u8> {
    let zeros = (55_usize.wrapping_sub(length)) % 64;
    let mut padding = vec![0x80];
    padding.extend(vec![0; zeros]);
    padding.extend((length as u64 * 8).to_be_bytes());
    padding
}

/// The hash of a message that is known by its hash and length alone, then its padding, then
/// `suffix`.
fn extend(hash: [u8; 32], length: usize, suffix: &[u8]) -> [u8; 32] {
    let mut state: [u32; 8] =
        std::array::from_fn(|at| u32::from_be_bytes(hash[at * 4..at * 4 + 4].try_into().unwrap()));
    let known = length + padding(length).len();
    let mut rest = suffix.to_vec();
    rest.extend(padding(known + suffix.len()));
    rest.chunks_exact(64).for_each(|block| compress(&mut state, block));
    state.map(u32::to_be_bytes).concat().try_into().unwrap()
}

/// SPEC: FIPS 180-4 §6.2.2.
fn compress(state: &mut [u32; 8], block: &[u8]) {
    let mut words = [0_u32; 64];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes(bytes.try_into().unwrap());
    }
    for at in 16..64 {
        let (a, b) = (words[at - 15], words[at - 2]);
        let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        words[at] = words[at - 16].wrapping_add(s0).wrapping_add(words[at - 7]).wrapping_add(s1);
    }
    let constants = constants();
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for at in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let one = h.wrapping_add(s1).wrapping_add(choice);
        let one = one.wrapping_add(constants[at]).wrapping_add(words[at]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let two = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e) = (g, f, e, d.wrapping_add(one));
        (d, c, b, a) = (c, b, a, one.wrapping_add(two));
    }
    for (word, added) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(added);
    }
}

/// The first 32 bits of the fractions of the cube roots of the first 64 primes.
fn constants() -> [u32; 64] {
    let prime = |number: &u128| {
        (2..*number).take_while(|n| n * n <= *number).all(|n| !number.is_multiple_of(n))
    };
    let mut primes = (2_u128..).filter(prime);
    std::array::from_fn(|_| {
        // The cube root of p·2^96, in whole numbers, is the cube root of p with 32 bits of
        // fraction.
        let scaled = primes.next().unwrap() << 96;
        let (mut low, mut high) = (0_u128, 1 << 36);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if middle * middle * middle <= scaled { low = middle } else { high = middle }
        }
        low as u32
    })
}
