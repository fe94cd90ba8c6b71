//! Reads small untrusted XML documents. It expands only predefined entities and limits the depth.
//!
//! Besides the five entities of XML, it expands those of HTML: books name them without a DTD that
//! declares them.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use jobs::{Failure, FailureCode};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::html_entities::resolve_html_entity;

/// The largest XML document, in bytes.
pub const MAX_XML_BYTES: u64 = 4 * 1024 * 1024;

/// The deepest nesting of elements.
const MAX_DEPTH: usize = 128;

/// The longest XML declaration, in bytes.
const MAX_DECLARATION_BYTES: usize = 256;

/// An event of a walk through a document. Names have no prefix.
#[derive(Debug)]
pub enum Node<'x> {
    /// An element begins.
    Open(&'x str, Attributes<'x>),
    /// Text inside the innermost open element. A long text may arrive in pieces.
    Text(&'x str),
    /// An element ends.
    Close(&'x str),
}

/// The attributes of an element.
#[derive(Debug)]
pub struct Attributes<'x>(&'x BytesStart<'x>);

impl<'x> Attributes<'x> {
    /// The attributes of a start tag.
    pub(super) const fn new(start: &'x BytesStart<'x>) -> Self {
        Self(start)
    }

    /// The name of the element with its prefix.
    #[must_use]
    pub fn element(&self) -> &str {
        self.0.name().into_inner()
    }

    /// The value of the attribute with this name, prefix and all.
    pub(super) fn get_exact(&self, name: &str) -> Option<String> {
        self.find(|attribute| attribute.key.as_ref() == name)
    }

    /// The value of the attribute with this local name and any prefix, or with this prefix and name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.find(|attribute| {
            let key = attribute.key;
            key.local_name().as_ref() == name || key.as_ref() == name
        })
    }

    fn find(&self, is_wanted: impl Fn(&Attribute<'_>) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        let mut attributes = attributes.with_checks(false).flatten();
        let attribute = attributes.find(is_wanted)?;
        let value = attribute.normalized_value_with(XmlVersion::Implicit1_0, 1, resolve_name);
        // As in a text, an unknown entity is kept.
        Some(value.unwrap_or(attribute.value).into_owned())
    }
}

/// Decodes a document by its byte order mark, by its declaration, or as UTF-8, in this order.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let (encoding, _) = Encoding::for_bom(bytes).unwrap_or_else(|| (declared_encoding(bytes), 0));
    encoding.decode(bytes).0.into_owned()
}

fn declared_encoding(bytes: &[u8]) -> &'static Encoding {
    match bytes {
        [0, b'<', ..] => return UTF_16BE,
        [b'<', 0, ..] => return UTF_16LE,
        _ => {}
    }
    let head =
        String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_DECLARATION_BYTES)]).into_owned();
    let declaration = head.split("?>").next().unwrap_or_default();
    let label = declaration
        .split_once("encoding")
        .and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
    label
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        // A declaration that is readable as ASCII cannot be in UTF-16, even if it claims to be.
        .filter(|encoding| encoding.is_ascii_compatible())
        .unwrap_or(UTF_8)
}

/// Walks through a document and calls `visit` with every node.
///
/// # Errors
/// [`FailureCode::XmlEntitiesRefused`] if a DTD declares entities; `broken` if the document is not
/// well-formed or is nested too deeply.
pub fn walk(
    text: &str,
    broken: FailureCode,
    visit: &mut dyn FnMut(Node<'_>),
) -> Result<(), Failure> {
    walk_nodes(Reader::from_str(text), broken, visit)
}

/// Walks through a document of careless tools like [`walk`]: in `Salt & Sea`, the sign is a text.
///
/// # Errors
/// As for [`walk`].
pub fn walk_careless(
    text: &str,
    broken: FailureCode,
    visit: &mut dyn FnMut(Node<'_>),
) -> Result<(), Failure> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    walk_nodes(reader, broken, visit)
}

/// Walks through a document in XHTML, or in HTML that is like it: an end tag may be missing or be one
/// too many, and entities of its own are kept as they are. Returns whether its end was reached.
pub fn walk_html(text: &str, visit: &mut dyn FnMut(Node<'_>)) -> bool {
    walk_events(text, &mut |event, _| visit_event(event, visit))
}

/// Walks through a document like [`walk_html`], and calls `visit` with every event and the position
/// of its end, in bytes.
pub(super) fn walk_events(text: &str, visit: &mut dyn FnMut(&Event<'_>, u64)) -> bool {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    config.expand_empty_elements = true;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return true,
            Ok(event) => visit(&event, reader.buffer_position()),
            Err(_) => return false,
        }
    }
}

fn walk_nodes(
    mut reader: Reader<&[u8]>,
    broken: FailureCode,
    visit: &mut dyn FnMut(Node<'_>),
) -> Result<(), Failure> {
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event();
        let event = event.map_err(|error| malformed(broken, reader.error_position(), &error))?;
        match &event {
            Event::Start(_) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Failure::new(broken, "The XML is nested too deeply."));
                }
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(dtd) if dtd.xml10_content().contains("<!ENTITY") => {
                let message = "The XML declares entities, which are not allowed.";
                return Err(Failure::new(FailureCode::XmlEntitiesRefused, message));
            }
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(Failure::new(broken, "The XML is truncated.")),
            _ => {}
        }
        visit_event(&event, visit);
    }
}

