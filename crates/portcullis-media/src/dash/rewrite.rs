//! Changes the URLs of an MPD and nothing else.
//!
//! Every byte that is not part of a changed URL stays as it was. Nothing is fetched or
//! resolved. The XML is read strictly: what one reader would take differently from another,
//! and everything that could fetch something by itself (DOCTYPE, entities, XLink), is refused
//! (SEC-91).
//!
//! | where | rewritten |
//! |---|---|
//! | text | `BaseURL`, `Location`, `PatchLocation` |
//! | `SegmentTemplate` | `@media`, `@index`, `@initialization`, `@bitstreamSwitching` |
//! | `SegmentURL` | `@media`, `@index` |
//! | `Initialization`, `RepresentationIndex`, `BitstreamSwitching` | `@sourceURL` |
//! | `InitializationSet` | `@initialization` |
//!
//! Elements are told apart by their local names: the namespace of the MPD schema is the only
//! one in which these occur.
//!
//! SPEC: ISO/IEC 23009-1 §5.3.9 (segments), §5.6 (base URLs).

use std::ops::Range;

use quick_xml::{
    XmlVersion,
    escape::{escape, resolve_predefined_entity},
    events::{BytesDecl, BytesRef, BytesStart, Event, attributes::Attributes},
    reader::Reader,
};

use crate::uri::{self, Kind};

/// Asks `decide` about every URL that leads over HTTP, in order, and writes what it answers.
///
/// `None` says that a URL is not ours and stays as it is. Below an absolute `BaseURL` that
/// is not ours, relative URLs lead to that host too and are not asked about; to keep an
/// absolute URL of ours as it is, answer with the same text. Templates keep their
/// identifiers (`$Number$`, `$Time$`, …).
///
/// # Errors
///
/// When the text is not a well-formed MPD as strict as it has to be, exceeds a limit, or
/// `decide` answered something that cannot stand in an MPD or lost a template's identifiers.
pub fn rewrite(
    mpd: &str,
    decide: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, MpdError> {
    if mpd.len() > BYTES_MAX {
        return Err(MpdError { at: BYTES_MAX, fault: MpdFault::Limit("bytes") });
    }
    if let Some((at, _)) = mpd.char_indices().find(|(_, character)| !is_xml(*character)) {
        return Err(MpdError { at, fault: MpdFault::Character });
    }
    let document = mpd.strip_prefix('\u{feff}').unwrap_or(mpd);
    let mark = mpd.get(..mpd.len().saturating_sub(document.len())).unwrap_or_default();
    let mut rewriter = Rewriter {
        document,
        out: String::from(mark),
        copied: 0,
        open: Vec::new(),
        elements: 0,
        decide,
    };
    rewriter.run().map_err(|(at, fault)| MpdError { at: at.saturating_add(mark.len()), fault })?;
    Ok(rewriter.out)
}

/// An MPD that is not rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct MpdError {
    /// The byte at which the faulty part begins.
    pub at: usize,
    /// What is wrong there.
    pub fault: MpdFault,
}

/// What is wrong with an MPD.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MpdFault {
    /// A character XML cannot hold.
    #[error("a character that XML cannot hold")]
    Character,
    /// A DOCTYPE.
    #[error("a DOCTYPE is not accepted")]
    Doctype,
    /// Another encoding than UTF-8, or another version than 1.0.
    #[error("only XML 1.0 in UTF-8 is accepted")]
    Encoding,
    /// An entity other than the five of XML itself, or a reference to no character.
    #[error("an undeclared entity")]
    Entity,
    /// Something is too large or too much.
    #[error("too many or too long: {0}")]
    Limit(&'static str),
    /// Not well-formed.
    #[error("not well-formed XML")]
    Malformed,
    /// The root is not `MPD`.
    #[error("not an MPD")]
    NoMpd,
    /// A processing instruction.
    #[error("a processing instruction is not accepted")]
    Instruction,
    /// What the URL was to become cannot stand in an MPD.
    #[error("the rewritten URL cannot stand in an MPD")]
    Rewritten,
    /// The identifiers of a template would be lost or are unbalanced.
    #[error("the template's identifiers must stay as they are")]
    Template,
    /// An element or a comment in the middle of a URL, or anything beside the root.
    #[error("something stands where only text or nothing may stand")]
    Unexpected,
    /// A reference to something outside the MPD that a player would include.
    #[error("an XLink reference is not accepted")]
    XLink,
}

