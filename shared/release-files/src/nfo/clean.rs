//! Splits a text into lines and removes what a viewer cannot show.

use text::is_unprintable;

use super::layout::width;

/// Separates words in place of a tab that is one column wide, like two spaces. It is an em space,
/// which separates as much when it was in the text.
pub const TAB_GAP: char = '\u{2003}';
/// The distance between tab stops, in columns.
const TAB_COLUMNS: usize = 8;
/// The largest cursor move of an escape sequence, in columns.
const MAX_MOVE_COLUMNS: usize = 80;
/// The largest number of CRs that end a line together with an LF. A longer run is looked at again
/// for each of its CRs, so it must not grow with the text.
const MAX_CRS: usize = 8;

/// A cleaned line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The visible text.
    pub text: String,
    /// The number of removed escape sequences.
    pub escapes: usize,
    /// The number of removed characters that no viewer can show.
    pub controls: usize,
    /// The number of tabs replaced with spaces.
    pub tabs: usize,
    /// The line ending.
    pub end: LineEnd,
}

/// The ending of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// CR and LF.
    Crlf,
    /// LF or CR alone, doubled CRs, or a Unicode separator.
    Other,
    /// The end of the text.
    #[default]
    Missing,
}

/// Iterates over the cleaned lines of a text.
pub fn lines(text: &str) -> impl Iterator<Item = Line> {
    clean_lines(text, ' ')
}

/// Like [`lines`], but with [`TAB_GAP`] in place of a narrow tab after a word.
pub fn lines_with_gaps(text: &str) -> impl Iterator<Item = Line> {
    clean_lines(text, TAB_GAP)
}

fn clean_lines(mut text: &str, narrow_tab: char) -> impl Iterator<Item = Line> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (line, end, rest) = split_line(text);
        text = rest;
        Some(Line {
            end,
            ..clean_line(line, narrow_tab)
        })
    })
}

fn split_line(text: &str) -> (&str, LineEnd, &str) {
    let Some(at) = text.find(['\r', '\n', '\u{2028}', '\u{2029}']) else {
        return (text, LineEnd::Missing, "");
    };
    let (line, rest) = text.split_at(at);
    if let Some(rest) = rest.strip_prefix("\r\n") {
        return (line, LineEnd::Crlf, rest);
    }
    // A file converted twice has CR, CR, LF.
    let run = rest.bytes().take(MAX_CRS);
    let crs = run.take_while(|byte| *byte == b'\r').count();
    if let Some(rest) = rest[crs..].strip_prefix('\n') {
        return (line, LineEnd::Other, rest);
    }
    let mut rest = rest.chars();
    rest.next();
    (line, LineEnd::Other, rest.as_str())
}

fn clean_line(line: &str, narrow_tab: char) -> Line {
    let mut clean = Line::default();
    let (mut rest, mut column) = (line, 0);
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\u{1b}' if !after.is_empty() => {
                let (columns, after) = skip_escape(after);
                clean.text.extend(std::iter::repeat_n(' ', columns));
                column += columns;
                clean.escapes += 1;
                after
            }
            '\t' => {
                let columns = TAB_COLUMNS - column % TAB_COLUMNS;
                let is_narrow = columns == 1 && !clean.text.ends_with(' ');
                let space = if is_narrow { narrow_tab } else { ' ' };
                clean.text.extend(std::iter::repeat_n(space, columns));
                column += columns;
                clean.tabs += 1;
                after
            }
            c if is_unprintable(c) => {
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

/// Skips an escape sequence (ECMA-48, 5.4 and 8.3), given the text after its ESC. Returns the
/// number of columns it moves the cursor forward, which ANSI art uses for spaces, and the text
/// after it.
fn skip_escape(after: &str) -> (usize, &str) {
    let Some(body) = after.strip_prefix('[') else {
        // `ESC ( B` and similar sequences select a character set; others have one character.
        let intermediates = after.trim_start_matches(|c| matches!(c, ' '..='/'));
        let end = intermediates
            .chars()
            .next()
            .filter(|c| matches!(c, '0'..='~'))
            .map_or(0, char::len_utf8);
        let rest = if end == 0 {
            after
        } else {
            &intermediates[end..]
        };
        return (0, rest);
    };
    let last = body.trim_start_matches(|c| matches!(c, ' '..='?'));
    match last.chars().next() {
        Some('C') => {
            let count = body[..body.len() - last.len()].parse().unwrap_or(1);
            (count.min(MAX_MOVE_COLUMNS), &last[1..])
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
    fn every_line_end_is_recognized() {
        let lines: Vec<_> = lines("a\r\nb\nc\rd\r\r\ne\u{2028}f")
            .map(|line| (line.text, line.end))
            .collect();
        let other = ["b", "c", "d", "e"].map(|text| (text.to_owned(), LineEnd::Other));
        assert_eq!(lines[0], ("a".to_owned(), LineEnd::Crlf));
        assert_eq!(lines[1..5], other);
        assert_eq!(lines[5], ("f".to_owned(), LineEnd::Missing));
        assert_eq!(texts("\r\n\n"), ["", ""]);
    }

    #[test]
    fn escape_sequences_are_removed_and_cursor_moves_become_spaces() {
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
    fn tabs_become_spaces_up_to_the_next_stop() {
        assert_eq!(texts("a\tb\t日本\tc"), ["a       b       日本    c"]);
        assert_eq!(texts("1234567\tb"), ["1234567 b"]);
        let gaps: Vec<_> = lines_with_gaps("1234567\tb\tc").collect();
        assert_eq!(gaps[0].text, "1234567\u{2003}b       c");
    }

    #[test]
    fn control_characters_are_removed() {
        let line = lines("a\u{7}b\u{0}c\u{85}d\u{feff}e\u{202e}f\u{2066}g")
            .next()
            .unwrap();
        assert_eq!((line.text.as_str(), line.controls), ("abcdefg", 6));
    }
}
