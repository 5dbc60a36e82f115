//! One definition per configuration section: the struct, its defaults and its reference text.
//!
//! The doc comment of a field *is* the text `portcullis config reference` prints, so the two
//! cannot drift apart. This file gives no meaning to any value; see `checked.rs`.

/// One key of a section, for the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// The default in TOML, or empty when the key is left out by default.
    pub(crate) default: &'static str,
    pub(crate) doc: &'static [&'static str],
}

/// One section, for the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// The header as it stands in the file, such as `[listen]` or `[[edge.routes]]`.
    pub(crate) header: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) keys: &'static [Key],
}

/// Defines a section. `key: Type = default, "default as TOML"`.
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $header:literal $name:ident {
            $(
                $(#[doc = $key_doc:literal])*
                $key:ident: $type:ty = $default:expr, $shown:literal;
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $( $(#[doc = $key_doc])* pub(crate) $key: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $default, )* }
            }
        }

        impl $name {
            pub(crate) const SECTION: crate::config::section::Section =
                crate::config::section::Section {
                    header: $header,
                    doc: &[$($doc),*],
                    keys: &[$(crate::config::section::Key {
                        name: stringify!($key),
                        default: $shown,
                        doc: &[$($key_doc),*],
                    }),*],
                };
        }
    };
}

pub(crate) use section;