type Placed<T> = Result<T, (usize, MpdFault)>;

struct Rewriter<'a, 'd> {
    document: &'a str,
    out: String,
    /// How much of the document stands in `out` already.
    copied: usize,
    open: Vec<Element>,
    elements: usize,
    decide: &'d mut dyn FnMut(&str) -> Option<String>,
}

/// An element whose end has not been read.
struct Element {
    /// The text so far, if the element's text is a URL.
    text: Option<UrlText>,
    is_base: bool,
    /// Whether relative URLs in the element's parent lead to a foreign host.
    inherited: Host,
    /// The same for its children, once a `BaseURL` said so.
    based: Option<Host>,
}

impl Element {
    fn host(&self) -> Host {
        self.based.unwrap_or(self.inherited)
    }
}

struct UrlText {
    start: usize,
    text: String,
}

/// Whose host relative URLs lead to. Of several alternatives the foreign one counts: a
/// segment that cannot be fetched from us is better than a token given away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    Ours,
    Foreign,
}

impl Rewriter<'_, '_> {
    fn run(&mut self) -> Placed<()> {
        let mut reader = Reader::from_str(self.document);
        reader.config_mut().check_comments = true;
        loop {
            let start = reader.buffer_position() as usize;
            let event = reader.read_event().map_err(|_| (start, MpdFault::Malformed))?;
            let span = start..reader.buffer_position() as usize;
            if matches!(event, Event::Eof) {
                if !self.open.is_empty() || self.elements == 0 {
                    return Err((start, MpdFault::Malformed));
                }
                return self.copy_to(self.document.len()).map_err(|fault| (start, fault));
            }
            self.event(event, span).map_err(|fault| (start, fault))?;
        }
    }

    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), MpdFault> {
        match event {
            Event::Start(tag) => {
                let element = self.tag(&tag, &span)?;
                self.open.push(element);
                Ok(())
            }
            Event::Empty(tag) => self.tag(&tag, &span).map(drop),
            Event::End(_) => self.end(span.start),
            Event::Text(text) if text.contains("]]>") => Err(MpdFault::Malformed),
            Event::Text(text) => self.text(&text),
            Event::CData(text) if self.open.is_empty() => {
                drop(text);
                Err(MpdFault::Unexpected)
            }
            Event::CData(text) => self.text(&text),
            Event::GeneralRef(reference) if self.open.is_empty() => {
                drop(reference);
                Err(MpdFault::Unexpected)
            }
            Event::GeneralRef(reference) => self.text(&resolve(&reference)?),
            Event::Comment(_) if self.in_url() => Err(MpdFault::Unexpected),
            Event::Comment(_) | Event::Eof => Ok(()),
            Event::Decl(declaration) if span.start == 0 => check_declaration(&declaration),
            Event::Decl(_) | Event::PI(_) => Err(MpdFault::Instruction),
            Event::DocType(_) => Err(MpdFault::Doctype),
        }
    }

    fn in_url(&self) -> bool {
        self.open.last().is_some_and(|element| element.text.is_some())
    }

    fn host(&self) -> Host {
        self.open.last().map_or(Host::Ours, Element::host)
    }

    /// Checks a start tag and rewrites its attributes.
    fn tag(&mut self, tag: &BytesStart<'_>, span: &Range<usize>) -> Result<Element, MpdFault> {
        self.elements = self.elements.saturating_add(1);
        if self.elements > ELEMENTS_MAX {
            return Err(MpdFault::Limit("elements"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(MpdFault::Limit("elements inside one another"));
        }
        let name = tag.name();
        if !is_name(name.as_ref()) {
            return Err(MpdFault::Malformed);
        }
        let local = tag.local_name();
        let local = local.as_ref();
        if self.open.is_empty() && self.elements > 1 || self.in_url() {
            return Err(MpdFault::Unexpected);
        }
        if self.open.is_empty() && local != "MPD" {
            return Err(MpdFault::NoMpd);
        }
        self.attributes(tag, local, span)?;
        let is_text = TEXT_URLS.contains(&local);
        Ok(Element {
            text: is_text.then(|| UrlText { start: span.end, text: String::new() }),
            is_base: local == "BaseURL",
            inherited: self.host(),
            based: None,
        })
    }

    fn attributes(
        &mut self,
        tag: &BytesStart<'_>,
        element: &str,
        span: &Range<usize>,
    ) -> Result<(), MpdFault> {
        let mut declarations = 0;
        for (position, attribute) in tag.attributes().enumerate() {
            if position >= ATTRIBUTES_MAX {
                return Err(MpdFault::Limit("attributes"));
            }
            let attribute = attribute.map_err(|_| MpdFault::Malformed)?;
            let name = attribute.key.as_ref();
            if !is_name(name) || attribute.value.contains('<') {
                return Err(MpdFault::Malformed);
            }
            if attribute.value.len() > VALUE_BYTES_MAX {
                return Err(MpdFault::Limit("bytes of an attribute"));
            }
            if name.split_once(':').is_some_and(|(_, local)| local == "href") {
                return Err(MpdFault::XLink);
            }
            declarations += usize::from(name == "xmlns" || name.starts_with("xmlns:"));
            if declarations > DECLARATIONS_MAX {
                return Err(MpdFault::Limit("namespace declarations"));
            }
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let value = value.map_err(|_| MpdFault::Entity)?;
            if !value.chars().all(is_xml) {
                return Err(MpdFault::Entity);
            }
            if is_url(element, name) {
                let Some(url) = self.ask(&value, self.host())? else { continue };
                if element == "SegmentTemplate" && identifiers(&value)? != identifiers(&url)? {
                    return Err(MpdFault::Template);
                }
                let range = place(tag, &attribute.value, span)?;
                self.replace(range, &url)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), MpdFault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(MpdFault::Limit("bytes of text"));
        }
        let Some(element) = self.open.last_mut() else {
            let blank = text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            return if blank { Ok(()) } else { Err(MpdFault::Unexpected) };
        };
        if let Some(url) = &mut element.text {
            url.text.push_str(text);
            if url.text.len() > VALUE_BYTES_MAX {
                return Err(MpdFault::Limit("bytes of a URL"));
            }
        }
        Ok(())
    }

    fn end(&mut self, at: usize) -> Result<(), MpdFault> {
        // The tokenizer refuses an end tag without its start tag.
        let element = self.open.pop().ok_or(MpdFault::Malformed)?;
        let Some(UrlText { start, text }) = element.text else { return Ok(()) };
        let text = text.trim();
        // A `BaseURL` is relative to what its parent inherited, not to its siblings; where to
        // reload the MPD from is relative to the MPD.
        let host = match self.open.last() {
            Some(parent) if element.is_base => parent.inherited,
            _ => Host::Ours,
        };
        let rewritten = self.ask(text, host)?;
        if element.is_base {
            let leads = match uri::kind(text) {
                Kind::Relative => host,
                Kind::Absolute if rewritten.is_some() => Host::Ours,
                Kind::Absolute | Kind::Other => Host::Foreign,
            };
            if let Some(parent) = self.open.last_mut() {
                parent.based = Some(parent.based.map_or(leads, |other| other.max(leads)));
            }
        }
        match rewritten {
            None => Ok(()),
            Some(url) => self.replace(start..at, &url),
        }
    }

    /// The caller's answer, if the URL is one to ask about.
    fn ask(&mut self, url: &str, host: Host) -> Result<Option<String>, MpdFault> {
        let asked = match uri::kind(url) {
            Kind::Absolute => true,
            Kind::Other => false,
            Kind::Relative => host == Host::Ours && !url.is_empty(),
        };
        let Some(rewritten) = asked.then(|| (self.decide)(url)).flatten() else { return Ok(None) };
        // Made relative below a foreign base, a URL of ours would lead there, token and all.
        let lost = host == Host::Foreign && uri::kind(&rewritten) == Kind::Relative;
        if lost || !uri::may_be_written(&rewritten) {
            return Err(MpdFault::Rewritten);
        }
        Ok(Some(rewritten))
    }

    fn replace(&mut self, range: Range<usize>, url: &str) -> Result<(), MpdFault> {
        self.copy_to(range.start)?;
        self.out.push_str(&escape(url));
        self.copied = range.end;
        Ok(())
    }

    fn copy_to(&mut self, end: usize) -> Result<(), MpdFault> {
        let part = self.document.get(self.copied..end).ok_or(MpdFault::Malformed)?;
        if self.out.len().saturating_add(part.len()) > WRITTEN_BYTES_MAX {
            return Err(MpdFault::Limit("bytes as rewritten"));
        }
        self.out.push_str(part);
        self.copied = end;
        Ok(())
    }
}

/// Where in the document an attribute's value stands.
fn place(tag: &BytesStart<'_>, value: &str, span: &Range<usize>) -> Result<Range<usize>, MpdFault> {
    // The value is a part of the tag's own text, which begins after the `<`.
    let inside = (value.as_ptr() as usize).checked_sub(tag.as_ptr() as usize);
    let start = inside.and_then(|inside| span.start.checked_add(1)?.checked_add(inside));
    let range = start.and_then(|start| Some(start..start.checked_add(value.len())?));
    range.filter(|range| range.end < span.end).ok_or(MpdFault::Malformed)
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, MpdFault> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) if is_xml(character) => Ok(character.to_string()),
        Ok(None) => resolve_predefined_entity(reference).map(str::to_owned).ok_or(MpdFault::Entity),
        Ok(Some(_)) | Err(_) => Err(MpdFault::Entity),
    }
}

