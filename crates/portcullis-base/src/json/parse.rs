//! Reads strict JSON. Never recurses deeper than the stated limit and never allocates more
//! than the input holds.

use std::str::Utf8Error;

use super::{Number, Object, Value};

/// How much a document may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole document.
    pub bytes_max: usize,
    /// Objects and arrays inside one another.
    pub depth_max: usize,
    /// Values in the whole document.
    pub values_max: usize,
    /// Bytes of one string, unescaped.
    pub string_bytes_max: usize,
}

impl Limits {
    /// For tokens: 64 KiB, depth 16, 128 values, strings of 4 KiB (SEC-21).
    pub const TOKEN: Self =
        Self { bytes_max: 64 << 10, depth_max: 16, values_max: 128, string_bytes_max: 4 << 10 };

    /// For request bodies on routes open to anybody: 16 KiB, depth 16, 1,000 values (SEC-73).
    pub const BODY: Self =
        Self { bytes_max: 16 << 10, depth_max: 16, values_max: 1000, string_bytes_max: 4 << 10 };
}

/// Reads one document.
///
/// # Errors
///
/// Says what was wrong and at which byte. Nothing of the document's text is repeated.
pub fn parse(document: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    if document.len() > limits.bytes_max {
        return Err(JsonError { at: limits.bytes_max, fault: JsonFault::TooLong });
    }
    let not_utf8 =
        |error: Utf8Error| JsonError { at: error.valid_up_to(), fault: JsonFault::NotUtf8 };
    let document = std::str::from_utf8(document).map_err(not_utf8)?;
    let mut parser = Parser { document, rest: document.as_bytes(), values: 0, limits };
    let mut value = Value::Null;
    parser.value(0, &mut value)?;
    parser.skip_space();
    if parser.rest.is_empty() { Ok(value) } else { Err(parser.fault(JsonFault::Trailing)) }
}

/// Why a document was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct JsonError {
    /// How many bytes had been read.
    pub at: usize,
    /// What was wrong there.
    pub fault: JsonFault,
}

/// What can be wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// A member name stands twice in one object.
    #[error("a member stands twice in one object")]
    Duplicate,
    /// The document ends inside a value.
    #[error("the document ends too early")]
    Ended,
    /// A number is malformed or cannot be represented.
    #[error("malformed number")]
    Number,
    /// The document is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A string is malformed: bad escape, control character, lone surrogate.
    #[error("malformed string")]
    String,
    /// Objects and arrays lie too deep inside one another.
    #[error("too deeply nested")]
    TooDeep,
    /// The document or a string is too long.
    #[error("too long")]
    TooLong,
    /// The document holds too many values.
    #[error("too many values")]
    TooMany,
    /// Something follows the value.
    #[error("unexpected text after the value")]
    Trailing,
    /// A character that cannot stand here.
    #[error("unexpected character")]
    Unexpected,
}

struct Parser<'a> {
    document: &'a str,
    // INVARIANT: the end of `document`.
    rest: &'a [u8],
    values: usize,
    limits: &'a Limits,
}

impl<'a> Parser<'a> {
    const fn fault(&self, fault: JsonFault) -> JsonError {
        JsonError { at: self.at(), fault }
    }

    /// How many bytes were read.
    const fn at(&self) -> usize {
        self.document.len() - self.rest.len()
    }

    /// Steps over `count` bytes and gives them as text. Empty if they are not whole
    /// characters, which nobody asks for.
    fn take(&mut self, count: usize) -> &'a str {
        let start = self.at();
        self.rest = self.rest.get(count..).unwrap_or_default();
        self.document.get(start..self.at()).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn next(&mut self) -> Result<u8, JsonError> {
        let Some((first, rest)) = self.rest.split_first() else {
            return Err(self.fault(JsonFault::Ended));
        };
        self.rest = rest;
        Ok(*first)
    }

    /// Reads a value into its place: what is handed up by value is copied at every level.
    fn value(&mut self, depth: usize, place: &mut Value) -> Result<(), JsonError> {
        self.values += 1;
        if self.values > self.limits.values_max {
            return Err(self.fault(JsonFault::TooMany));
        }
        self.skip_space();
        *place = match self.rest.first() {
            None => return Err(self.fault(JsonFault::Ended)),
            Some(b'{') => Value::Object(self.object(depth + 1)?),
            Some(b'[') => Value::Array(self.array(depth + 1)?),
            Some(b'"') => Value::String(self.string()?),
            Some(b't') => self.word(b"true", Value::Bool(true))?,
            Some(b'f') => self.word(b"false", Value::Bool(false))?,
            Some(b'n') => self.word(b"null", Value::Null)?,
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(_) => return Err(self.fault(JsonFault::Unexpected)),
        };
        Ok(())
    }

