//! After a key was used, the process holds no copy of it (SEC-14).
//!
//! The test reads its own memory through `/proc`. It looks for the raw bytes and for the form
//! they have in a license, and knows both only as functions, so that it does not find itself.
//! What other libraries do with a license afterwards is not tested here.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{Read, Seek, SeekFrom},
};

use portcullis_base::{KeyId, Rng, Scheme};
use portcullis_drm::{clearkey, playready};
use portcullis_keys::{
    ContentKey,
    sealed::{KekRing, KeyEncryptionKey, Place},
};

#[test]
fn a_key_that_was_used_and_dropped_is_nowhere_in_memory() {
    let kid = KeyId::from_bytes([3; 16]);
    let place = Place {
        purpose: "content_key",
        tenant: "t1",
        table: "content_keys",
        row_key: kid.as_bytes(),
        column: "value",
    };
    let ring = KekRing::new(KeyEncryptionKey::generate(1, &Other).unwrap());
    let key = ContentKey::generate(kid, &Pattern);
    let envelope = ring.seal(&place, key.expose(), &Other).unwrap();
    drop(key);

    let opened = ring.open_content_key(&place, kid, &envelope).unwrap();
    let license = clearkey::license(&[&opened]);
    let header = playready::header_object(&[(kid, Some(&opened))], Scheme::Cenc, None).unwrap();
    assert!(finds(raw, 16) && finds(base64, 22), "the search finds nothing at all");

    drop((opened, license));
    assert!(!finds(raw, 16), "the key's bytes were left behind");
    assert!(!finds(base64, 22), "the license's text was left behind");
    black_box((header, ring));
}

/// Fills what it is asked to with the key's pattern.
#[derive(Debug)]
struct Pattern;

impl Rng for Pattern {
    fn fill(&self, out: &mut [u8]) {
        for (position, byte) in out.iter_mut().enumerate() {
            *byte = raw(position);
        }
    }
}

/// Fills what it is asked to with something else.
#[derive(Debug)]
struct Other;

impl Rng for Other {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0x5a);
    }
}

/// The key's bytes, one at a time.
#[inline(never)]
fn raw(position: usize) -> u8 {
    let mixed = black_box(position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8
}

/// The characters of the key in base64url, one at a time.
#[inline(never)]
fn base64(position: usize) -> u8 {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = position * 6;
    let next = if bit / 8 + 1 < 16 { raw(bit / 8 + 1) } else { 0 };
    let two = u16::from_be_bytes([raw(bit / 8), next]);
    alphabet[usize::from(two >> (10 - bit % 8)) & 63]
}

/// Whether `length` bytes of `pattern` stand anywhere in this process's writable memory.
fn finds(pattern: fn(usize) -> u8, length: usize) -> bool {
    let first = pattern(0);
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut chunk = vec![0; 1 << 16];
    let mut found = false;
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut words = line.split(' ');
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        while mode.starts_with("rw") && at < end {
            let size = chunk.len().min((end - at) as usize);
            memory.seek(SeekFrom::Start(at)).unwrap();
            // Some mappings cannot be read; they are the kernel's, not ours.
            if memory.read_exact(&mut chunk[..size]).is_err() {
                break;
            }
            found |= chunk[..size].windows(length).any(|window| {
                window[0] == first && (1..length).all(|at| window[at] == pattern(at))
            });
            // Windows that straddle two chunks are seen in the second.
            at += if at + size as u64 == end { size } else { size - length } as u64;
        }
    }
    // The chunk may hold what was found.
    chunk.fill(0);
    black_box(&chunk);
    found
}
