//! The fonts of a PDF: those in the resources of its pages, of the forms and patterns that these use,
//! and of the appearances of annotations. These are the fonts that pdffonts lists.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object};
use text::tidy_line;

use super::pages::Page;
use crate::formats::PdfFacts;

/// The kinds of resources that may have resources of their own.
const NESTED: [&[u8]; 2] = [b"XObject", b"Pattern"];
/// The entries of a font descriptor with a font's program.
const PROGRAMS: [&[u8]; 3] = [b"FontFile", b"FontFile2", b"FontFile3"];
/// The longest name that is listed, in characters. PDF allows 127 bytes (ISO 32000-1, annex C).
const MAX_NAME: usize = 127;

/// The fonts found so far.
pub struct Fonts<'d> {
    document: &'d Document,
    /// The dictionaries of resources that were read, by address. Each is read once.
    seen: BTreeSet<usize>,
    found: BTreeSet<Key>,
    not_embedded: BTreeSet<String>,
}

/// The identity of a font.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// The number of its object.
    Object(u32),
    /// The entries of one that is not an object of its own.
    Entries(String),
}

impl<'d> Fonts<'d> {
    /// Starts without fonts.
    pub const fn new(document: &'d Document) -> Self {
        Self {
            document,
            seen: BTreeSet::new(),
            found: BTreeSet::new(),
            not_embedded: BTreeSet::new(),
        }
    }

    /// Adds the fonts of a page and of its annotations.
    pub fn add_page(&mut self, page: &Page<'d>) {
        self.add_resources(page.resources);
        let annotations = page.dictionary.and_then(|page| self.get(page, b"Annots"));
        let annotations = annotations.and_then(|annotations| annotations.as_array().ok());
        for annotation in annotations.into_iter().flatten() {
            let Ok((_, annotation)) = self.document.dereference(annotation) else {
                continue;
            };
            let annotation = annotation.as_dict().ok();
            self.add_resources(annotation.and_then(|one| self.appearance(one)));
        }
    }

    /// The number of fonts, and the names of those that are not embedded.
    pub fn finish(self) -> (u64, Vec<String>) {
        let names = self.not_embedded.into_iter().take(PdfFacts::MAX_NAMES);
        (self.found.len() as u64, names.collect())
    }

    /// Adds the fonts of a dictionary of resources, and of those that it leads to. It keeps a list
    /// instead of calling itself, since forms may be within one another as often as they like.
    fn add_resources(&mut self, resources: Option<&'d Dictionary>) {
        let mut pending: Vec<&Dictionary> = resources.into_iter().collect();
        while let Some(resources) = pending.pop() {
            if !self.is_new(resources) {
                continue;
            }
            if let Some(fonts) = self.category(resources, b"Font") {
                for (_, font) in fonts {
                    self.add_font(font);
                }
            }
            for kind in NESTED {
                let Some(nested) = self.category(resources, kind) else {
                    continue;
                };
                let below = nested.iter().filter_map(|(_, object)| {
                    let (_, object) = self.document.dereference(object).ok()?;
                    self.dictionary(entries(object)?, b"Resources")
                });
                pending.extend(below);
            }
        }
    }

