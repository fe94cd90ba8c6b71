//! Writes an indented XML document.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// An XML document under construction, in UTF-8.
pub struct XmlWriter(Writer<Vec<u8>>);

impl XmlWriter {
    /// Writes a document whose root element `write` fills.
    pub fn document(
        root: &str,
        attributes: &[(&str, &str)],
        write: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<String> {
        let mut writer = Self(Writer::new_with_indent(Vec::new(), b' ', 2));
        let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
        writer.0.write_event(Event::Decl(declaration))?;
        writer.parent(root, attributes, write)?;
        let mut bytes = writer.0.into_inner();
        bytes.push(b'\n');
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    /// Writes an element with the elements that `write` adds.
    pub fn parent(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        write: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Start(start))?;
        write(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// Writes an element with a text.
    pub fn text(&mut self, name: &str, value: &str) -> io::Result<()> {
        self.text_with(name, &[], value)
    }

    /// Writes an element with a text, unless the text is empty.
    pub fn known(&mut self, name: &str, value: &str) -> io::Result<()> {
        if value.is_empty() {
            return Ok(());
        }
        self.text(name, value)
    }

    /// Writes an element with attributes and a text.
    pub fn text_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        value: &str,
    ) -> io::Result<()> {
        let element = self.0.create_element(name);
        let element = element.with_attributes(attributes.iter().copied());
        let allowed: String = value.chars().filter(|&c| is_allowed(c)).collect();
        element.write_text_content(BytesText::new(&allowed))?;
        Ok(())
    }
}

/// Returns whether a document may have a character (XML 1.0, section 2.2).
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
