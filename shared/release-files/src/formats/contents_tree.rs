//! Builds the tree of a table of contents from its beginnings and ends.

use text::tidy_line;

use super::model::{Contents, ContentsEntry};

/// The length from which further pieces of a title are dropped, in bytes.
const MAX_TITLE_BYTES: usize = 4 * 1024;

/// An entry that is being read.
#[derive(Debug, Default)]
struct Open {
    /// Whether it is one of the first entries. Any other is counted only.
    is_kept: bool,
    title: String,
    path: Option<String>,
    entries: Vec<ContentsEntry>,
}

/// The tree so far.
#[derive(Debug)]
pub struct Tree {
    top: Vec<ContentsEntry>,
    open: Vec<Open>,
    total: u64,
    /// Whether text belongs to the title of the innermost open entry.
    in_title: bool,
}

impl Tree {
    /// Creates an empty tree.
    pub const fn new() -> Self {
        Self {
            top: Vec::new(),
            open: Vec::new(),
            total: 0,
            in_title: false,
        }
    }

    /// Begins an entry, below the one that is open.
    pub fn open(&mut self) {
        self.open.push(Open {
            is_kept: self.total < Contents::MAX_ENTRIES,
            ..Open::default()
        });
        self.in_title = false;
    }

    /// Whether the innermost entry is kept, so that it is worth knowing what it leads to.
    pub fn is_kept(&self) -> bool {
        self.open.last().is_some_and(|entry| entry.is_kept)
    }

    /// Begins the title of the innermost entry, or continues the one that is being read. An entry
    /// has one title: a later one is left out.
    pub fn begin_title(&mut self) {
        let is_first = |entry: &Open| entry.title.trim().is_empty();
        self.in_title |= self.open.last().is_some_and(is_first);
    }

    /// Ends the title.
    pub const fn end_title(&mut self) {
        self.in_title = false;
    }

    /// Adds a text to the title, if one is being read.
    pub fn add_text(&mut self, text: &str) {
        if let Some(entry) = self.open.last_mut()
            && self.in_title
            && entry.title.len() < MAX_TITLE_BYTES
        {
            entry.title.push_str(text);
        }
    }

    /// Sets what the innermost entry leads to, unless it is known.
    pub fn set_path(&mut self, path: Option<String>) {
        if let Some(entry) = self.open.last_mut() {
            entry.path = entry.path.take().or(path);
        }
    }

    /// Ends the innermost entry. One without a title leaves those below it in its place.
    pub fn close(&mut self) {
        let Some(entry) = self.open.pop() else { return };
        self.in_title = false;
        let level = self.open.len() + 1;
        let parent = self.open.last_mut();
        let siblings = parent.map_or(&mut self.top, |parent| &mut parent.entries);
        let Some(title) = tidy_line(&entry.title) else {
            siblings.extend(entry.entries);
            return;
        };
        self.total += 1;
        if !entry.is_kept {
            return;
        }
        let (below, beside) = if level < Contents::MAX_LEVELS {
            (entry.entries, Vec::new())
        } else {
            (Vec::new(), entry.entries)
        };
        siblings.push(ContentsEntry {
            title,
            path: entry.path,
            entries: below,
        });
        siblings.extend(beside);
    }

    /// Returns the first entries, and the number of all.
    pub fn finish(mut self) -> (Vec<ContentsEntry>, u64) {
        while !self.open.is_empty() {
            self.close();
        }
        let mut left = Contents::MAX_ENTRIES;
        keep_first(&mut self.top, &mut left);
        (self.top, self.total)
    }
}

/// Keeps the first `left` entries of a tree, in the order in which they are read.
fn keep_first(entries: &mut Vec<ContentsEntry>, left: &mut u64) {
    entries.retain_mut(|entry| {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        keep_first(&mut entry.entries, left);
        true
    });
}
