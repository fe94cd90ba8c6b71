//! The metadata elements in the package document of an EPUB.

use std::collections::HashSet;

use text::{tidy_line, tidy_text};

use super::model::{Contributor, Identifier, Metadata};
use super::roles::{AUTHOR, BOOK_PRODUCER, is_of_no_author, parse_roles};
use super::xml::Attributes;
use crate::metadata::{find_year, isbn};

/// The elements that are read.
const NAMES: [&str; 11] = [
    "title",
    "creator",
    "contributor",
    "publisher",
    "date",
    "language",
    "description",
    "identifier",
    "subject",
    "meta",
    "link",
];

/// Schemes that say nothing about an identifier.
const GENERIC_SCHEMES: [&str; 5] = ["urn", "uri", "url", "id", "identifier"];

/// A metadata element of the document.
#[derive(Debug, Default)]
pub struct Element {
    /// The name in lower case, without its prefix.
    pub name: String,
    id: Option<String>,
    /// The `opf:role`, `opf:scheme` or `opf:event` of an EPUB 2 element.
    qualifier: Option<String>,
    /// The `property` of an EPUB 3 `meta`, the `name` of an EPUB 2 one, or the `rel` of a `link`.
    property: Option<String>,
    /// The id of the element that an EPUB 3 `meta` refines.
    refines: Option<String>,
    /// The text, the `content` of a `meta`, or the `href` of a `link`.
    pub value: String,
}

impl Element {
    /// Creates an element without its text, if its name is one that is read.
    pub fn parse(name: &str, attributes: &Attributes<'_>) -> Option<Self> {
        let refined_id = |refines: String| {
            // Some tools leave out the `#` before the id.
            let id = refines.rsplit('#').next().unwrap_or_default();
            id.trim().to_owned()
        };
        NAMES.contains(&name).then(|| Self {
            name: name.to_owned(),
            id: attributes.get("id").map(|id| id.trim().to_owned()),
            qualifier: ["role", "scheme", "event"]
                .into_iter()
                .find_map(|key| attributes.get(key)),
            property: ["property", "name", "rel"]
                .into_iter()
                .find_map(|key| attributes.get(key)),
            refines: attributes.get("refines").map(refined_id),
            value: attributes
                .get("content")
                .or_else(|| attributes.get("href"))
                .unwrap_or_default(),
        })
    }

    /// Whether it has a property. A `link` may have several.
    fn has_property(&self, property: &str) -> bool {
        let mut words = self
            .property
            .iter()
            .flat_map(|words| words.split_whitespace());
        words.any(|word| word == property)
    }

    fn is_meta(&self, property: &str) -> bool {
        self.name == "meta" && self.property.as_deref() == Some(property)
    }
}

/// The metadata elements of a document, in its order.
#[derive(Debug, Default)]
pub struct Elements(pub Vec<Element>);

impl Elements {
    /// Returns the metadata of the book.
    pub fn metadata(&self) -> Metadata {
        let is_main =
            |title: &&Element| self.refinement(title, "title-type").as_deref() == Some("main");
        let main_title = self.named("title").find(is_main);
        let identifiers: Vec<_> = self
            .named("identifier")
            .filter_map(|element| self.identifier(element))
            .collect();
        let (authors, contributors) = self.people();
        let (series, series_index) = self.series();
        Metadata {
            title: main_title
                .and_then(|title| tidy_line(&title.value))
                .or_else(|| self.first("title")),
            authors,
            publisher: self.first("publisher"),
            isbn: find_isbn(&identifiers),
            year: self.year(),
            language: self.first("language"),
            description: self
                .named("description")
                .find_map(|element| tidy_text(&element.value)),
            subjects: self
                .named("subject")
                .filter_map(|element| tidy_line(&element.value))
                .collect(),
            series,
            series_index,
            contributors,
            identifiers,
        }
    }

    fn named(&self, name: &'static str) -> impl Iterator<Item = &Element> {
        self.0.iter().filter(move |element| element.name == name)
    }

    /// The first value of the elements with this name.
    fn first(&self, name: &'static str) -> Option<String> {
        self.named(name)
            .find_map(|element| tidy_line(&element.value))
    }

    /// The first value of the `meta` elements with this property.
    pub fn meta(&self, property: &str) -> Option<String> {
        let mut metas = self.0.iter().filter(|meta| meta.is_meta(property));
        metas.find_map(|meta| tidy_line(&meta.value))
    }

