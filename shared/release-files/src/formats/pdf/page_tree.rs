//! Counts the pages of a page tree, for both readers.

use std::collections::BTreeSet;

use lopdf::ObjectId;

/// The largest number of references to nodes that are followed.
const MAX_NODES: usize = 1_000_000;

/// A node of a page tree. Its kind depends on its kids and not on its type, which may be missing
/// or wrong.
pub enum Node {
    /// Has kids: their ids, or `None` for a page that is not an object of its own.
    Inner(Vec<Option<ObjectId>>),
    /// A page. A missing object counts as one, as other readers show a blank page for it.
    Page,
}

/// Counts the pages below the root, which has this id, if any, and these kids. A node with kids
/// that is its own ancestor, or that has several parents, is followed once.
pub fn count(
    root: Option<ObjectId>,
    kids: Vec<Option<ObjectId>>,
    node: impl Fn(ObjectId) -> Node,
) -> u64 {
    let mut seen: BTreeSet<ObjectId> = root.into_iter().collect();
    let mut left = MAX_NODES.saturating_sub(kids.len());
    let mut pending = kids;
    let mut pages = 0;
    while let Some(kid) = pending.pop() {
        if kid.is_some_and(|id| seen.contains(&id)) {
            continue;
        }
        match kid.map(|id| (id, node(id))) {
            None | Some((_, Node::Page)) => pages += 1,
            Some((id, Node::Inner(kids))) => {
                seen.insert(id);
                // Without this limit, nodes that share an array would be followed for hours.
                match left.checked_sub(kids.len()) {
                    Some(rest) => left = rest,
                    None => return pages,
                }
                pending.extend(kids);
            }
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn ids(numbers: &[u32]) -> Vec<Option<ObjectId>> {
        numbers.iter().map(|&number| Some((number, 0))).collect()
    }

    #[test]
    fn pages_are_counted_once_for_each_reference() {
        let node = |(number, _): ObjectId| match number {
            1 => Node::Inner([ids(&[3, 4, 4]), vec![None]].concat()),
            2 => Node::Inner(ids(&[])),
            _ => Node::Page,
        };
        assert_eq!(count(Some((9, 0)), ids(&[1, 2, 5, 1]), node), 5);
        assert_eq!(count(None, vec![], node), 0);
    }

    #[test]
    fn cycles_end() {
        let node = |(number, _): ObjectId| match number {
            1 | 9 => Node::Inner(ids(&[1, 2, 9, 5])),
            2 => Node::Inner(ids(&[1, 2, 6])),
            _ => Node::Page,
        };
        assert_eq!(count(Some((9, 0)), ids(&[1, 9, 7]), node), 3);
    }

    #[test]
    fn shared_array_of_kids_is_followed_up_to_the_limit() {
        let all: Vec<u32> = (0..20_000).collect();
        let calls = Cell::new(0);
        let pages = count(None, ids(&all), |_| {
            calls.set(calls.get() + 1);
            Node::Inner(ids(&all))
        });
        assert_eq!((pages, calls.get()), (0, MAX_NODES / all.len()));
    }
}
