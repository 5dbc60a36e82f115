//! `portcullis config default` and `config reference`: the file as it would be written.

use std::fmt::Write as _;

use super::{
    raw::{
        RawCors, RawEdge, RawJwks, RawLicense, RawLimits, RawListen, RawLog, RawOutbound, RawProxy,
        RawRoute, RawStore, RawTokens,
    },
    section::Section,
};

/// Every section in the order of the file.
pub(crate) const SECTIONS: [Section; 12] = [
    RawListen::SECTION,
    RawStore::SECTION,
    RawEdge::SECTION,
    RawRoute::SECTION,
    RawTokens::SECTION,
    RawLicense::SECTION,
    RawJwks::SECTION,
    RawOutbound::SECTION,
    RawCors::SECTION,
    RawProxy::SECTION,
    RawLimits::SECTION,
    RawLog::SECTION,
];

/// Every section and key with its text and default, as a TOML file in which every line is a
/// comment but the section headers.
#[must_use]
pub fn reference() -> String {
    print(true)
}

/// The defaults alone, as a TOML file.
#[must_use]
pub fn default() -> String {
    print(false)
}

fn print(with_texts: bool) -> String {
    let mut out = String::new();
    for section in &SECTIONS {
        if !out.is_empty() {
            out.push('\n');
        }
        if with_texts {
            push_comment(&mut out, section.doc);
        }
        // A route without a prefix would not be valid, so its lines stay comments.
        let mark = if section.header.starts_with("[[") { "# " } else { "" };
        let _ = writeln!(out, "{mark}{}", section.header);
        for key in section.keys {
            if key.name == "routes" {
                continue;
            }
            if with_texts {
                out.push('\n');
                push_comment(&mut out, key.doc);
            }
            let value = if key.default.is_empty() { "\"…\"" } else { key.default };
            let mark = if key.default.is_empty() || with_texts { "# " } else { mark };
            let _ = writeln!(out, "{mark}{} = {value}", key.name);
        }
    }
    out
}

fn push_comment(out: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(out, "#{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::RawConfig;

    #[test]
    fn both_files_are_toml_the_reader_takes() {
        for text in [default(), reference()] {
            assert!(toml::from_str::<RawConfig>(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn every_key_has_a_text() {
        for key in SECTIONS.iter().flat_map(|section| section.keys) {
            assert!(!key.doc.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn the_shown_defaults_are_the_defaults() {
        let shown: RawConfig = toml::from_str(&default()).unwrap();
        assert_eq!(format!("{shown:?}"), format!("{:?}", RawConfig::default()));
    }
}
