//! Reads query parameters: by exact name, percent-decoded once.
//!
//! It does not read `+` as a space: no name or value of ours holds one, and a token may hold
//! a plus sign.

use std::borrow::Cow;

/// The values of the parameters called `name`, in order.
pub(crate) fn values<'a>(
    query: Option<&'a str>,
    name: &'a str,
) -> impl Iterator<Item = Cow<'a, str>> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(move |pair| pair.strip_prefix(name)?.strip_prefix('=')).map(percent_decoded)
}

/// Decodes once. A `%` without two hex digits stays as it is.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = match after {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match byte {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_exact_name_and_decoded_once() {
        let values = |query| values(Some(query), "token").collect::<Vec<_>>();
        assert_eq!(values("a=b&token=x%3Dy&token=z"), ["x=y", "z"]);
        assert_eq!(values("token=%253D"), ["%3D"]);
        assert_eq!(values("token=a+b%"), ["a+b%"]);
        assert_eq!(values("token=%+1%4"), ["%+1%4"]);
        assert_eq!(values("tokens=1&xtoken=2&token"), [""; 0]);
    }
}