/// Calls `visit` with the node of an event, if it is one.
pub(super) fn visit_event(event: &Event<'_>, visit: &mut dyn FnMut(Node<'_>)) {
    match event {
        Event::Start(start) => visit(Node::Open(start.local_name().as_ref(), Attributes(start))),
        Event::End(end) => visit(Node::Close(end.local_name().as_ref())),
        Event::Text(text) => visit(Node::Text(&text.xml10_content())),
        Event::CData(text) => visit(Node::Text(&text.xml10_content())),
        Event::GeneralRef(reference) => visit(Node::Text(&resolve(reference))),
        _ => {}
    }
}

fn malformed(broken: FailureCode, at: u64, error: &quick_xml::Error) -> Failure {
    let message = format!("The XML is not well-formed at byte {at}: {error}.");
    Failure::new(broken, message)
}

/// Resolves a character reference or a predefined entity. Any other reference is kept.
fn resolve(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => return character.to_string(),
        Ok(None) => {}
        Err(_) => return char::REPLACEMENT_CHARACTER.to_string(),
    }
    match resolve_name(reference) {
        Some(text) => text.to_owned(),
        None => format!("&{};", &**reference),
    }
}

pub(super) fn resolve_name(name: &str) -> Option<&'static str> {
    resolve_xml_entity(name).or_else(|| resolve_html_entity(name))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    type Walk = fn(&str, FailureCode, &mut dyn FnMut(Node<'_>)) -> Result<(), Failure>;

    fn walked_by(walk: Walk, text: &str) -> Result<String, Failure> {
        let mut seen = String::new();
        walk(text, FailureCode::EpubDamaged, &mut |node| match node {
            Node::Open(name, attributes) => {
                let _ = write!(seen, "<{name} {:?}>", attributes.get("a"));
            }
            Node::Text(text) => seen.push_str(text),
            Node::Close(name) => drop(write!(seen, "</{name}>")),
        })?;
        Ok(seen)
    }

    fn walked(text: &str) -> Result<String, Failure> {
        walked_by(walk, text)
    }

    #[test]
    fn prefixes_entities_and_empty_elements_are_handled() {
        let seen = walked(
            "<?xml version='1.0'?><x:r p:a='1 &amp; 2'>A&amp;B&#65;&a;<e/><![CDATA[<]]></x:r>",
        );
        assert_eq!(seen.unwrap(), "<r Some(\"1 & 2\")>A&BA&a;<e None></e><</r>");
    }

    #[test]
    fn html_entities_are_expanded_in_text_and_attributes() {
        let seen = walked("<r a='&Eacute;t&eacute;'>Caf&eacute;&nbsp;&ndash; &OElig;&hellip;</r>");
        let text = "Caf\u{e9}\u{a0}\u{2013} \u{152}\u{2026}";
        assert_eq!(seen.unwrap(), format!("<r Some(\"Été\")>{text}</r>"));
        let unknown = walked("<r a='&none; &eacute;'>&Nbsp;</r>");
        assert_eq!(unknown.unwrap(), "<r Some(\"&none; &eacute;\")>&Nbsp;</r>");
    }

    #[test]
    fn bare_ampersand_is_a_text_in_a_careless_document_only() {
        for (text, expected) in [
            ("Salt & Sea", "Salt & Sea"),
            ("AT&T", "AT&T"),
            ("a && b &", "a && b &"),
            ("&&amp;&", "&&&"),
            ("R&B; &eacute;", "R&B; é"),
        ] {
            let document = format!("<r a='{text}'>{text}</r>");
            let seen = walked_by(walk_careless, &document).unwrap();
            assert!(seen.ends_with(&format!(">{expected}</r>")), "{seen}");
        }
        let document = "<r><a>Salt & Sea</a><b>x</b></r>";
        assert!(walked(document).is_err());
        let title = walked_by(walk_careless, document).unwrap();
        assert_eq!(title, "<r None><a None>Salt & Sea</a><b None>x</b></r>");
    }

    #[test]
    fn entity_definitions_are_refused() {
        let bomb = "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><r>&b;</r>";
        assert_eq!(
            walked(bomb).unwrap_err().code,
            FailureCode::XmlEntitiesRefused
        );
        assert!(walked("<!DOCTYPE package><r/>").is_ok());
    }

    #[test]
    fn malformed_documents_are_refused() {
        for text in ["<a><b></a>", "<a>", "<a", "<a>&#0;</b>", &"<a>".repeat(200)] {
            assert_eq!(
                walked(text).unwrap_err().code,
                FailureCode::EpubDamaged,
                "{text}"
            );
        }
        assert_eq!(walked("<a>&#0;</a>").unwrap(), "<a None>\u{FFFD}</a>");
    }

    #[test]
    fn common_encodings_are_decoded() {
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE9</a>";
        assert!(decode(latin).ends_with("<a>é</a>"));
        assert_eq!(decode(b"\xEF\xBB\xBF<a>\xC3\xA9</a>"), "<a>é</a>");
        let utf16: Vec<u8> = "<a>é</a>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decode(&utf16), "<a>é</a>");
        let big: Vec<u8> = "<a>é</a>"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(decode(&big), "<a>é</a>");
        let lying = b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>\xC3\xA9</a>";
        assert!(decode(lying).ends_with("<a>é</a>"));
    }
}
