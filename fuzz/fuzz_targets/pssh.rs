//! Foreign bytes as `pssh` boxes: what is read prints and reads the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_media::bmff::pssh::PsshBox;

fuzz_target!(|bytes: &[u8]| {
    let Ok(boxes) = PsshBox::parse_all(bytes) else { return };
    let mut printed = Vec::new();
    for parsed in &boxes {
        printed.extend(parsed.write().expect("what was within the limits still is"));
    }
    // A 64-bit size prints as the 32-bit one that says the same.
    assert!(printed.len() <= bytes.len());
    assert_eq!(PsshBox::parse_all(&printed).as_ref(), Ok(&boxes));
});
