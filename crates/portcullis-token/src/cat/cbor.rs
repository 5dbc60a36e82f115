//! CBOR, read strictly and written plainly: what a Common Access Token is made of.
//!
//! Lengths are definite, maps have no key twice and keys are numbers or texts, nothing follows
//! the value, depth and number of values have maxima. A length may be written longer than it
//! needs to be, for some encoders do. Simple values other than booleans and null, and numbers
//! beyond 64 bits, are refused.
//!
//! Our own instead of a library's, because of the duplicates, the depth and the exact end:
//! general readers leave them to their callers.
//!
//! SPEC: RFC 8949 §3, §5.6; SEC-90.

use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Array(Vec<Self>),
    Bool(bool),
    Bytes(Vec<u8>),
    Float(f64),
    /// In the order as written.
    Map(Vec<(Self, Self)>),
    /// −1 − n.
    Negative(u64),
    Null,
    Tag(u64, Box<Self>),
    Text(String),
    Unsigned(u64),
}

impl Value {
    /// Reads one value. `None` when the bytes are none, or more than one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { rest: bytes, values: 0 };
        let value = reader.value(0)?;
        reader.rest.is_empty().then_some(value)
    }

    /// Writes the value, each length as short as it can be.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Array(items) => {
                head(4, items.len() as u64, out);
                items.iter().for_each(|item| item.write_to(out));
            }
            Self::Bool(truth) => out.push(if *truth { 0xf5 } else { 0xf4 }),
            Self::Bytes(bytes) => {
                head(2, bytes.len() as u64, out);
                out.extend(bytes);
            }
            Self::Float(number) => {
                out.push(0xfb);
                out.extend(number.to_be_bytes());
            }
            Self::Map(pairs) => {
                head(5, pairs.len() as u64, out);
                for (key, value) in pairs {
                    key.write_to(out);
                    value.write_to(out);
                }
            }
            Self::Negative(number) => head(1, *number, out),
            Self::Null => out.push(0xf6),
            Self::Tag(tag, inner) => {
                head(6, *tag, out);
                inner.write_to(out);
            }
            Self::Text(text) => {
                head(3, text.len() as u64, out);
                out.extend(text.as_bytes());
            }
            Self::Unsigned(number) => head(0, *number, out),
        }
    }

    /// The number, if it is a whole one of 64 bits with its sign.
    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            Self::Negative(number) => i64::try_from(*number).ok().map(|number| -1 - number),
            _ => None,
        }
    }

    pub(super) const fn as_u64(&self) -> Option<u64> {
        if let Self::Unsigned(number) = self { Some(*number) } else { None }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(super) fn as_map(&self) -> Option<&[(Self, Self)]> {
        if let Self::Map(pairs) = self { Some(pairs) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        match u64::try_from(number) {
            Ok(number) => Self::Unsigned(number),
            Err(_) => Self::Negative(number.unsigned_abs() - 1),
        }
    }
}

/// Diagnostic notation (RFC 8949 §8), for people.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separated = |f: &mut fmt::Formatter<'_>, at: usize| {
            if at > 0 { f.write_str(", ") } else { Ok(()) }
        };
        match self {
            Self::Array(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    separated(f, at)?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Bool(truth) => truth.fmt(f),
            Self::Bytes(bytes) => write!(f, "h'{}'", hex::encode(bytes)),
            Self::Float(number) => number.fmt(f),
            Self::Map(pairs) => {
                f.write_str("{")?;
                for (at, (key, value)) in pairs.iter().enumerate() {
                    separated(f, at)?;
                    write!(f, "{key}: {value}")?;
                }
                f.write_str("}")
            }
            Self::Negative(number) => write!(f, "-{}", u128::from(*number) + 1),
            Self::Null => f.write_str("null"),
            Self::Tag(tag, inner) => write!(f, "{tag}({inner})"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Unsigned(number) => number.fmt(f),
        }
    }
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match (bytes, argument) {
        ([.., last], 0..24) => out.push(major | last),
        ([.., last], 24..=0xff) => out.extend([major | 24, last]),
        ([.., a, b], 0x100..=0xffff) => out.extend([major | 25, a, b]),
        ([.., a, b, c, d], 0x1_0000..=0xffff_ffff) => out.extend([major | 26, a, b, c, d]),
        (all, _) => {
            out.push(major | 27);
            out.extend(all);
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.values += 1;
        if depth > DEPTH_MAX || self.values > VALUES_MAX {
            return None;
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let (major, info) = (first >> 5, first & 31);
        if major == 7 {
            return self.simple(info);
        }
        let argument = self.argument(info)?;
        Some(match major {
            0 => Value::Unsigned(argument),
            1 => Value::Negative(argument),
            2 => Value::Bytes(self.take(argument)?.to_vec()),
            3 => Value::Text(std::str::from_utf8(self.take(argument)?).ok()?.to_owned()),
            4 => Value::Array(self.items(argument, depth)?),
            5 => Value::Map(self.pairs(argument, depth)?),
            _ => Value::Tag(argument, Box::new(self.value(depth + 1)?)),
        })
    }

    fn argument(&mut self, info: u8) -> Option<u64> {
        let length = match info {
            0..24 => return Some(info.into()),
            24..=27 => 1_u64 << (info - 24),
            // Reserved, or an indefinite length.
            _ => return None,
        };
        let bytes = self.take(length)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn simple(&mut self, info: u8) -> Option<Value> {
        Some(match info {
            20 => Value::Bool(false),
            21 => Value::Bool(true),
            22 => Value::Null,
            25 => Value::Float(half(u16::from_be_bytes(self.take(2)?.try_into().ok()?))),
            26 => Value::Float(f32::from_be_bytes(self.take(4)?.try_into().ok()?).into()),
            27 => Value::Float(f64::from_be_bytes(self.take(8)?.try_into().ok()?)),
            _ => return None,
        })
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn items(&mut self, count: u64, depth: usize) -> Option<Vec<Value>> {
        // Each item takes a byte at least.
        let count = usize::try_from(count).ok().filter(|count| *count <= self.rest.len())?;
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    fn pairs(&mut self, count: u64, depth: usize) -> Option<Vec<(Value, Value)>> {
        let count = usize::try_from(count).ok().filter(|count| *count <= PAIRS_MAX)?;
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            let simple = matches!(key, Value::Negative(_) | Value::Text(_) | Value::Unsigned(_));
            if !simple || pairs.iter().any(|(known, _)| *known == key) {
                return None;
            }
            pairs.push((key, self.value(depth + 1)?));
        }
        Some(pairs)
    }
}

/// A number of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

const DEPTH_MAX: usize = 16;
const VALUES_MAX: usize = 1024;
const PAIRS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &str, expected: Option<&str>) {
        let read = Value::read(&hex::decode(bytes).unwrap()).map(|value| value.to_string());
        assert_eq!(read.as_deref(), expected, "{bytes}");
    }

    /// RFC 8949, appendix A.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        check("00", Some("0"));
        check("17", Some("23"));
        check("1818", Some("24"));
        check("1903e8", Some("1000"));
        check("1bffffffffffffffff", Some("18446744073709551615"));
        check("3bffffffffffffffff", Some("-18446744073709551616"));
        check("20", Some("-1"));
        check("f93e00", Some("1.5"));
        check("f90001", Some("0.00000005960464477539063"));
        check("f97c00", Some("inf"));
        check("fa47c35000", Some("100000"));
        check("fb3ff199999999999a", Some("1.1"));
        check("f4", Some("false"));
        check("f6", Some("null"));
        check("c11a514b67b0", Some("1(1363896240)"));
        check("4401020304", Some("h'01020304'"));
        check("62c3bc", Some("\"ü\""));
        check("8301820203820405", Some("[1, [2, 3], [4, 5]]"));
        check("a26161016162820203", Some("{\"a\": 1, \"b\": [2, 3]}"));
        // Longer than it needs to be, as some encoders write maps.
        check("b90001616101", Some("{\"a\": 1}"));
    }

    #[test]
    fn what_is_not_one_definite_value_is_refused() {
        for bad in [
            "",
            "0000",
            "18",
            "1a0000",
            "41",
            "4102ff",
            "61ff",
            "81",
            "a1",
            "a101",
            "c1",
            // Indefinite lengths, reserved arguments, a lone break, undefined.
            "5f42010243030405ff",
            "9fff",
            "bf6161019fff",
            "1c",
            "ff",
            "f7",
            "f8ff",
            // A key twice, and keys that are neither numbers nor texts.
            "a201000100",
            "a2616100616101",
            "a10a",
            "a1400000",
            "a1f500",
            "a1f93e0000",
            // Claims to be longer than it is.
            "9bffffffffffffffff",
            "bb7fffffffffffffff",
            "5bffffffffffffffff",
            "9affffffff00",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn depth_and_number_have_bounds() {
        let nested = |depth: usize| Value::read(&hex::decode("81".repeat(depth) + "00").unwrap());
        assert!(nested(16).is_some());
        assert!(nested(17).is_none());
        assert!(Value::read(&[0xc1; 100_000]).is_none());
        let long = |count: usize| {
            let count_bytes = u16::try_from(count).unwrap().to_be_bytes();
            Value::read(&[&[0x99][..], &count_bytes, &vec![0; count]].concat())
        };
        assert!(long(1023).is_some());
        assert!(long(1024).is_none());
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_written_and_read_as_the_same(bytes: Vec<u8>) {
            if let Some(value) = Value::read(&bytes) {
                let again = Value::read(&value.write());
                let again = again.map(|again| again.to_string());
                proptest::prop_assert_eq!(again, Some(value.to_string()));
            }
        }
    }
}
