//! Looks for secrets in bytes, in the forms in which programs leave them behind.
//!
//! Forms: raw, as a GUID, hex of either case, base64 of both alphabets at all three places in
//! a group of three bytes (so that it is found inside of something longer, and with or
//! without padding), and text as it is. A core comes from `gcore` of gdb, or where that is
//! missing from the process's readable memory, which is the same bytes.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    process::{Command, Stdio},
};

use aho_corasick::AhoCorasick;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Secrets to look for.
#[derive(Debug, Default)]
pub(crate) struct Needles {
    forms: Vec<(String, Vec<u8>)>,
}

impl Needles {
    /// Adds a secret of bytes in all its forms.
    pub(crate) fn bytes(&mut self, name: &str, secret: &[u8]) {
        self.encoded(name, secret);
        if let &[a, b, c, d, e, f, g, h, ref rest @ ..] = secret
            && rest.len() == 8
        {
            let guid = [[d, c, b, a, f, e, h, g].as_slice(), rest].concat();
            self.encoded(&format!("{name} as GUID"), &guid);
        }
    }

    /// Adds a secret that is a text.
    pub(crate) fn text(&mut self, name: &str, secret: &str) {
        self.encoded(name, secret.as_bytes());
    }

    fn encoded(&mut self, name: &str, secret: &[u8]) {
        self.add(name, "raw", secret.to_vec());
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(name, "upper hex", hex.to_uppercase().into());
        self.add(name, "hex", hex.into());
        for before in 0..3 {
            let shifted = [&[0; 2][..before], secret].concat();
            for (form, text) in [
                ("base64", STANDARD_NO_PAD.encode(&shifted)),
                ("base64url", URL_SAFE_NO_PAD.encode(&shifted)),
            ] {
                // Characters that depend on neighbours are left out.
                let whole = shifted.len() * 8 / 6;
                let own = &text[(before * 8).div_ceil(6)..whole];
                self.add(name, &format!("{form} at {before}"), own.into());
            }
        }
    }

    fn add(&mut self, name: &str, form: &str, bytes: Vec<u8>) {
        if !self.forms.iter().any(|(_, known)| *known == bytes) {
            self.forms.push((format!("{name}, {form}"), bytes));
        }
    }

    #[track_caller]
    pub(crate) fn expect_none_in(&self, hay: &[u8], name: &str) {
        let found = self.find(hay);
        assert!(found.is_empty(), "in {name}: {found:#?}");
    }

    /// What is found in `hay`, with how often and where first.
    fn find(&self, hay: &[u8]) -> Vec<String> {
        let search = AhoCorasick::new(self.forms.iter().map(|(_, bytes)| bytes)).unwrap();
        let mut found = BTreeMap::<&str, Vec<usize>>::new();
        for hit in search.find_overlapping_iter(hay) {
            let (name, _) = &self.forms[hit.pattern().as_usize()];
            found.entry(name).or_default().push(hit.start());
        }
        let shown = |(name, places): (&str, Vec<usize>)| {
            let at = places[0];
            let around = &hay[at.saturating_sub(48)..(at + 80).min(hay.len())];
            format!("{name}: {} times, first in `{}`", places.len(), around.escape_ascii())
        };
        found.into_iter().map(shown).collect()
    }
}

/// The memory of a running process.
pub(crate) fn core_of(id: u32, folder: &Path) -> Vec<u8> {
    let base = folder.join("core");
    let made = Command::new("gcore")
        .arg("-o")
        .arg(&base)
        .arg(id.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let path = folder.join(format!("core.{id}"));
    if made.is_ok_and(|status| status.success()) && path.is_file() {
        let core = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        return core;
    }
    readable_memory(id)
}

fn readable_memory(id: u32) -> Vec<u8> {
    let denied = "reading another process's memory takes the right to (root, or CAP_SYS_PTRACE)";
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).expect(denied);
    let mut memory = File::open(format!("/proc/{id}/mem")).expect(denied);
    let mut core = Vec::new();
    for line in maps.lines() {
        let mut words = line.split(' ');
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let (start, end) = (number(start), number(end));
        if mode.starts_with('r') && memory.seek(SeekFrom::Start(start)).is_ok() {
            // Some mappings cannot be read; they are the kernel's, not the program's.
            let _ = (&mut memory).take(end - start).read_to_end(&mut core);
        }
    }
    core
}

#[test]
fn every_form_is_found_at_every_place() {
    let secret: Vec<u8> = (0xf0..=0xff).collect();
    let mut needles = Needles::default();
    needles.bytes("key", &secret);
    let check = |hay: &[u8], form: &str| {
        let found = needles.find(hay);
        assert!(found.iter().any(|line| line.contains(form)), "{form}: {found:?}");
    };
    check(&[b"x", secret.as_slice()].concat(), "key, raw");
    check(b"xF3F2F1F0F5F4F7F6F8F9FAFBFCFDFEFFx", "key as GUID, upper hex");
    check(b"xf0f1f2f3f4f5f6f7f8f9fafbfcfdfeffx", "key, hex");
    for before in 0..3 {
        let framed = [&b"ab"[..before], secret.as_slice(), b"z"].concat();
        check(URL_SAFE_NO_PAD.encode(&framed).as_bytes(), &format!("base64url at {before}"));
        check(STANDARD_NO_PAD.encode(&framed).as_bytes(), &format!("base64 at {before}"));
    }
    needles.expect_none_in(&[0; 100], "nothing");
}
