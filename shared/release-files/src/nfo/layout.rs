//! Lines within the columns of a viewer, without tearing what is drawn.

use textwrap::{WordSeparator, core::Word, wrap_algorithms::wrap_first_fit};

use super::labels;

/// How wide an NFO is.
pub const COLUMNS: usize = 80;
/// The farthest column that continued lines are indented to.
const MAX_INDENT: usize = 40;

/// How a line stands to the columns.
#[derive(Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is not wider.
    Fits,
    /// It is wider, and must not be torn; why.
    Kept(&'static str),
    /// Without the spaces at its end, or continued on more lines.
    Lines(Vec<String>),
}

/// The columns that a text takes in a viewer: those of its characters, added up.
#[must_use]
pub fn width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// Fits a line, which has no control characters, into the columns. What is continued stands
/// below the beginning: below the value, where the line has a label.
#[must_use]
pub fn fit(line: &str) -> Fit {
    if width(line) <= COLUMNS {
        return Fit::Fits;
    }
    let trimmed = line.trim_end_matches(' ');
    if width(trimmed) <= COLUMNS {
        return Fit::Lines(vec![trimmed.to_owned()]);
    }
    if is_art(trimmed) {
        return Fit::Kept("it is drawn");
    }
    match wrap(trimmed) {
        lines if lines.len() == 1 && lines[0] == line => Fit::Kept("it has a link"),
        lines => Fit::Lines(lines),
    }
}

fn wrap(line: &str) -> Vec<String> {
    let (head, text) = head(line);
    let indent = width(&head);
    let room = COLUMNS - indent;
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
    #[expect(clippy::cast_precision_loss, reason = "at most 80")]
    let lines = wrap_first_fit(&words, &[room as f64]);
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

/// What stays at the beginning of a line, the label or the indentation, and the rest.
fn head(line: &str) -> (String, &str) {
    if let Some(label) = labels::split(line) {
        let (head, value) = line.split_at(label.value_at);
        if width(head) <= MAX_INDENT && !value.is_empty() {
            return (head.to_owned(), value);
        }
    }
    let text = line.trim_start_matches(' ');
    (" ".repeat((line.len() - text.len()).min(MAX_INDENT)), text)
}

/// Whether a line is drawn rather than written: it has lines or blocks of a drawing, stands in a
/// frame of ASCII characters, or has more signs than letters.
#[must_use]
pub fn is_art(line: &str) -> bool {
    let line = line.trim();
    if line.contains(is_drawn) || is_framed(line) {
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

/// Whether a character is one of Unicode's box drawings and block elements.
#[must_use]
pub const fn is_drawn(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}')
}

/// Whether a trimmed line stands between two characters that people draw frames with.
#[must_use]
pub fn is_framed(line: &str) -> bool {
    let mut chars = line.chars();
    matches!((chars.next(), chars.next_back()), (Some(first), Some(last)) if first == last && "|!*#+¦:".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(line: &str) -> Vec<String> {
        match fit(line) {
            Fit::Lines(lines) => lines,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_long_line_goes_on_below_its_beginning() {
        let text = "word ".repeat(30);
        let wrapped = lines(&format!("   {text}"));
        assert_eq!(wrapped.len(), 2);
        assert!(
            wrapped
                .iter()
                .all(|line| line.starts_with("   word") && width(line) <= COLUMNS),
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
    fn width_is_what_a_viewer_shows() {
        assert_eq!(fit(&"é".repeat(80)), Fit::Fits);
        assert_eq!(lines(&"日".repeat(41)), ["日".repeat(40), "日".to_owned()]);
        assert_eq!(fit(&"e\u{301}".repeat(80)), Fit::Fits);
    }

    #[test]
    fn a_word_that_is_too_long_is_cut_and_a_link_is_not() {
        assert_eq!(
            lines(&"x".repeat(170)),
            ["x".repeat(80), "x".repeat(80), "x".repeat(10)]
        );
        let link = format!("https://example.org/{}", "x".repeat(80));
        assert_eq!(fit(&link), Fit::Kept("it has a link"));
        assert_eq!(
            lines(&format!("see {link} there")),
            ["see".to_owned(), link, "there".to_owned()]
        );
    }

    #[test]
    fn spaces_at_the_end_are_no_reason_to_wrap() {
        assert_eq!(lines(&format!("short{}", " ".repeat(100))), ["short"]);
    }

    #[test]
    fn what_is_drawn_is_kept() {
        for art in [
            "▄█▀ words in a drawing ".repeat(5),
            format!("│{}│", " word".repeat(20)),
            format!("|{}|", " word".repeat(20)),
            "=-".repeat(50),
            format!("{}[ INFO ]{}", "-".repeat(50), "-".repeat(50)),
        ] {
            assert_eq!(fit(&art), Fit::Kept("it is drawn"), "{art}");
        }
    }
}
