//! Runs every file of `vectors/pssh/`. The payload is the box in hex; a good one prints as it
//! was, or as the line `printed` says.

use std::{fs, path::Path};

use portcullis_base::KeyId;
use portcullis_media::bmff::pssh::PsshBox;
use proptest::prelude::*;

#[test]
fn every_pssh_vector_does_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/pssh");
    let mut run = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        check(&path, &fs::read_to_string(&path).unwrap());
        run += 1;
    }
    assert!(run >= 23, "only {run} vectors were found");
}

#[track_caller]
fn check(path: &Path, text: &str) {
    let (header, payload) = text.split_once("\n\n").unwrap();
    let values = |name: &str| -> Vec<&str> {
        let lines = header.lines().map(|line| line.split_once(": ").unwrap());
        lines.filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
    };
    let bytes = hex::decode(payload.trim_end()).unwrap();
    let parsed = PsshBox::parse(&bytes);
    match values("expect")[..] {
        ["box"] => {
            let parsed = parsed.unwrap();
            assert_eq!(hex::encode(parsed.system_id), values("system")[0], "{path:?}");
            assert_eq!(hex::encode(&parsed.data), values("data").concat(), "{path:?}");
            let version = if parsed.kids.is_some() { "1" } else { "0" };
            assert_eq!(version, values("version")[0], "{path:?}");
            let kids: Vec<String> = parsed.kids.iter().flatten().map(KeyId::to_string).collect();
            assert_eq!(kids, values("kid"), "{path:?}");
            let printed = values("printed").first().copied().unwrap_or(payload.trim_end());
            assert_eq!(hex::encode(parsed.write().unwrap()), printed, "{path:?}");
        }
        ["refused"] => {
            assert_eq!(parsed.unwrap_err().to_string(), values("reason")[0], "{path:?}");
        }
        _ => panic!("{path:?} expects nothing known"),
    }
}

proptest! {
    #[test]
    fn a_box_reads_back_as_it_was_written(
        system_id in any::<[u8; 16]>(),
        kids in prop::option::of(prop::collection::vec(any::<[u8; 16]>(), 0..5)),
        data in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let kids = kids.map(|kids| kids.into_iter().map(KeyId::from_bytes).collect());
        let original = PsshBox { system_id, kids, data };
        let bytes = original.write().unwrap();
        prop_assert_eq!(PsshBox::parse(&bytes), Ok(original.clone()));
        let twice = bytes.repeat(2);
        prop_assert_eq!(PsshBox::parse_all(&twice), Ok(vec![original.clone(), original]));
        for length in 0..bytes.len() {
            prop_assert!(PsshBox::parse(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn what_is_read_from_foreign_bytes_prints_as_them(
        mut bytes in prop::collection::vec(any::<u8>(), 20..80),
    ) {
        let size = (bytes.len() as u32 + 12).to_be_bytes();
        let mut whole = [&size[..], b"pssh", &[0, 0, 0, 0]].concat();
        let length = (bytes.len() - 20) as u32;
        bytes[16..20].copy_from_slice(&length.to_be_bytes());
        whole.append(&mut bytes);
        prop_assert_eq!(PsshBox::parse(&whole).unwrap().write().unwrap(), whole);
    }
}
