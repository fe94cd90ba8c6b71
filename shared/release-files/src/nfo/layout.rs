//! Fits lines into the columns of a viewer without breaking drawings.

use textwrap::{WordSeparator, core::Word, wrap_algorithms::wrap_first_fit};

use super::labels::parse_label;

/// The width of an NFO, in columns.
pub const MAX_COLUMNS: usize = 80;
/// The deepest indentation of continued lines, in columns.
const MAX_INDENT: usize = 40;

/// The result of fitting a line into the columns.
#[derive(Debug, PartialEq, Eq)]
pub enum Fit {
    /// The line fits.
    Fits,
    /// The line is wider and must not be broken.
    Unbreakable(Unbreakable),
    /// The line is replaced by these: it lost trailing spaces, or was wrapped.
    Lines(Vec<String>),
}

/// The reason that a line must not be broken. Its text completes "the line ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbreakable {
    /// It is a drawing.
    #[error("is a drawing")]
    Drawn,
    /// It contains a link that is too long for a line.
    #[error("contains a link")]
    Link,
}

/// The display width of a text, in columns.
#[must_use]
pub fn width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// Fits a line without control characters into the columns. Continuation lines are indented like
/// the line, or like the value if the line has a label.
#[must_use]
pub fn fit_line(line: &str) -> Fit {
    if width(line) <= MAX_COLUMNS {
        return Fit::Fits;
    }
    let trimmed = line.trim_end_matches(' ');
    if width(trimmed) <= MAX_COLUMNS {
        return Fit::Lines(vec![trimmed.to_owned()]);
    }
    if is_drawing(trimmed) {
        return Fit::Unbreakable(Unbreakable::Drawn);
    }
    match wrap(trimmed) {
        lines if lines.len() == 1 && lines[0] == line => Fit::Unbreakable(Unbreakable::Link),
        lines => Fit::Lines(lines),
    }
}

fn wrap(line: &str) -> Vec<String> {
    let (head, text) = split_head(line);
    let indent = width(&head);
    let room = MAX_COLUMNS - indent;
    let words: Vec<Word> = WordSeparator::AsciiSpace
        .find_words(text)
        .flat_map(|word| {
            if word.contains("://") {
                vec![word]
            } else {
                word.break_apart(room).collect()
            }
        })
        .collect();
    // Only a line that ends within a word of wide characters is full, so that it can be told from
    // one that ends at a space.
    let has_wide_chars = width(text) > text.chars().count();
    let line_room = if has_wide_chars { room - 2 } else { room };
    #[expect(clippy::cast_precision_loss, reason = "at most 80")]
    let lines = wrap_first_fit(&words, &[line_room as f64]);
    let below = " ".repeat(indent);
    lines
        .iter()
        .enumerate()
        .map(|(at, line)| (if at == 0 { &head } else { &below }).clone() + &join(line))
        .collect()
}

fn join(words: &[Word]) -> String {
    let text: String = words
        .iter()
        .flat_map(|word| [word.word, word.whitespace])
        .collect();
    text.trim_end_matches(' ').to_owned()
}

/// Splits a line into its head, which is the label or the indentation, and the rest.
fn split_head(line: &str) -> (String, &str) {
    if let Some(label) = parse_label(line) {
        let (head, value) = line.split_at(label.value_at);
        if width(head) <= MAX_INDENT && !value.is_empty() {
            return (head.to_owned(), value);
        }
    }
    let text = line.trim_start_matches(' ');
    (" ".repeat((line.len() - text.len()).min(MAX_INDENT)), text)
}

/// Returns whether a line is a drawing: it has box drawings or block elements, an ASCII frame, or
/// more signs than letters.
#[must_use]
pub fn is_drawing(line: &str) -> bool {
    let line = line.trim();
    if line.contains(is_drawing_char) || has_ascii_frame(line) {
        return true;
    }
    let (mut letters, mut signs) = (0_usize, 0_usize);
    for c in line.chars().filter(|c| !c.is_whitespace()) {
        if c.is_alphanumeric() {
            letters += 1;
        } else {
            signs += 1;
        }
    }
    signs > letters
}

/// Returns whether a character is a box drawing or a block element.
#[must_use]
pub const fn is_drawing_char(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}')
}

/// Returns whether a trimmed line starts and ends with the same ASCII frame character.
#[must_use]
pub fn has_ascii_frame(line: &str) -> bool {
    let mut chars = line.chars();
    matches!((chars.next(), chars.next_back()), (Some(first), Some(last)) if first == last && "|!*#+¦:".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(line: &str) -> Vec<String> {
        match fit_line(line) {
            Fit::Lines(lines) => lines,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn long_line_is_continued_with_its_indentation() {
        let text = "word ".repeat(30);
        let wrapped = lines(&format!("   {text}"));
        assert_eq!(wrapped.len(), 2);
        assert!(
            wrapped
                .iter()
                .all(|line| line.starts_with("   word") && width(line) <= MAX_COLUMNS),
            "{wrapped:?}"
        );
        let labelled = lines(&format!("  Title ........: {text}"));
        assert!(labelled[0].starts_with("  Title ........: word"));
        assert!(
            labelled[1..]
                .iter()
                .all(|line| line.starts_with(&format!("{}word", " ".repeat(18)))),
            "{labelled:?}"
        );
    }

    #[test]
    fn width_counts_display_columns() {
        assert_eq!(fit_line(&"é".repeat(80)), Fit::Fits);
        assert_eq!(lines(&"日".repeat(41)), ["日".repeat(40), "日".to_owned()]);
        assert_eq!(fit_line(&"e\u{301}".repeat(80)), Fit::Fits);
    }

    #[test]
    fn line_of_wide_characters_is_full_only_within_a_word() {
        let words = "한국어 가".repeat(20);
        assert!(
            lines(&words)
                .iter()
                .all(|line| width(line) < MAX_COLUMNS - 1)
        );
        let word = "국".repeat(50);
        let widths: Vec<_> = lines(&format!(" {word}"))
            .iter()
            .map(|line| width(line))
            .collect();
        assert_eq!(widths, [MAX_COLUMNS - 1, 23]);
    }

    #[test]
    fn long_word_is_split_and_long_link_is_kept() {
        assert_eq!(
            lines(&"x".repeat(170)),
            ["x".repeat(80), "x".repeat(80), "x".repeat(10)]
        );
        let link = format!("https://example.org/{}", "x".repeat(80));
        assert_eq!(fit_line(&link), Fit::Unbreakable(Unbreakable::Link));
        assert_eq!(
            lines(&format!("see {link} there")),
            ["see".to_owned(), link, "there".to_owned()]
        );
    }

    #[test]
    fn trailing_spaces_are_removed_instead_of_wrapped() {
        assert_eq!(lines(&format!("short{}", " ".repeat(100))), ["short"]);
    }

    #[test]
    fn drawings_are_kept() {
        for art in [
            "▄█▀ words in a drawing ".repeat(5),
            format!("│{}│", " word".repeat(20)),
            format!("|{}|", " word".repeat(20)),
            "=-".repeat(50),
            format!("{}[ INFO ]{}", "-".repeat(50), "-".repeat(50)),
        ] {
            assert_eq!(
                fit_line(&art),
                Fit::Unbreakable(Unbreakable::Drawn),
                "{art}"
            );
        }
    }
}
