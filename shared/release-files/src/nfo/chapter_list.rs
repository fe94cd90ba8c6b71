//! Finds the lists of chapters in an NFO, whose titles may look like labels or files.

use super::file_list::fold_letters;

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
            Self::Outside if HEADINGS.contains(&fold_letters(line).as_str()) => Self::AfterHeading,
            Self::Outside => return false,
            Self::AfterHeading if !has_text => Self::AfterHeading,
            Self::AfterChapter if !has_text => Self::Outside,
            Self::AfterHeading | Self::AfterChapter => Self::AfterChapter,
        };
        true
    }
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
}