    /// The values of the `meta` and `link` elements with this property.
    pub fn properties(&self, property: &str) -> Vec<String> {
        let with_property = |element: &&Element| {
            matches!(element.name.as_str(), "meta" | "link") && element.has_property(property)
        };
        let found = self.0.iter().filter(with_property);
        found
            .filter_map(|element| tidy_line(&element.value))
            .collect()
    }

    /// The first value of the `meta` elements with this property, with its lines.
    pub fn property_text(&self, property: &str) -> Option<String> {
        let mut metas = self.0.iter().filter(|meta| meta.is_meta(property));
        metas.find_map(|meta| tidy_text(&meta.value))
    }

    /// The values of the EPUB 3 `meta` elements with this property that refine `element`.
    fn refinements<'e>(
        &'e self,
        element: &'e Element,
        property: &'static str,
    ) -> impl Iterator<Item = String> + 'e {
        let refines = move |meta: &&Element| {
            meta.name == "meta"
                && meta.property.as_deref() == Some(property)
                && meta.refines.is_some()
                && meta.refines == element.id
        };
        let metas = self.0.iter().filter(refines);
        metas.filter_map(|meta| tidy_line(&meta.value))
    }

    /// The first value of [`Elements::refinements`].
    fn refinement(&self, element: &Element, property: &'static str) -> Option<String> {
        self.refinements(element, property).next()
    }

    /// The authors, and the other contributors. If no one has the role of an author, those creators
    /// are authors whose role may be one, or else all creators.
    fn people(&self) -> (Vec<String>, Vec<Contributor>) {
        let (mut authors, mut contributors) = (Vec::new(), Vec::new());
        let mut others = Vec::new();
        for element in &self.0 {
            let is_creator = element.name == "creator";
            if !is_creator && element.name != "contributor" {
                continue;
            }
            let Some(name) = tidy_line(&element.value) else {
                continue;
            };
            let roles = self.roles(element);
            if roles.iter().any(|role| role == AUTHOR) || (is_creator && roles.is_empty()) {
                authors.push(name);
                continue;
            }
            if is_creator {
                others.push((name.clone(), roles.iter().any(|role| is_of_no_author(role))));
            }
            if !roles.iter().any(|role| role == BOOK_PRODUCER) {
                let role = roles.into_iter().next().unwrap_or_default();
                contributors.push(Contributor { name, role });
            }
        }
        if authors.is_empty() {
            if others.iter().any(|(_, is_other)| !is_other) {
                others.retain(|(_, is_other)| !is_other);
            }
            authors = others.into_iter().map(|(name, _)| name).collect();
        }
        (unique(authors), contributors)
    }

    fn roles(&self, element: &Element) -> Vec<String> {
        let qualifier = element.qualifier.as_deref().and_then(tidy_line);
        let values = qualifier
            .into_iter()
            .chain(self.refinements(element, "role"));
        values.flat_map(|value| parse_roles(&value)).collect()
    }

    /// The series of the book and its position there: that of calibre, or else the collection of
    /// EPUB 3 that is likeliest a series.
    fn series(&self) -> (Option<String>, Option<String>) {
        let named = self.meta("calibre:series");
        let is_named = |collection: &&Element| {
            let name = tidy_line(&collection.value);
            name.is_some() && (named.is_none() || name == named)
        };
        let collections = self
            .0
            .iter()
            .filter(|meta| meta.is_meta("belongs-to-collection"));
        let collection = collections
            .filter(is_named)
            .min_by_key(|collection| self.collection_rank(collection));
        let position =
            collection.and_then(|collection| self.refinement(collection, "group-position"));
        let calibre_position = self.meta("calibre:series_index");
        let position = match &named {
            Some(_) => calibre_position.or(position),
            None => position
                .or_else(|| self.lone_position())
                .or(calibre_position),
        };
        let name = named.or_else(|| collection.and_then(|found| tidy_line(&found.value)));
        (name, position)
    }

    /// Orders collections: a series, a collection without a type, a collection that has the book's
    /// collection as a part, and a set, such as the book's edition in one box.
    fn collection_rank(&self, collection: &Element) -> u8 {
        let collection_type = self.refinement(collection, "collection-type");
        let is_part = collection.refines.is_some();
        match collection_type.map(|word| word.to_lowercase()).as_deref() {
            Some("series") => u8::from(is_part) * 2,
            None => u8::from(is_part) * 2 + 1,
            Some(_) => 4,
        }
    }

    /// The position of the book that refines no collection.
    fn lone_position(&self) -> Option<String> {
        let metas = self.0.iter().filter(|meta| meta.is_meta("group-position"));
        metas
            .filter(|meta| meta.refines.is_none())
            .find_map(|meta| tidy_line(&meta.value))
    }

    fn identifier(&self, element: &Element) -> Option<Identifier> {
        let value = tidy_line(&element.value)?;
        let scheme = self.scheme(element, &value);
        Some(Identifier { scheme, value })
    }

    /// The scheme of an identifier, by its labels or else by its value.
    fn scheme(&self, element: &Element, value: &str) -> String {
        let qualifier = element.qualifier.as_deref().map(str::to_lowercase);
        let identifier_type = self.refinement(element, "identifier-type");
        let labels = [&qualifier, &identifier_type, &element.id];
        let is_labeled = labels
            .into_iter()
            .flatten()
            .any(|label| is_isbn_label(label));
        let is_isbn = isbn_in(value).is_some();
        if is_isbn && (is_labeled || value.to_lowercase().contains("isbn")) {
            return "isbn".to_owned();
        }
        let urn = value
            .split_once(':')
            .filter(|(urn, _)| urn.eq_ignore_ascii_case("urn"))
            .and_then(|(_, rest)| rest.split_once(':'));
        match (qualifier, urn) {
            // A wrong number is labeled all the same.
            (Some(scheme), _) if scheme.starts_with("isbn") => "isbn".to_owned(),
            (Some(scheme), _) if !GENERIC_SCHEMES.contains(&scheme.as_str()) => scheme,
            (_, Some((scheme, _))) => scheme.to_lowercase(),
            (Some(scheme), None) => scheme,
            (None, None) if isbn::parse(value).is_some() => "isbn".to_owned(),
            // In ONIX code list 5, 06 is a DOI.
            (None, None) if identifier_type.as_deref() == Some("06") => "doi".to_owned(),
            (None, None) => String::new(),
        }
    }

    /// The year of publication, or else the year of any date other than a modification.
    fn year(&self) -> Option<i32> {
        let is_event = |date: &Element, event| date.qualifier.as_deref() == Some(event);
        let published = self
            .named("date")
            .filter(|date| is_event(date, "publication"));
        let others = self
            .named("date")
            .filter(|date| !is_event(date, "modification"));
        published
            .chain(others)
            .find_map(|date| find_year(&date.value))
    }
}

