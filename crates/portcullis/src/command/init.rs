//! `portcullis init`: makes a folder one can run `serve` in. Never overwrites anything.

use std::{
    fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path,
    process::ExitCode,
};

use portcullis_server::demo::new_key_text;

use crate::{
    arguments::InitArguments,
    report::{self, Done, Stop},
};

pub(super) fn run(arguments: &InitArguments) -> Done {
    let dir = &arguments.dir;
    // Looked at first, so that a folder in use is left exactly as it is.
    for name in TEXTS.iter().map(|(name, _)| name).chain(&KEYS) {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Stop::usage(format_args!("`{}` exists already", path.display())));
        }
    }
    let media = dir.join("media");
    std::fs::create_dir_all(&media)
        .map_err(|error| Stop::usage(format_args!("cannot make `{}`: {error}", media.display())))?;
    for name in KEYS {
        write_new(&dir.join(name), new_key_text().as_bytes())?;
    }
    for (name, text) in TEXTS {
        write_new(&dir.join(name), text.as_bytes())?;
    }
    let dir = dir.display();
    report::talk(format_args!(
        "made {dir}/portcullis.toml, policy.toml, root.key, edge.key, jwt.key and media/\n\
         keep a copy of root.key somewhere safe: without it the database cannot be opened\n\
         next:\n  \
         cd {dir}\n  \
         portcullis policy apply policy.toml\n  \
         portcullis package your.mp4 --out media/film --content film\n  \
         portcullis api-key create --role issuer\n  \
         portcullis serve"
    ));
    Ok(ExitCode::SUCCESS)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| Stop::usage(format_args!("cannot write `{}`: {error}", path.display())))
}

const KEYS: [&str; 3] = ["root.key", "edge.key", "jwt.key"];
const TEXTS: [(&str, &str); 2] = [
    ("portcullis.toml", include_str!("../../../../docs/config/portcullis.toml")),
    ("policy.toml", include_str!("../../../../docs/config/policy.toml")),
];
