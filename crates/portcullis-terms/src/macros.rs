//! Two ways of writing a set of terms once: [`words!`] for closed sets of words, [`layer!`]
//! for structures whose members are all optional.
//!
//! What they generate is ordinary code: no term gets a meaning here.

/// A closed set of values with one word each.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$about])* $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word this value has in JSON and in configuration.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The value of a word, letter by letter.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl crate::json::Term for $name {
            const EXPECTED: &'static str = concat!("one of", $(" `", $word, "`"),+);

            fn to_json(&self) -> portcullis_base::json::Value {
                self.as_str().into()
            }

            fn from_json(value: &portcullis_base::json::Value) -> Option<Self> {
                Self::from_word(value.as_str()?)
            }
        }
    };
}

/// A structure of optional terms that can be laid over another and printed as JSON.
macro_rules! layer {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$about:meta])* $field:ident: $kind:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$about])* pub $field: Option<$kind>),+
        }

        impl $name {
            /// Whether nothing is said.
            #[must_use]
            pub const fn is_unsaid(&self) -> bool {
                true $(&& self.$field.is_none())+
            }

            /// These terms with those of `over` in front: what `over` says wins, what it
            /// leaves open stays.
            #[must_use]
            pub fn overlay(&self, over: &Self) -> Self {
                Self { $($field: over.$field.as_ref().or(self.$field.as_ref()).cloned()),+ }
            }

            /// The first term on which both speak and differ.
            #[must_use]
            pub fn conflict(&self, other: &Self) -> Option<&'static str> {
                $(if self.$field.is_some()
                    && other.$field.is_some()
                    && self.$field != other.$field
                {
                    return Some(stringify!($field));
                })+
                None
            }
        }

        impl crate::json::Term for $name {
            const EXPECTED: &'static str = "an object of terms";

            fn to_json(&self) -> portcullis_base::json::Value {
                let mut members = portcullis_base::json::Object::new();
                $(if let Some(term) = &self.$field {
                    let value = crate::json::Term::to_json(term);
                    members.insert(stringify!($field).to_owned(), value);
                })+
                portcullis_base::json::Value::Object(members)
            }

            fn from_json(value: &portcullis_base::json::Value) -> Option<Self> {
                Self::read(value, "").ok()
            }

            fn read(
                value: &portcullis_base::json::Value,
                place: &str,
            ) -> Result<Self, crate::json::TermsFault> {
                let members = crate::json::members(value, place, &[$(stringify!($field)),+])?;
                Ok(Self { $($field: crate::json::member(members, stringify!($field), place)?),+ })
            }
        }
    };
}

pub(crate) use {layer, words};
