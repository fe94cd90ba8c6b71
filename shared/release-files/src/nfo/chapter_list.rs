//! Finds the lists of chapters in an NFO, whose titles may look like labels or files.

use super::{file_list::fold_letters, labels::parse_label};

/// The headings of a list of chapters, folded to letters.
const HEADINGS: [&str; 3] = ["chapters", "tableofcontents", "chapitres"];

/// Follows the lists of chapters through the lines of an NFO. A list ends with an empty line.
#[derive(Debug, Default)]
pub enum ChapterList {
    /// Outside a list.
    #[default]
    Outside,
    /// After a heading.
    AfterHeading,
    /// After a chapter.
    AfterChapter,
}

impl ChapterList {
    /// Takes the next line, without its frame. Returns whether it belongs to a list of chapters.
    pub fn push_line(&mut self, line: &str) -> bool {
        let has_text = line.contains(char::is_alphanumeric);
        *self = match self {
            Self::Outside if is_heading(line) => Self::AfterHeading,
            Self::Outside => return false,
            Self::AfterHeading if !has_text => Self::AfterHeading,
            Self::AfterChapter if !has_text => Self::Outside,
            Self::AfterHeading | Self::AfterChapter => Self::AfterChapter,
        };
        true
    }
}

/// Returns whether a line is a heading, and not a label such as `Chapters: 24`.
fn is_heading(line: &str) -> bool {
    let has_number = line.contains(|c: char| c.is_ascii_digit());
    let has_value = parse_label(line).is_some_and(|label| !label.value.is_empty());
    !has_number && !has_value && HEADINGS.contains(&fold_letters(line).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_extends_from_its_heading_to_an_empty_line() {
        let text = "Title: A\n\n+- Chapters -+\n\nTitle: B\nFiles\n\nYear: 2000";
        let mut list = ChapterList::default();
        let outside: Vec<_> = text.lines().filter(|line| !list.push_line(line)).collect();
        assert_eq!(outside, ["Title: A", "", "Year: 2000"]);
    }

    #[test]
    fn number_of_chapters_is_no_heading() {
        for line in [
            "Chapters: 24",
            "Chapters ....: twenty",
            "24 chapters",
            "Chapters 1-24",
        ] {
            assert!(!ChapterList::default().push_line(line), "{line}");
        }
        for line in [
            "Chapters",
            "Chapters:",
            "--- CHAPTERS ---",
            "[Table of Contents]",
        ] {
            assert!(ChapterList::default().push_line(line), "{line}");
        }
    }
}
