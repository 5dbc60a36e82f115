//! The little XML that a manifest needs: elements, attributes, text, indentation.
//!
//! Names come from this crate and are written as they are. Values come from outside and are
//! escaped; characters that XML 1.0 cannot hold at all are refused.

use quick_xml::escape::escape;

use super::write::DashError;

/// A document in the making.
pub(super) struct Xml {
    out: String,
    depth: usize,
    start_tag: StartTag,
    after: After,
}

#[derive(PartialEq)]
enum StartTag {
    Closed,
    Open,
}

/// What was written last, which decides whether a closing tag gets a line of its own.
#[derive(PartialEq)]
enum After {
    Element,
    Text,
}

impl Xml {
    pub(super) fn document() -> Self {
        let out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        Self { out, depth: 0, start_tag: StartTag::Closed, after: After::Element }
    }

    pub(super) fn into_text(mut self) -> String {
        self.out.push('\n');
        self.out
    }

    pub(super) fn open(&mut self, name: &str) {
        self.end_start_tag();
        self.new_line();
        self.out.push('<');
        self.out.push_str(name);
        self.start_tag = StartTag::Open;
        self.depth += 1;
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) -> Result<(), DashError> {
        let value = checked(name, value)?;
        self.out.extend([" ", name, "=\"", &escape(value), "\""]);
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), DashError> {
        let text = checked("text", text)?;
        self.end_start_tag();
        self.out.push_str(&escape(text));
        self.after = After::Text;
        Ok(())
    }

    pub(super) fn leaf(&mut self, name: &str, text: &str) -> Result<(), DashError> {
        self.open(name);
        self.text(text)?;
        self.close(name);
        Ok(())
    }

    pub(super) fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        if self.start_tag == StartTag::Open {
            self.out.push_str("/>");
            self.start_tag = StartTag::Closed;
        } else {
            if self.after == After::Element {
                self.new_line();
            }
            self.out.extend(["</", name, ">"]);
        }
        self.after = After::Element;
    }

    fn end_start_tag(&mut self) {
        if self.start_tag == StartTag::Open {
            self.out.push('>');
            self.start_tag = StartTag::Closed;
            self.after = After::Element;
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', self.depth));
    }
}

/// SECURITY: SEC-99. Control characters have no place in any value we write, and line breaks
/// in attributes would not survive a parser either.
fn checked<'a>(place: &str, text: &'a str) -> Result<&'a str, DashError> {
    let forbidden =
        |character: char| character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}');
    match text.chars().find(|&character| forbidden(character)) {
        Some(character) => Err(DashError { place: place.to_owned(), character }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_values_are_escaped() {
        let mut xml = Xml::document();
        xml.open("a");
        xml.attribute("href", "x?a=1&b=\"<'>").unwrap();
        xml.leaf("b", "1 < 2").unwrap();
        xml.open("c");
        xml.close("c");
        xml.close("a");
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <a href=\"x?a=1&amp;b=&quot;&lt;&apos;&gt;\">\n <b>1 &lt; 2</b>\n <c/>\n</a>\n";
        assert_eq!(xml.into_text(), expected);
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in ["\0", "\n", "\r", "\u{1b}", "\u{ffff}"] {
            assert!(Xml::document().attribute("a", bad).is_err(), "{bad:?}");
            assert!(Xml::document().text(bad).is_err(), "{bad:?}");
        }
    }
}
