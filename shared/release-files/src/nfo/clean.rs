//! The lines of a text without what a viewer cannot show.

use super::layout::width;

/// Where a tab leads: to the next multiple of so many columns.
const TAB: usize = 8;
/// The most columns that one escape sequence moves the cursor.
const MAX_MOVE: usize = 80;

/// A line, and what was wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What a viewer shows.
    pub text: String,
    /// How many escape sequences were removed.
    pub escapes: usize,
    /// How many control characters were removed.
    pub controls: usize,
    /// How many tabs became spaces.
    pub tabs: usize,
    /// How it ended.
    pub end: End,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// As it should: CR and LF.
    Crlf,
    /// LF or CR alone, doubled CRs, or a separator of Unicode's.
    Other,
    /// By the end of the text.
    #[default]
    Missing,
}

/// The text before its SAUCE record (what drawing programs append behind the DOS end-of-file
/// character), where it has one.
pub fn before_sauce(text: &str) -> Option<&str> {
    let at = ["\u{1a}COMNT", "\u{1a}SAUCE00"]
        .into_iter()
        .filter_map(|mark| text.find(mark))
        .min()?;
    Some(&text[..at])
}

/// Cuts a text into its lines and cleans each.
pub fn lines(mut text: &str) -> impl Iterator<Item = Line> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (line, end, rest) = cut(text);
        text = rest;
        Some(Line { end, ..clean(line) })
    })
}

fn cut(text: &str) -> (&str, End, &str) {
    let Some(at) = text.find(['\r', '\n', '\u{2028}', '\u{2029}']) else {
        return (text, End::Missing, "");
    };
    let (line, rest) = text.split_at(at);
    if let Some(rest) = rest.strip_prefix("\r\n") {
        return (line, End::Crlf, rest);
    }
    // A file that went through the wrong conversion twice has CR, CR, LF.
    if let Some(rest) = rest.trim_start_matches('\r').strip_prefix('\n') {
        return (line, End::Other, rest);
    }
    let mut rest = rest.chars();
    rest.next();
    (line, End::Other, rest.as_str())
}

fn clean(line: &str) -> Line {
    let mut clean = Line::default();
    let (mut rest, mut column) = (line, 0);
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\u{1b}' if !after.is_empty() => {
                let (columns, after) = escape(after);
                clean.text.extend(std::iter::repeat_n(' ', columns));
                column += columns;
                clean.escapes += 1;
                after
            }
            '\t' => {
                let columns = TAB - column % TAB;
                clean.text.extend(std::iter::repeat_n(' ', columns));
                column += columns;
                clean.tabs += 1;
                after
            }
            // A byte order mark that is not at the start is as invisible as a control character.
            c if c.is_control() || c == '\u{feff}' => {
                clean.controls += 1;
                after
            }
            c => {
                clean.text.push(c);
                column += width(c.encode_utf8(&mut [0; 4]));
                after
            }
        };
    }
    clean
}

/// What follows an escape sequence (ECMA-48, 5.4 and 8.3), given what follows its ESC; and how
/// many columns it moves the cursor on, which is how ANSI art writes spaces.
fn escape(after: &str) -> (usize, &str) {
    let Some(body) = after.strip_prefix('[') else {
        // `ESC ( B` and the like choose a character set; others have one character.
        let intermediates = after.trim_start_matches(|c| matches!(c, ' '..='/'));
        let end = intermediates
            .chars()
            .next()
            .filter(|c| matches!(c, '0'..='~'))
            .map_or(0, char::len_utf8);
        return (
            0,
            if end == 0 {
                after
            } else {
                &intermediates[end..]
            },
        );
    };
    let last = body.trim_start_matches(|c| matches!(c, ' '..='?'));
    match last.chars().next() {
        Some('C') => {
            let count = body[..body.len() - last.len()].parse().unwrap_or(1);
            (count.min(MAX_MOVE), &last[1..])
        }
        Some('@'..='~') => (0, &last[1..]),
        _ => (0, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        lines(text).map(|line| line.text).collect()
    }

    #[test]
    fn every_kind_of_line_end_ends_a_line() {
        let lines: Vec<_> = lines("a\r\nb\nc\rd\r\r\ne\u{2028}f")
            .map(|line| (line.text, line.end))
            .collect();
        let other = ["b", "c", "d", "e"].map(|text| (text.to_owned(), End::Other));
        assert_eq!(lines[0], ("a".to_owned(), End::Crlf));
        assert_eq!(lines[1..5], other);
        assert_eq!(lines[5], ("f".to_owned(), End::Missing));
        assert_eq!(texts("\r\n\n"), ["", ""]);
    }

    #[test]
    fn escape_sequences_go_and_their_cursor_moves_stay_as_spaces() {
        let line = &lines("\u{1b}[1;31mred\u{1b}[0m\u{1b}[3Cx\u{1b}(By\u{1b}[999999Cz")
            .next()
            .unwrap();
        assert_eq!(line.text, format!("red   xy{}z", " ".repeat(80)));
        assert_eq!((line.escapes, line.controls), (5, 0));
        assert_eq!(texts("a\u{1b}"), ["a"]);
        assert_eq!(texts("a\u{1b}[12"), ["a[12"]);
        assert_eq!(texts("a\u{1b}é"), ["aé"]);
    }

    #[test]
    fn tabs_lead_to_the_next_stop_by_width() {
        assert_eq!(texts("a\tb\t日本\tc"), ["a       b       日本    c"]);
    }

    #[test]
    fn control_characters_go() {
        let line = lines("a\u{7}b\u{0}c\u{85}d\u{feff}e").next().unwrap();
        assert_eq!((line.text.as_str(), line.controls), ("abcde", 4));
    }

    #[test]
    fn a_sauce_record_is_cut_off_with_its_comments() {
        assert_eq!(before_sauce("art\u{1a}SAUCE00Title"), Some("art"));
        assert_eq!(
            before_sauce("art\u{1a}COMNTx\u{1a}SAUCE00Title"),
            Some("art")
        );
        assert_eq!(before_sauce("art\u{1a}"), None);
    }
}