    fn word(&mut self, word: &[u8], value: Value) -> Result<Value, JsonError> {
        let Some(rest) = self.rest.strip_prefix(word) else {
            return Err(self.fault(JsonFault::Unexpected));
        };
        self.rest = rest;
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Object, JsonError> {
        self.enter(depth)?;
        let likely = (self.rest.len() / BYTES_PER_MEMBER).min(MEMBERS_LIKELY);
        let mut members = Vec::new();
        self.skip_space();
        if self.rest.first() == Some(&b'}') {
            self.next()?;
            return Ok(Object::new());
        }
        loop {
            self.skip_space();
            if self.rest.first().is_some_and(|first| *first != b'"') {
                return Err(self.fault(JsonFault::Unexpected));
            }
            let name = self.string()?;
            self.skip_space();
            if self.next()? != b':' {
                return Err(self.fault(JsonFault::Unexpected));
            }
            if members.is_empty() {
                members.reserve(likely);
            }
            members.push((name, Value::Null));
            if let Some((_, place)) = members.last_mut() {
                self.value(depth, place)?;
            }
            self.skip_space();
            let twice = self.fault(JsonFault::Duplicate);
            match self.next()? {
                b',' => {}
                b'}' => return Object::of(members).ok_or(twice),
                _ => return Err(self.fault(JsonFault::Unexpected)),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, JsonError> {
        self.enter(depth)?;
        let mut items = Vec::new();
        self.skip_space();
        if self.rest.first() == Some(&b']') {
            self.next()?;
            return Ok(items);
        }
        loop {
            items.push(Value::Null);
            if let Some(place) = items.last_mut() {
                self.value(depth, place)?;
            }
            self.skip_space();
            match self.next()? {
                b',' => {}
                b']' => return Ok(items),
                _ => return Err(self.fault(JsonFault::Unexpected)),
            }
        }
    }

    /// Steps over the opening bracket.
    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > self.limits.depth_max {
            return Err(self.fault(JsonFault::TooDeep));
        }
        self.next().map(drop)
    }

    fn string(&mut self) -> Result<String, JsonError> {
        if self.next()? != b'"' {
            return Err(self.fault(JsonFault::Unexpected));
        }
        let mut text = String::new();
        loop {
            // Quotes, backslashes and control characters are ASCII, so the run is whole.
            let plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
            let run = self.rest.iter().take_while(plain).count();
            let room = self.limits.string_bytes_max - text.len();
            if run > room {
                self.rest = self.rest.get(room + 1..).unwrap_or_default();
                return Err(self.fault(JsonFault::TooLong));
            }
            let plain = self.take(run);
            let next = self.next()?;
            if next == b'"' && text.is_empty() {
                return Ok(plain.to_owned());
            }
            text.push_str(plain);
            match next {
                b'"' => return Ok(text),
                b'\\' => text.push(self.escape()?),
                _ => return Err(self.fault(JsonFault::String)),
            }
            if text.len() > self.limits.string_bytes_max {
                return Err(self.fault(JsonFault::TooLong));
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        Ok(match self.next()? {
            quoted @ (b'"' | b'\\' | b'/') => char::from(quoted),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.fault(JsonFault::String)),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if self.next()? != b'\\' || self.next()? != b'u' {
                return Err(self.fault(JsonFault::String));
            }
            let second = self.hex4()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.fault(JsonFault::String));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.fault(JsonFault::String))
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16);
            code = code * 16 + digit.ok_or_else(|| self.fault(JsonFault::String))?;
        }
        Ok(code)
    }

    /// SPEC: RFC 8259 §6. No leading zeros, no `+`, digits on both sides of the point.
    fn number(&mut self) -> Result<Number, JsonError> {
        let start = self.at();
        if self.rest.first() == Some(&b'-') {
            self.next()?;
        }
        let integer = self.digits();
        if integer.is_empty() || (integer.len() > 1 && integer.starts_with('0')) {
            return Err(self.fault(JsonFault::Number));
        }
        if self.rest.first() == Some(&b'.') {
            self.next()?;
            if self.digits().is_empty() {
                return Err(self.fault(JsonFault::Number));
            }
        }
        // Without an exponent, as many digits as are accepted make a finite number.
        let mut finite = true;
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest;
            if let [b'+' | b'-', rest @ ..] = self.rest {
                self.rest = rest;
            }
            if self.digits().is_empty() {
                return Err(self.fault(JsonFault::Number));
            }
            let text = self.document.get(start..self.at()).unwrap_or_default();
            finite = text.parse::<f64>().is_ok_and(f64::is_finite);
        }
        let text = self.document.get(start..self.at()).unwrap_or_default();
        if finite && text.len() <= NUMBER_BYTES_MAX {
            Ok(Number::new(text))
        } else {
            Err(self.fault(JsonFault::Number))
        }
    }

    fn digits(&mut self) -> &'a str {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.take(count)
    }
}

