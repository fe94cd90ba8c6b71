//! Parses labels and their values: `Title......: X`, `│ Titre : X │`, `Auteur  X`.

use super::{clean::TAB_GAP, field::Field};

/// The characters that may fill the gap between a label and its mark: `Title......:`.
const LEADERS: &str = ".·•…_-–—~";
/// The characters that may separate a label from its value.
const MARKS: &str = ":：=»>→";
/// The characters that may precede a label.
const BULLETS: &str = "*-+#=•·»>■►[(";
/// The brackets that may close a label.
const CLOSING_BRACKETS: [char; 2] = [']', ')'];
/// The largest number of characters, including spaces, between the indentation and the label.
const MAX_BULLET_CHARS: usize = 8;
/// The longest label, in characters.
const MAX_LABEL_CHARS: usize = 32;

/// A label and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabeledValue<'a> {
    /// The label without leaders. It may not name a field.
    pub label: &'a str,
    /// The value; empty if it is on the next line.
    pub value: &'a str,
    /// The offset of the label in its line, in bytes.
    pub label_at: usize,
    /// The offset of the value in its line, in bytes.
    pub value_at: usize,
}

/// The separator between a label and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// A mark, with or without leaders: `Title......: X`.
    Mark,
    /// Two leaders or more: `Title...... X`.
    Leaders,
    /// A closing bracket: `[Title] X`.
    Bracket,
    /// Two spaces or more, or a tab: `Title   X`.
    Gap,
}

impl Separator {
    /// Splits the text after a label into its separator and the value.
    fn split_off(text: &str, in_brackets: bool) -> Option<(Self, &str)> {
        let trimmed = text.trim_start();
        if in_brackets && let Some(value) = trimmed.strip_prefix("]=-") {
            // A label has a value: `-=[ NOTES ]=-` is a heading.
            return (!value.trim().is_empty()).then_some((Self::Bracket, value));
        }
        let rest = text.trim_start_matches(|c| {
            is_space(c) || LEADERS.contains(c) || in_brackets && CLOSING_BRACKETS.contains(&c)
        });
        let value = rest.trim_start_matches(|c| MARKS.contains(c));
        let separator = if value.len() < rest.len() {
            Self::Mark
        } else if in_brackets && trimmed.starts_with(CLOSING_BRACKETS) {
            Self::Bracket
        } else if trimmed.len() > rest.len() + 1 {
            Self::Leaders
        } else if starts_with_gap(text) && trimmed == rest && !rest.is_empty() {
            Self::Gap
        } else {
            return None;
        };
        Some((separator, value))
    }

    /// Returns whether it may follow a label that names no field. Only a mark may, before a space
    /// or the end of the line, unlike in `12:30` and `https://`.
    fn may_follow_any_label(self, value: &str) -> bool {
        self == Self::Mark && (value.is_empty() || value.starts_with(is_space))
    }
}

/// Parses the label at the start of `line`. Its value is the rest of the line.
#[must_use]
pub fn parse_label(line: &str) -> Option<LabeledValue<'_>> {
    parse_label_before(line, line.trim_end().len())
}

/// Like [`parse_label`], for a line whose text ends at `text_end`: to look for it here would take as
/// long for each label of a line as the spaces at its end.
fn parse_label_before(line: &str, text_end: usize) -> Option<LabeledValue<'_>> {
    let label_at = label_start(line)?;
    let in_brackets = line[..label_at].contains(['[', '(']);
    let label_end = label_at + label_length(&line[label_at..], in_brackets)?;
    let label = line[label_at..label_end].trim_end();
    let (separator, value) = Separator::split_off(&line[label_end..], in_brackets)?;
    if Field::from_label(label).is_none() && !separator.may_follow_any_label(value) {
        return None;
    }
    let value_at = line.len() - value.trim_start().len();
    Some(LabeledValue {
        label,
        value: unbracketed(&line[value_at..text_end.max(value_at)], separator),
        label_at,
        value_at,
    })
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | TAB_GAP)
}

/// Returns whether a text starts with two spaces or with a tab.
fn starts_with_gap(text: &str) -> bool {
    let gap = &text[..text.len() - text.trim_start_matches(is_space).len()];
    gap.chars().nth(1).is_some() || gap.starts_with(TAB_GAP)
}

/// The offset of the first character after indentation and bullets.
fn label_start(line: &str) -> Option<usize> {
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len() + number_length(text);
    let mut start = line[indent..].char_indices().take(MAX_BULLET_CHARS);
    let (offset, _) = start.find(|(_, c)| *c != ' ' && !BULLETS.contains(*c))?;
    Some(indent + offset)
}

/// The length of the number of an item at the start of a text: `1. ` or `12) `.
fn number_length(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_number = (1..=2).contains(&digits)
        && text[digits..].starts_with(['.', ')'])
        && text[digits + 1..].starts_with(' ');
    if is_number { digits + 1 } else { 0 }
}

/// The length of the label at the start of a text, in bytes. A label starts with a letter, is
/// short, and ends before two spaces or leaders, a mark or a closing bracket.
fn label_length(text: &str, in_brackets: bool) -> Option<usize> {
    let pairs = text
        .char_indices()
        .zip(text.chars().skip(1).map(Some).chain([None]));
    let is_end = |c: char, next: Option<char>| {
        let leads = |c| LEADERS.contains(c) || is_space(c);
        MARKS.contains(c)
            || c == TAB_GAP
            || in_brackets && CLOSING_BRACKETS.contains(&c)
            || leads(c) && next.is_none_or(|next| leads(next) || MARKS.contains(next))
    };
    let end = pairs
        .take(MAX_LABEL_CHARS + 1)
        .find(|((_, c), next)| is_end(*c, *next))
        .map(|((at, _), _)| at)?;
    let label = &text[..end];
    let is_label = label.starts_with(char::is_alphabetic)
        && label
            .chars()
            .all(|c| c.is_alphanumeric() || " .'’/&()-#°".contains(c));
    is_label.then_some(end)
}