/// SPEC: XML 1.0 §2.8: version, then perhaps encoding, then perhaps standalone.
fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), MpdFault> {
    let mut expected = ["version", "encoding", "standalone"].into_iter();
    let mut version = false;
    for attribute in Attributes::new(declaration, "xml".len()) {
        let attribute = attribute.map_err(|_| MpdFault::Malformed)?;
        let name = attribute.key.as_ref();
        if !expected.any(|candidate| candidate == name) {
            return Err(MpdFault::Malformed);
        }
        let accepted = match name {
            "version" => attribute.value == "1.0",
            "encoding" => attribute.value.eq_ignore_ascii_case("utf-8"),
            _ => true,
        };
        if !accepted {
            return Err(MpdFault::Encoding);
        }
        version |= name == "version";
    }
    if version { Ok(()) } else { Err(MpdFault::Encoding) }
}

fn is_url(element: &str, attribute: &str) -> bool {
    URL_ATTRIBUTES
        .iter()
        .any(|(name, attributes)| *name == element && attributes.contains(&attribute))
}

/// The identifiers of a template, in order, with their formats: `Number%05d`.
///
/// SPEC: ISO/IEC 23009-1 §5.3.9.4.4: `$` stands in pairs; `$$` is a dollar sign.
fn identifiers(template: &str) -> Result<Vec<&str>, MpdFault> {
    let parts: Vec<&str> = template.split('$').collect();
    if parts.len().is_multiple_of(2) {
        return Err(MpdFault::Template);
    }
    Ok(parts.into_iter().skip(1).step_by(2).filter(|identifier| !identifier.is_empty()).collect())
}

/// SPEC: XML 1.0 §2.3, somewhat narrower: letters, digits and `_`, `-`, `.`, `:`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

/// SPEC: XML 1.0 §2.2.
fn is_xml(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

const TEXT_URLS: [&str; 3] = ["BaseURL", "Location", "PatchLocation"];

const URL_ATTRIBUTES: [(&str, &[&str]); 6] = [
    ("BitstreamSwitching", &["sourceURL"]),
    ("Initialization", &["sourceURL"]),
    ("InitializationSet", &["initialization"]),
    ("RepresentationIndex", &["sourceURL"]),
    ("SegmentTemplate", &["bitstreamSwitching", "index", "initialization", "media"]),
    ("SegmentURL", &["index", "media"]),
];

// SEC-91.
const ATTRIBUTES_MAX: usize = 64;
const BYTES_MAX: usize = 8 << 20;
const DECLARATIONS_MAX: usize = 32;
const DEPTH_MAX: usize = 64;
const ELEMENTS_MAX: usize = 20_000;
const TEXT_BYTES_MAX: usize = 1 << 20;
const VALUE_BYTES_MAX: usize = 64 << 10;
const WRITTEN_BYTES_MAX: usize = 16 << 20;