const NUMBER_BYTES_MAX: usize = 64;

/// Room is made at once for as many members as are likely, and not for more than there can be.
const MEMBERS_LIKELY: usize = 16;
const BYTES_PER_MEMBER: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: Result<&str, JsonFault>) {
        let actual = parse(document.as_bytes(), &Limits::TOKEN);
        let actual = actual.map(|value| value.to_string()).map_err(|error| error.fault);
        assert_eq!(actual.as_deref().map_err(|fault| *fault), expected, "{document}");
    }

    #[test]
    fn documents_print_canonically() {
        check(r#" {"b" : [1, true ,null],"a":"x"} "#, Ok(r#"{"a":"x","b":[1,true,null]}"#));
        check(r#""\u00e9\ud83d\ude00\n""#, Ok("\"é😀\\n\""));
        check("-0.5e+3", Ok("-0.5e+3"));
        check("[]", Ok("[]"));
        check("{}", Ok("{}"));
    }

    #[test]
    fn members_may_not_repeat_even_when_escaped() {
        check(r#"{"exp":1,"exp":2}"#, Err(JsonFault::Duplicate));
        check(r#"{"exp":1,"\u0065xp":2}"#, Err(JsonFault::Duplicate));
    }

    #[test]
    fn what_other_readers_tolerate_is_refused() {
        check("", Err(JsonFault::Ended));
        check("{} {}", Err(JsonFault::Trailing));
        check("\u{feff}{}", Err(JsonFault::Unexpected));
        check("[1,]", Err(JsonFault::Unexpected));
        check("{'a':1}", Err(JsonFault::Unexpected));
        check("01", Err(JsonFault::Number));
        check("1.", Err(JsonFault::Number));
        check("1e999", Err(JsonFault::Number));
        check("NaN", Err(JsonFault::Unexpected));
        check(r#""\ud800""#, Err(JsonFault::String));
        check(r#""\x""#, Err(JsonFault::String));
        check("\"a\nb\"", Err(JsonFault::String));
        check("[", Err(JsonFault::Ended));
    }

    #[test]
    fn maxima_hold_on_both_sides() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        check(&nested(17), Err(JsonFault::TooDeep));
        assert!(parse(nested(16).as_bytes(), &Limits::TOKEN).is_ok());
        let many = |count| format!("[{}]", vec!["1"; count].join(","));
        assert!(parse(many(127).as_bytes(), &Limits::TOKEN).is_ok());
        check(&many(128), Err(JsonFault::TooMany));
        let long = |count| format!("\"{}\"", "x".repeat(count));
        assert!(parse(long(4096).as_bytes(), &Limits::TOKEN).is_ok());
        check(&long(4097), Err(JsonFault::TooLong));
    }

    #[test]
    fn dates_are_floored_and_bounded() {
        let date = |text: &str| match parse(text.as_bytes(), &Limits::TOKEN) {
            Ok(Value::Number(number)) => number.as_numeric_date(),
            _ => None,
        };
        assert_eq!(date("1700000000.9"), Some(1_700_000_000));
        assert_eq!(date("9007199254740991"), Some(9_007_199_254_740_991));
        assert_eq!(date("9007199254740992"), None);
        assert_eq!(date("0"), None);
        assert_eq!(date("-1"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics_and_printing_is_stable(document: String) {
            if let Ok(value) = parse(document.as_bytes(), &Limits::TOKEN) {
                let printed = value.to_string();
                let again = parse(printed.as_bytes(), &Limits::TOKEN).unwrap();
                proptest::prop_assert_eq!(again.to_string(), printed);
            }
        }
    }
}
