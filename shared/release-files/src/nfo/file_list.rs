//! Finds the lists of files in an NFO.

use super::{
    field::{Field, fold},
    labels::{find_labels, parse_label},
    layout::{MAX_COLUMNS, width},
    listed_file::ListedFile,
};

/// The headings of a list of files, folded to letters.
const HEADINGS: [&str; 12] = [
    "files",
    "filelist",
    "listoffiles",
    "filesincluded",
    "archivefiles",
    "content",
    "contents",
    "fichiers",
    "listedesfichiers",
    "listefichiers",
    "contenu",
    "filename",
];
/// The labels of a single file, folded to letters.
const FILE_LABELS: [&str; 7] = [
    "file",
    "files",
    "filename",
    "archive",
    "fichier",
    "fichiers",
    "nomdufichier",
];

/// Collects the listed files from the lines of an NFO.
#[derive(Debug, Default)]
pub struct FileListParser {
    /// The files found so far.
    pub files: Vec<ListedFile>,
    state: State,
    /// The beginning of a name that continues on the next line.
    partial: String,
    /// The text of the last file.
    last_text: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// After a heading.
    AfterHeading,
    /// After a file.
    AfterFile,
}

impl FileListParser {
    /// Parses the next line, without its frame. Returns whether it belongs to a list of files.
    pub fn push_line(&mut self, line: &str) -> bool {
        let text = line.trim();
        let has_text = text.contains(char::is_alphanumeric);
        if is_heading(text) {
            self.last_text.clear();
            self.state = State::AfterHeading;
            return true;
        }
        match self.state {
            State::Outside => self.push_single_file(text),
            State::AfterHeading if !has_text => true,
            State::AfterFile if !has_text => {
                self.state = State::Outside;
                false
            }
            State::AfterHeading | State::AfterFile => self.push_list_line(line, text),
        }
    }

    /// Parses a file outside a list: one with a label or a checksum.
    fn push_single_file(&mut self, text: &str) -> bool {
        let labeled = parse_label(text)
            .filter(|label| FILE_LABELS.contains(&fold_letters(label.label).as_str()));
        let file = match labeled {
            Some(label) => ListedFile::parse(label.value),
            None => ListedFile::parse(text).filter(|file| file.crc32.is_some()),
        };
        let found = file.is_some();
        self.files.extend(file);
        found
    }

    fn push_list_line(&mut self, line: &str, text: &str) -> bool {
        if width(line.trim_end()) == MAX_COLUMNS && !text.contains(' ') {
            self.partial.push_str(text);
            return true;
        }
        if self.complete_last_file(text) {
            return true;
        }
        let whole = std::mem::take(&mut self.partial) + text;
        if let Some(file) = ListedFile::parse(&whole) {
            self.files.push(file);
            self.last_text = whole;
            self.state = State::AfterFile;
            return true;
        }
        // A sentence or a table header may appear between a heading and its files.
        let has_label = find_labels(line)
            .iter()
            .any(|label| Field::from_label(label.label).is_some_and(|field| field != Field::Size));
        if self.state == State::AfterFile || has_label {
            self.state = State::Outside;
            return false;
        }
        true
    }

    /// Adds the line to the name above if it has only the size or the CRC-32 of that file.
    fn complete_last_file(&mut self, text: &str) -> bool {
        let is_partial = !self.partial.is_empty();
        let above = if is_partial {
            &self.partial
        } else {
            &self.last_text
        };
        let Some(name) = ListedFile::parse(above).map(|file| file.name) else {
            return false;
        };
        let completed = ListedFile::parse(&format!("{above} {text}"));
        let Some(file) = completed.filter(|file| file.name == name) else {
            return false;
        };
        // A partial name that was split after a dot continues on this line.
        if is_partial && !above.ends_with(&name) {
            return false;
        }
        if !is_partial {
            self.files.pop();
        }
        self.files.push(file);
        self.partial.clear();
        self.last_text.clear();
        self.state = State::AfterFile;
        true
    }
}

/// Folds a text to the letters of ASCII in it.
pub(super) fn fold_letters(text: &str) -> String {
    let mut folded = fold(text);
    folded.retain(|c| c.is_ascii_alphabetic());
    folded
}

fn is_heading(text: &str) -> bool {
    width(text) <= MAX_COLUMNS && HEADINGS.contains(&fold_letters(text).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<ListedFile> {
        let mut parser = FileListParser::default();
        text.lines().for_each(|line| {
            parser.push_line(line);
        });
        parser.files
    }

    fn file(
        name: &str,
        size: impl Into<Option<u64>>,
        crc32: impl Into<Option<&'static str>>,
    ) -> ListedFile {
        ListedFile {
            name: name.to_owned(),
            size: size.into(),
            crc32: crc32.into().map(str::to_owned),
        }
    }

    #[test]
    fn file_lists_are_parsed_in_every_layout() {
        let text = "\
Files
-----
  a.zip.001  15,000  CBF43926
  a.zip.002 ...... 1.2 MB
- b c.epub [cbf43926]
2) d.r00

Not.a.file but words.
e.pdf 12 CBF43926
Fichier : f.epub (12 Ko)
=[ Liste des fichiers (2) ]=
Nom              Taille
CBF43926 g.cbz
no longer a list
h.txt";
        assert_eq!(
            listed(text),
            [
                file("a.zip.001", 15_000, "CBF43926"),
                file("a.zip.002", 1_200_000, None),
                file("b c.epub", None, "CBF43926"),
                file("d.r00", None, None),
                file("e.pdf", 12, "CBF43926"),
                file("f.epub", 12_000, None),
                file("g.cbz", None, "CBF43926"),
            ]
        );
    }

    #[test]
    fn name_reaching_the_edge_is_continued() {
        let name = format!("{}.zip", "x".repeat(100));
        let text = format!("Files\n  {}\n  {}  9  CBF43926\n", &name[..78], &name[78..]);
        assert_eq!(listed(&text), [file(&name, 9, "CBF43926")]);
        let text = format!("Files\n  {}\n  9  CBF43926\n  b.zip\n", &name[26..]);
        assert_eq!(
            listed(&text),
            [file(&name[26..], 9, "CBF43926"), file("b.zip", None, None)]
        );
        assert_eq!(
            listed("Files\na.zip  9\nCBF43926\nb.zip"),
            [file("a.zip", 9, "CBF43926"), file("b.zip", None, None)]
        );
    }
}