    /// The resources of a kind, unless they were read before as those of another page or form.
    fn category(&mut self, resources: &'d Dictionary, kind: &[u8]) -> Option<&'d Dictionary> {
        let category = self.dictionary(resources, kind)?;
        self.is_new(category).then_some(category)
    }

    fn is_new(&mut self, dictionary: &Dictionary) -> bool {
        self.seen.insert(std::ptr::from_ref(dictionary).addr())
    }

    fn add_font(&mut self, object: &'d Object) {
        let Ok((id, font)) = self.document.dereference(object) else {
            return;
        };
        let Ok(font) = font.as_dict() else {
            return;
        };
        let key = match id {
            Some((number, _)) => Key::Object(number),
            None => Key::Entries(format!("{font:?}")),
        };
        let Some(is_embedded) = self.is_embedded(font) else {
            return;
        };
        if self.found.insert(key) && !is_embedded {
            let name = self
                .get(font, b"BaseFont")
                .and_then(|name| name.as_name().ok());
            self.not_embedded.extend(name.and_then(shown_name));
        }
    }

    /// Returns whether a font's program is in the file; `None` if it is no font, since it is one of
    /// many parts without any.
    fn is_embedded(&self, font: &'d Dictionary) -> Option<bool> {
        let subtype = self
            .get(font, b"Subtype")
            .and_then(|name| name.as_name().ok());
        let font = match subtype {
            // It is drawn by the content of the PDF.
            Some(b"Type3") => return Some(true),
            Some(b"Type0") => self.descendant(font)?,
            _ => font,
        };
        let descriptor = self.dictionary(font, b"FontDescriptor");
        Some(descriptor.is_some_and(|descriptor| {
            PROGRAMS
                .iter()
                .any(|key| matches!(descriptor.get(key), Ok(Object::Reference(_))))
        }))
    }

    fn descendant(&self, font: &'d Dictionary) -> Option<&'d Dictionary> {
        let descendants = self.get(font, b"DescendantFonts")?.as_array().ok()?;
        let (_, descendant) = self.document.dereference(descendants.first()?).ok()?;
        descendant.as_dict().ok()
    }

    /// The resources of an annotation's normal appearance, in its state if it has several.
    fn appearance(&self, annotation: &'d Dictionary) -> Option<&'d Dictionary> {
        let appearances = self.dictionary(annotation, b"AP")?;
        let normal = self.get(appearances, b"N")?;
        if let Some(resources) = entries(normal).and_then(|one| self.dictionary(one, b"Resources"))
        {
            return Some(resources);
        }
        let states = normal.as_dict().ok()?;
        let state = self
            .get(annotation, b"AS")
            .and_then(|state| state.as_name().ok());
        let state = match state {
            Some(state) => state,
            None if states.len() == 1 => states.iter().next()?.0,
            None => b"Off",
        };
        self.dictionary(entries(self.get(states, state)?)?, b"Resources")
    }

    fn get(&self, dictionary: &'d Dictionary, key: &[u8]) -> Option<&'d Object> {
        dictionary.get_deref(key, self.document).ok()
    }

    fn dictionary(&self, dictionary: &'d Dictionary, key: &[u8]) -> Option<&'d Dictionary> {
        self.get(dictionary, key)?.as_dict().ok()
    }
}

/// The entries of a dictionary or a stream. While a PDF is loaded, a stream is cut to its entries.
fn entries(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

fn shown_name(name: &[u8]) -> Option<String> {
    let name: String = String::from_utf8_lossy(name)
        .chars()
        .take(MAX_NAME)
        .collect();
    tidy_line(&name)
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;
    use crate::formats::pdf::pages;

    /// The fonts below a catalog of these objects, numbered from 1. The first is the page tree.
    fn found(objects: impl IntoIterator<Item = Dictionary>) -> (u64, Vec<String>) {
        let mut document = Document::new();
        for (object, number) in objects.into_iter().zip(1..) {
            document.objects.insert((number, 0), object.into());
        }
        let catalog = dictionary! { "Pages" => (1, 0) };
        let mut fonts = Fonts::new(&document);
        pages::walk(&document, &catalog, &mut |page| fonts.add_page(page));
        fonts.finish()
    }

    fn names(first: u32, count: u32) -> Dictionary {
        let names = (first..first + count).map(|number| {
            let name = format!("F{number}").into_bytes();
            (name, Object::Reference((number, 0)))
        });
        names.collect()
    }

    #[test]
    fn hundred_thousand_fonts_of_many_pages_are_read_once() {
        const COUNT: u32 = 100_000;
        let font =
            |number| dictionary! { "Subtype" => "Type1", "BaseFont" => format!("N{number}") };
        let kids = vec![Object::Reference((2, 0)); PdfFacts::MAX_PAGES];
        let objects = [
            dictionary! { "Kids" => kids },
            dictionary! { "Resources" => (3, 0) },
            dictionary! { "Font" => (4, 0), "XObject" => (4, 0) },
            names(5, COUNT),
        ];
        let (count, missing) = found(objects.into_iter().chain((0..COUNT).map(font)));
        assert_eq!(
            (count, missing.len()),
            (u64::from(COUNT), PdfFacts::MAX_NAMES)
        );
        assert_eq!(missing[..3], ["N0", "N1", "N10"]);
    }

    #[test]
    fn forms_within_forms_take_no_stack() {
        const DEPTH: u32 = 100_000;
        let form = |number: u32| {
            let next = dictionary! { "X" => (number + 1, 0), "Y" => (3, 0) };
            dictionary! { "Resources" => dictionary! { "XObject" => next, "Font" => names(2, 1) } }
        };
        let root = dictionary! { "Kids" => vec![Object::Reference((3, 0))] };
        let font = dictionary! { "Subtype" => "TrueType" };
        let objects = [root, font].into_iter().chain((3..DEPTH).map(form));
        assert_eq!(found(objects), (1, vec![]));
    }
}
