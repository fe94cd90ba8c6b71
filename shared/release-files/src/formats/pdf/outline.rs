//! The outline of a PDF: its table of contents (ISO 32000-1, 12.3.3).

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::strings::decode_string;
use crate::formats::ContentsEntry;
use crate::formats::contents_tree::Tree;

/// The largest number of items that are followed.
const MAX_ITEMS: usize = 20_000;
/// The deepest item that is followed.
const MAX_DEPTH: usize = 64;

/// Reads the outline that the catalog names: its first entries, and the number of all. An item that
/// is found again is not followed.
pub fn read(document: &Document, catalog: &Dictionary) -> (Vec<ContentsEntry>, u64) {
    let mut reader = Reader {
        document,
        tree: Tree::new(),
        seen: BTreeSet::new(),
    };
    let root = catalog
        .get_deref(b"Outlines", document)
        .and_then(Object::as_dict);
    if let Some(first) = root.ok().and_then(|root| link(root, b"First")) {
        reader.visit(first, 1);
    }
    reader.tree.finish()
}

struct Reader<'d> {
    document: &'d Document,
    tree: Tree,
    seen: BTreeSet<ObjectId>,
}

impl Reader<'_> {
    /// Visits an item, those below it, and those after it.
    fn visit(&mut self, first: ObjectId, depth: usize) {
        let mut next = Some(first);
        while let Some(id) = next
            && self.seen.len() < MAX_ITEMS
            && self.seen.insert(id)
            && let Ok(item) = self.document.get_dictionary(id)
        {
            self.tree.open();
            self.tree.begin_title();
            let title = item
                .get_deref(b"Title", self.document)
                .and_then(Object::as_str);
            let title = title.ok().and_then(decode_string);
            self.tree.add_text(&title.unwrap_or_default());
            if let Some(below) = link(item, b"First").filter(|_| depth < MAX_DEPTH) {
                self.visit(below, depth + 1);
            }
            self.tree.close();
            next = link(item, b"Next");
        }
    }
}

fn link(dictionary: &Dictionary, key: &[u8]) -> Option<ObjectId> {
    dictionary.get(key).and_then(Object::as_reference).ok()
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    /// Reads the outline of items, each with a number, a title, and the numbers of the first item
    /// below it and of the next one.
    fn outline(items: &[(u32, &str, u32, u32)]) -> (Vec<ContentsEntry>, u64) {
        let mut document = Document::new();
        for &(number, title, first, next) in items {
            let mut item = dictionary! { "Title" => Object::string_literal(title) };
            for (key, target) in [("First", first), ("Next", next)] {
                if target > 0 {
                    item.set(key, (target, 0));
                }
            }
            document.objects.insert((number, 0), item.into());
        }
        let root = dictionary! { "First" => (1, 0) };
        document.objects.insert((100, 0), root.into());
        read(&document, &dictionary! { "Outlines" => (100, 0) })
    }

    #[test]
    fn outline_is_read_as_a_tree() {
        let (entries, total) = outline(&[(1, "One", 2, 3), (2, "Below", 0, 0), (3, "Two", 0, 0)]);
        assert_eq!(total, 3);
        let titles: Vec<_> = entries.iter().map(|entry| entry.title.as_str()).collect();
        assert_eq!(titles, ["One", "Two"]);
        assert_eq!(entries[0].entries[0].title, "Below");
    }

    #[test]
    fn circle_of_items_ends() {
        let (_, total) = outline(&[(1, "One", 1, 2), (2, "Two", 1, 1)]);
        assert_eq!(total, 2);
        assert_eq!(outline(&[]).1, 0);
    }
}