/// Removes the brackets of `Title.....[X]` and `Title: [ X ]`, which are not part of the value.
fn unbracketed(value: &str, separator: Separator) -> &str {
    let inner = value.strip_prefix('[').and_then(|v| v.strip_suffix(']'));
    let is_padded = |inner: &str| inner.starts_with(' ') && inner.ends_with(' ');
    match inner {
        Some(inner) if separator != Separator::Mark || is_padded(inner) => inner.trim(),
        _ => value,
    }
}

/// Finds the labels in a line. Each label except for the first follows two spaces or more.
#[must_use]
pub fn find_labels(line: &str) -> Vec<LabeledValue<'_>> {
    let mut found: Vec<LabeledValue<'_>> = Vec::new();
    let text_end = line.trim_end().len();
    for at in std::iter::once(0).chain(ends_of_gaps(line)) {
        // The text before the last label's value belongs to that label.
        if found.last().is_some_and(|last| at <= last.value_at) {
            continue;
        }
        let Some(label) = parse_label_before(&line[at..], text_end.saturating_sub(at)) else {
            continue;
        };
        if let Some(last) = found.last_mut() {
            let cut = line[last.value_at..at].trim_end();
            if cut.len() < last.value.len() {
                last.value = cut;
            }
        }
        found.push(LabeledValue {
            label_at: at + label.label_at,
            value_at: at + label.value_at,
            ..label
        });
    }
    found
}

/// Iterates over the offsets of the text after each gap.
fn ends_of_gaps(line: &str) -> impl Iterator<Item = usize> {
    let mut before = [' ', 'x'];
    line.char_indices().filter_map(move |(at, c)| {
        let is_after_gap = before == [' ', ' '] || before[1] == TAB_GAP;
        before = [before[1], c];
        (is_after_gap && !is_space(c)).then_some(at)
    })
}

/// Parses a table header: two cells or more, all named after a field.
#[must_use]
pub fn parse_header(line: &str) -> Option<Vec<Field>> {
    let fields: Vec<Field> = cells(line).map(Field::from_label).collect::<Option<_>>()?;
    (fields.len() >= 2).then_some(fields)
}

/// Iterates over the cells of a table row, separated by two spaces or more, or by a tab.
pub fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(TAB_GAP)
        .flat_map(|part| part.split("  "))
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_parsed_in_every_layout() {
        for line in [
            "Title: A Book",
            "  Title ........: A Book",
            "TiTLE.......: [ A Book ]",
            "Title.......[A Book]",
            "[Title] A Book",
            "[ Titre ] : A Book",
            "* Titre = A Book",
            "Titre . . . . : A Book",
            "Title » A Book",
            "Title -> A Book",
            "Title------> A Book",
            "Title ....... A Book",
            "Title___________A Book",
            "Title      A Book",
            "Title      :    A Book",
            "Title:A Book",
            "Title\u{2003}A Book",
            "Title \u{2003} A Book",
            "Title\u{a0}: A Book",
            "Titre\u{202f}:\u{a0}A Book",
            "Title：A Book",
            "1. Title: A Book",
            "12) Title: A Book",
            "-=[ Title ]=- A Book",
            "# Title: A Book",
            "+ Title: A Book",
        ] {
            let label = parse_label(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (Field::from_label(label.label), label.value),
                (Some(Field::Title), "A Book"),
                "{line}"
            );
        }
    }

    #[test]
    fn sentences_links_and_times_are_not_labels() {
        for line in [
            "A title is a name",
            "https://example.org/",
            "12:30",
            "",
            "...",
            "- : -",
            "Well... no",
            "Title\u{a0}page",
            "1.5 Title: x",
            "-=[ NOTES ]=-",
            "-=[ TITLE ]=-",
            "see http://x",
        ] {
            assert_eq!(parse_label(line), None, "{line}");
        }
    }

    #[test]
    fn value_keeps_its_punctuation() {
        for value in ["[REC]", "... and more", "Foo: Bar", "A  B", ":)"] {
            assert_eq!(
                parse_label(&format!("Title : {value}")).unwrap().value,
                value
            );
        }
    }

    #[test]
    fn labels_side_by_side_are_split() {
        let found = find_labels("  Titre : Un   livre     Année   : 2020    Pages: 3");
        let found: Vec<_> = found
            .iter()
            .map(|label| (label.label, label.value))
            .collect();
        assert_eq!(
            found,
            [("Titre", "Un   livre"), ("Année", "2020"), ("Pages", "3")]
        );
        assert_eq!(
            parse_header("Title    Author   Year"),
            Some(vec![Field::Title, Field::Authors, Field::Year])
        );
        assert_eq!(parse_header("Title    A Book"), None);
        let found = find_labels("Year\u{2003}2020\u{2003}Pages:\u{2003}3");
        assert_eq!(
            found.iter().map(|label| label.value).collect::<Vec<_>>(),
            ["2020", "3"]
        );
        assert_eq!(
            parse_header("Title\u{2003}Author"),
            Some(vec![Field::Title, Field::Authors])
        );
    }
}
