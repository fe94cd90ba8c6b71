//! Walks through the pages of a PDF in their order, with what each inherits.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::page_size::Boxes;
use crate::formats::PdfFacts;

/// The largest number of kids that are followed.
const MAX_KIDS: usize = 200_000;

/// A page of the tree.
pub struct Page<'d> {
    /// Its dictionary; `None` if it is missing, or has no entries in use.
    pub dictionary: Option<&'d Dictionary>,
    /// The entries that make its size.
    pub boxes: Boxes,
    /// Its resources.
    pub resources: Option<&'d Dictionary>,
}

/// A node of the tree that is being read: the kids that are left, and what they inherit.
struct Open<'d> {
    kids: std::slice::Iter<'d, Object>,
    boxes: Boxes,
    resources: Option<&'d Dictionary>,
}

/// Calls `visit` with the first [`PdfFacts::MAX_PAGES`] pages below the catalog. A node that is found
/// again is not followed; a page may have several references.
pub fn walk<'d>(document: &'d Document, catalog: &'d Dictionary, visit: &mut dyn FnMut(&Page<'d>)) {
    let mut seen = BTreeSet::<ObjectId>::new();
    let mut open = Vec::new();
    let mut pages = 0;
    let mut left = MAX_KIDS;
    let above = Open {
        kids: [].iter(),
        boxes: Boxes::default(),
        resources: None,
    };
    if let Ok(root) = catalog.get(b"Pages") {
        open.extend(enter(document, root, &above, &mut seen).and_then(Result::ok));
    }
    while let Some(node) = open.last_mut() {
        let Some(kid) = node.kids.next() else {
            open.pop();
            continue;
        };
        left -= 1;
        if left == 0 || pages == PdfFacts::MAX_PAGES {
            return;
        }
        match enter(document, kid, node, &mut seen) {
            Some(Ok(below)) => open.push(below),
            Some(Err(page)) => {
                pages += 1;
                visit(&page);
            }
            None => {}
        }
    }
}

/// Returns the node or, as the error, the page that a kid is; `None` for a node that was seen.
fn enter<'d>(
    document: &'d Document,
    kid: &'d Object,
    parent: &Open<'d>,
    seen: &mut BTreeSet<ObjectId>,
) -> Option<Result<Open<'d>, Page<'d>>> {
    let found = document.dereference(kid).ok();
    let dictionary = found.and_then(|(_, object)| object.as_dict().ok());
    let Some(dictionary) = dictionary else {
        return Some(Err(Page {
            dictionary: None,
            boxes: parent.boxes,
            resources: parent.resources,
        }));
    };
    let boxes = parent.boxes.inherited_by(document, dictionary);
    let value = |key| dictionary.get_deref(key, document);
    let own = value(b"Resources").and_then(Object::as_dict);
    let resources = own.ok().or(parent.resources);
    let Ok(kids) = value(b"Kids").and_then(Object::as_array) else {
        return Some(Err(Page {
            dictionary: Some(dictionary),
            boxes,
            resources,
        }));
    };
    let id = found.and_then(|(id, _)| id);
    id.is_none_or(|id| seen.insert(id)).then(|| {
        Ok(Open {
            kids: kids.iter(),
            boxes,
            resources,
        })
    })
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    /// Builds a document of these dictionaries, numbered from 1. The first is the root of the tree.
    fn sizes(objects: Vec<Dictionary>) -> Vec<f64> {
        let mut document = Document::new();
        for (object, number) in objects.into_iter().zip(1..) {
            document.objects.insert((number, 0), object.into());
        }
        let mut sizes = Vec::new();
        let catalog = dictionary! { "Pages" => (1, 0) };
        walk(&document, &catalog, &mut |page| {
            sizes.push(page.boxes.size().width);
        });
        sizes
    }

    fn sized(width: i64) -> Dictionary {
        dictionary! { "MediaBox" => vec![0.into(), 0.into(), width.into(), 9.into()] }
    }

    fn with_kids(mut node: Dictionary, kids: &[u32]) -> Dictionary {
        let kids: Vec<Object> = kids.iter().map(|&kid| (kid, 0).into()).collect();
        node.set("Kids", kids);
        node
    }

    #[test]
    fn pages_come_in_their_order_with_what_they_inherit() {
        let found = sizes(vec![
            with_kids(sized(1), &[2, 3, 4, 3, 99]),
            with_kids(sized(2), &[5, 6]),
            sized(3),
            dictionary! {},
            dictionary! {},
            sized(6),
        ]);
        assert_eq!(found, [2.0, 6.0, 3.0, 1.0, 3.0, 1.0]);
    }

    #[test]
    fn circles_end() {
        let found = sizes(vec![
            with_kids(sized(1), &[1, 2, 2, 3]),
            with_kids(sized(2), &[1, 2, 3]),
            dictionary! {},
        ]);
        assert_eq!(found, [2.0, 1.0]);
        assert_eq!(sizes(vec![]), [0.0; 0]);
    }

    #[test]
    fn pages_are_limited() {
        let many = vec![2; PdfFacts::MAX_PAGES + 10];
        let found = sizes(vec![with_kids(sized(1), &many), sized(2)]);
        assert_eq!(found.len(), PdfFacts::MAX_PAGES);
        let empty = [vec![2; MAX_KIDS], vec![3]].concat();
        let found = sizes(vec![
            with_kids(sized(1), &empty),
            with_kids(sized(2), &[]),
            sized(3),
        ]);
        assert_eq!(found, [0.0; 0]);
    }
}
