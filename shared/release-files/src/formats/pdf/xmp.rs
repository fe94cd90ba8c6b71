//! Reads the XMP of a PDF (ISO 16684-1): the metadata that PDF 2.0 prefers to the Info dictionary.

use std::collections::{BTreeMap, BTreeSet};

use jobs::FailureCode;
use serde::{Deserialize, Serialize};
use text::tidy_line;

use crate::formats::xml::{self, Attributes, Node};

/// The largest XMP, unpacked, in bytes.
pub const MAX_XMP_BYTES: usize = 4 * 1024 * 1024;
/// The largest number of values of a property that are kept.
const MAX_VALUES: usize = 1_000;
/// The length from which further pieces of a value are dropped, in bytes.
const MAX_VALUE_BYTES: usize = 16 * 1024;

/// The names of the properties in use, without their prefix, which any program may choose. The
/// capitalized ones are from XMP that repeats the Info dictionary. Those of PDF/A have a prefix, which
/// is fixed (ISO 19005-2, 6.6.4); PDF/UA has a `part`, too.
const PROPERTIES: [&str; 26] = [
    "pdfaid:part",
    "pdfaid:conformance",
    "title",
    "creator",
    "publisher",
    "language",
    "description",
    "subject",
    "identifier",
    "date",
    "format",
    "isbn",
    "ISBN",
    "eIsbn",
    "eISBN",
    "doi",
    "publicationDate",
    "Identifier",
    "CreateDate",
    "CreatorTool",
    "Title",
    "Author",
    "Subject",
    "Keywords",
    "Producer",
    "CreationDate",
];

/// The values of the properties in use, by name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xmp(BTreeMap<String, Vec<String>>);

impl Xmp {
    /// Parses XMP of any encoding. Returns an empty one if it is not well-formed, declares entities
    /// or is too large: a PDF can be read without it.
    pub fn parse(bytes: &[u8]) -> Self {
        if bytes.len() > MAX_XMP_BYTES {
            return Self::default();
        }
        let text = xml::decode(bytes);
        let mut parser = Parser::default();
        let walked = xml::walk(
            text.trim_matches('\0'),
            FailureCode::PdfDamaged,
            &mut |node| parser.visit(node),
        );
        walked.map_or_else(|_| Self::default(), |()| Self(parser.values))
    }

    /// The values of a property, cleaned up. The default language comes first.
    pub fn all(&self, name: &str) -> impl Iterator<Item = String> {
        let values = self.0.get(name).into_iter().flatten();
        values.filter_map(|value| tidy_line(value))
    }

    /// The first value of the first of these properties that has any.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.all(name).next())
    }

    /// The part and the level of PDF/A that the document claims, such as `PDF/A-2b`. Part 4 has no
    /// levels but `e` and `f`.
    pub fn pdf_a(&self) -> Option<String> {
        let part = self.first(&["pdfaid:part"])?;
        let part = part
            .parse()
            .ok()
            .filter(|part: &u8| (1..=9).contains(part))?;
        let level = self.first(&["pdfaid:conformance"]).unwrap_or_default();
        let is_level = level.len() <= 1 && level.chars().all(|c| c.is_ascii_alphabetic());
        let level = if is_level { &level } else { "" };
        Some(format!("PDF/A-{part}{}", level.to_ascii_lowercase()))
    }

    /// The first value of a property as it was written.
    pub fn raw(&self, name: &str) -> Option<&str> {
        Some(self.0.get(name)?.first()?)
    }
}

/// A walk through XMP. Its values are at `RDF/Description/property`, or deeper within an array.
#[derive(Default)]
struct Parser {
    depth: usize,
    /// The depth of the open `RDF`.
    rdf: Option<usize>,
    /// The open property.
    property: Option<&'static str>,
    /// The open value, and whether it is of the default language.
    value: Option<(String, bool)>,
    values: BTreeMap<String, Vec<String>>,
    /// The properties with values in an earlier packet. A later one does not add to them.
    complete: BTreeSet<String>,
}

impl Parser {
    fn visit(&mut self, node: Node<'_>) {
        match node {
            Node::Open(name, attributes) => {
                self.depth += 1;
                self.open(name, &attributes);
            }
            Node::Text(text) => {
                if let Some((value, _)) = &mut self.value
                    && value.len() < MAX_VALUE_BYTES
                {
                    value.push_str(text);
                }
            }
            Node::Close(name) => {
                self.close(name);
                self.depth = self.depth.saturating_sub(1);
            }
        }
    }

    fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        match self.rdf.map(|rdf| self.depth - rdf) {
            None if name == "RDF" => self.rdf = Some(self.depth),
            None => {}
            Some(1) => {
                for property in PROPERTIES {
                    self.add(property, attributes.get(property), false);
                }
            }
            Some(2) => {
                let full_name = attributes.element();
                self.property = PROPERTIES
                    .into_iter()
                    .find(|known| *known == name || *known == full_name);
                self.open_value(attributes);
            }
            Some(_) => match name {
                "Alt" | "Seq" | "Bag" | "Description" => {}
                "li" | "value" => self.open_value(attributes),
                // Another field of a structure, such as the scheme of an identifier.
                _ => self.close_value(),
            },
        }
    }

    fn open_value(&mut self, attributes: &Attributes<'_>) {
        self.close_value();
        if let Some(property) = self.property {
            self.add(property, attributes.get("resource"), false);
            let is_default = attributes.get("lang").as_deref() == Some("x-default");
            self.value = Some((String::new(), is_default));
        }
    }

    fn close(&mut self, name: &str) {
        match self.rdf.map(|rdf| self.depth - rdf) {
            Some(0) => {
                self.rdf = None;
                self.complete = self.values.keys().cloned().collect();
            }
            Some(2) => {
                self.close_value();
                self.property = None;
            }
            Some(_) if matches!(name, "li" | "value") => self.close_value(),
            _ => {}
        }
    }

    fn close_value(&mut self) {
        if let (Some(property), Some((value, is_default))) = (self.property, self.value.take()) {
            self.add(property, Some(value), is_default);
        }
    }

    fn add(&mut self, property: &str, value: Option<String>, is_default: bool) {
        let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
            return;
        };
        if self.complete.contains(property) {
            return;
        }
        let values = self.values.entry(property.to_owned()).or_default();
        if values.len() < MAX_VALUES {
            let at = if is_default { 0 } else { values.len() };
            values.insert(at, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(properties: &str) -> String {
        format!(
            "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>\n\
             <x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='urn:rdf'>\n\
             {properties}\n</rdf:RDF></x:xmpmeta>{}<?xpacket end='w'?>",
            " ".repeat(200)
        )
    }

    fn parse(description: &str) -> Xmp {
        let description = format!("<rdf:Description rdf:about=''>{description}</rdf:Description>");
        Xmp::parse(packet(&description).as_bytes())
    }

    fn all(xmp: &Xmp, name: &str) -> Vec<String> {
        xmp.all(name).collect()
    }

    #[test]
    fn arrays_and_plain_values_are_read_with_any_prefix() {
        let xmp = parse(
            "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Hafen</rdf:li>\
             <rdf:li xml:lang='x-default'>The &amp; Harbour</rdf:li></rdf:Alt></dc:title>\
             <a:creator><b:Seq><b:li> Mara\n Quill </b:li><b:li>Ned Shore</b:li></b:Seq></a:creator>\
             <dc:publisher>Plain House</dc:publisher><dc:language><rdf:Bag><rdf:li>en</rdf:li></rdf:Bag></dc:language>\
             <xmp:CreateDate>2019-03-04T12:00:00Z</xmp:CreateDate><dc:description/>",
        );
        assert_eq!(all(&xmp, "title"), ["The & Harbour", "Hafen"]);
        assert_eq!(all(&xmp, "creator"), ["Mara Quill", "Ned Shore"]);
        assert_eq!(xmp.first(&["publisher"]).as_deref(), Some("Plain House"));
        assert_eq!(
            xmp.first(&["description", "language"]).as_deref(),
            Some("en")
        );
        assert_eq!(xmp.raw("CreateDate"), Some("2019-03-04T12:00:00Z"));
        assert_eq!(xmp.raw("subject"), None);
    }

    #[test]
    fn attributes_are_read() {
        let xmp = Xmp::parse(
            packet("<rdf:Description pdf:Producer='Press &lt;2&gt;' dc:title='T' xmp:Other='x'/>")
                .as_bytes(),
        );
        assert_eq!(all(&xmp, "Producer"), ["Press <2>"]);
        assert_eq!(all(&xmp, "title"), ["T"]);
    }

    #[test]
    fn claim_of_pdf_a_is_read() {
        for (properties, claim) in [
            (
                "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>",
                Some("PDF/A-2b"),
            ),
            (
                "<pdfuaid:part>1</pdfuaid:part><pdfaid:part> 4 </pdfaid:part>",
                Some("PDF/A-4"),
            ),
            (
                "<pdfaid:part>4</pdfaid:part><pdfaid:conformance>F</pdfaid:conformance>",
                Some("PDF/A-4f"),
            ),
            (
                "<pdfaid:part>1</pdfaid:part><pdfaid:conformance>none</pdfaid:conformance>",
                Some("PDF/A-1"),
            ),
            ("<pdfuaid:part>1</pdfuaid:part>", None),
            ("<pdfaid:part>x</pdfaid:part>", None),
            ("<pdfaid:conformance>B</pdfaid:conformance>", None),
        ] {
            assert_eq!(parse(properties).pdf_a().as_deref(), claim, "{properties}");
        }
        let attributes =
            "<rdf:Description pdfuaid:part='1' pdfaid:part='3' pdfaid:conformance='u'/>";
        let xmp = Xmp::parse(packet(attributes).as_bytes());
        assert_eq!(xmp.pdf_a().as_deref(), Some("PDF/A-3u"));
    }

    #[test]
    fn structures_give_their_values_alone() {
        let xmp = parse(
            "<xmp:Identifier><rdf:Bag><rdf:li rdf:parseType='Resource'>\
             <xmpidq:Scheme>isbn</xmpidq:Scheme><rdf:value>9780306406157</rdf:value></rdf:li></rdf:Bag>\
             </xmp:Identifier><pdfaExtension:schemas><rdf:Bag><rdf:li><pdfaProperty:description>\
             not this</pdfaProperty:description></rdf:li></rdf:Bag></pdfaExtension:schemas>\
             <dc:identifier rdf:resource='urn:isbn:0306406152'/>",
        );
        assert_eq!(all(&xmp, "Identifier"), ["9780306406157"]);
        assert_eq!(all(&xmp, "identifier"), ["urn:isbn:0306406152"]);
        assert_eq!(all(&xmp, "description"), [""; 0]);
    }

    #[test]
    fn later_packet_adds_only_missing_properties() {
        let first = packet(
            "<rdf:Description><dc:creator>A</dc:creator></rdf:Description>\
             <rdf:Description><dc:creator>B</dc:creator></rdf:Description>",
        );
        let second = packet(
            "<rdf:Description><dc:creator>C</dc:creator><dc:title>T</dc:title></rdf:Description>",
        );
        let xmp = Xmp::parse(format!("{first}\n{second}\0\0").as_bytes());
        assert_eq!(all(&xmp, "creator"), ["A", "B"]);
        assert_eq!(all(&xmp, "title"), ["T"]);
    }

    #[test]
    fn other_encodings_are_read() {
        let text = packet("<rdf:Description><dc:title>Été</dc:title></rdf:Description>");
        let utf16 = text.encode_utf16().flat_map(u16::to_be_bytes);
        let marked = [0xFE, 0xFF].into_iter().chain(utf16.clone()).collect();
        for bytes in [utf16.collect(), marked, text.into_bytes()] {
            let bytes: Vec<u8> = bytes;
            assert_eq!(all(&Xmp::parse(&bytes), "title"), ["Été"]);
        }
    }

    #[test]
    fn broken_and_hostile_xmp_gives_nothing() {
        let good = packet("<rdf:Description><dc:title>T</dc:title></rdf:Description>");
        let entity = format!("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>{good}");
        let deep = good.replace(">T<", &format!(">T{}<", "<b>".repeat(200)));
        let large = format!("{good}{}", " ".repeat(MAX_XMP_BYTES));
        let cut = &good[..good.find("</rdf:RDF>").unwrap()];
        for text in [cut, &entity, &deep, &large, "", "\0"] {
            assert_eq!(Xmp::parse(text.as_bytes()), Xmp::default(), "{text:.300}");
        }
    }

    #[test]
    fn values_are_limited() {
        let many = "<rdf:li>a</rdf:li>".repeat(MAX_VALUES + 10);
        let long = "<b/>aaaa".repeat(MAX_VALUE_BYTES);
        let xmp = parse(&format!(
            "<dc:creator><rdf:Seq>{many}</rdf:Seq></dc:creator><dc:title>{long}</dc:title>"
        ));
        assert_eq!(xmp.all("creator").count(), MAX_VALUES);
        let xmp = parse(&format!(
            "<dc:title>{}</dc:title>",
            "<![CDATA[aaaa]]>".repeat(MAX_VALUE_BYTES)
        ));
        assert!(xmp.raw("title").unwrap().len() < MAX_VALUE_BYTES + 4);
    }
}