/// Drops names that are listed before.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let is_new = |name: &String| seen.insert(name.clone());
    names.into_iter().filter(is_new).collect()
}

/// Returns whether a label of an identifier announces an ISBN of this edition: `ISBN-13`, `eISBN`,
/// `EAN`, or a code of ONIX code list 5 (02, 03 and 15 are ISBN-10, GTIN-13 and ISBN-13).
fn is_isbn_label(label: &str) -> bool {
    let label: String = label
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let is_of_the_print = label.contains("print") || label.contains("pisbn");
    let is_code = ["ean", "ean13", "gtin", "gtin13", "02", "03", "15"].contains(&label.as_str());
    is_code || (label.contains("isbn") && !is_of_the_print)
}

fn isbn_in(value: &str) -> Option<String> {
    isbn::parse(value).or_else(|| isbn::find(value))
}

/// The first ISBN among the identifiers with the scheme `isbn`, or else among those without a
/// scheme, or else an ISBN-13 with a scheme that tells nothing.
fn find_isbn(identifiers: &[Identifier]) -> Option<String> {
    let with = |schemes: &'static [&'static str]| {
        identifiers
            .iter()
            .filter(|id| schemes.contains(&id.scheme.as_str()))
    };
    let labeled = with(&["isbn"]).find_map(|id| isbn_in(&id.value));
    labeled
        .or_else(|| with(&[""]).find_map(|id| isbn::parse(&id.value)))
        .or_else(|| {
            let mut others = with(&GENERIC_SCHEMES).filter_map(|id| isbn::parse(&id.value));
            others.find(|isbn| isbn.len() == 13)
        })
}

#[cfg(test)]
#[path = "opf_metadata_tests.rs"]
mod tests;
