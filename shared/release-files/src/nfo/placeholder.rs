//! Finds and fills the placeholders in an NFO.
//!
//! The notations are `{{ title }}`, `${title}` and `%TITLE%` anywhere, and `[TITLE]`, `<TITLE>` or
//! `{TITLE}` in capitals after a colon or an equals sign. The names are the same as for labels.

use std::{collections::BTreeMap, ops::Range};

use super::{MAX_NFO_BYTES, clean, field::Field, layout::width};

/// The largest number of passes over a line, since a value may complete another placeholder.
const MAX_PASSES: usize = 16;

/// The longest name of a placeholder, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The values that fill placeholders.
#[derive(Debug, Default)]
pub struct PlaceholderValues(BTreeMap<Field, String>);

impl PlaceholderValues {
    /// Takes the known facts. Leaves out empty facts and facts that contain a placeholder.
    #[must_use]
    pub fn new<'a>(facts: impl IntoIterator<Item = (Field, &'a str)>) -> Self {
        let values = facts
            .into_iter()
            .map(|(field, text)| (field, clean_value(text)));
        let is_usable = |value: &str| {
            !value.is_empty() && find_all(&format!(": {value}")).all(|found| found.field.is_none())
        };
        Self(values.filter(|(_, value)| is_usable(value)).collect())
    }
}

/// Converts a text to one line, without anything that the repair would remove.
fn clean_value(text: &str) -> String {
    let lines: Vec<String> = clean::lines(text).map(|line| line.text).collect();
    lines.join(" ").trim().to_owned()
}

struct Placeholder<'a> {
    range: Range<usize>,
    text: &'a str,
    field: Option<Field>,
}

/// Fills the placeholders of a line until it is too long for an NFO. Returns the line, and each
/// placeholder with its value; `None` if there is nothing to fill.
pub fn fill(line: &str, values: &PlaceholderValues) -> Option<(String, Vec<(String, String)>)> {
    let (mut line, mut filled) = (line.to_owned(), Vec::new());
    for _ in 0..MAX_PASSES {
        let before = filled.len();
        line = fill_once(&line, values, &mut filled);
        if filled.len() == before {
            break;
        }
    }
    (!filled.is_empty()).then_some((line, filled))
}

/// Fills the placeholders of a line in one pass, and adds each with its value to `filled`.
fn fill_once(line: &str, values: &PlaceholderValues, filled: &mut Vec<(String, String)>) -> String {
    let (mut done, mut rest) = (String::new(), line);
    while done.len() + rest.len() <= MAX_NFO_BYTES
        && let Some((range, value)) = next_fillable(rest, values)
    {
        let placeholder = &rest[range.clone()];
        done.push_str(&rest[..range.start]);
        done.push_str(value);
        filled.push((placeholder.to_owned(), value.to_owned()));
        rest = keep_column(&rest[range.end..], width(placeholder), value, &mut done);
    }
    done + rest
}

/// Finds the first placeholder with a value.
fn next_fillable<'v>(text: &str, values: &'v PlaceholderValues) -> Option<(Range<usize>, &'v str)> {
    find_all(text).find_map(|found| Some((found.range, values.0.get(&found.field?)?.as_str())))
}

/// Keeps the column of the text after a gap, so that a frame keeps its right side: if the gap is
/// wide enough, moves it to `done` in its new width. Returns the rest of the line.
fn keep_column<'a>(rest: &'a str, old_width: usize, value: &str, done: &mut String) -> &'a str {
    let text = rest.trim_start_matches(' ');
    let gap = rest.len() - text.len();
    if gap < 2 || text.is_empty() {
        return rest;
    }
    let new_gap = (gap + old_width).saturating_sub(width(value)).max(1);
    done.extend(std::iter::repeat_n(' ', new_gap));
    text
}

/// Iterates over the placeholders in a line. After [`fill`], they are those without a value.
pub fn find_placeholders(line: &str) -> impl Iterator<Item = &str> {
    find_all(line).map(|found| found.text)
}

/// Returns whether a value is a placeholder and nothing else.
pub fn is_placeholder(value: &str) -> bool {
    let line = format!(": {value}");
    let first = find_all(&line).next();
    first.is_some_and(|found| found.text == value)
}

/// Finds every placeholder. A match depends on nothing after it and on little before it, so that
/// wrapping a line creates no new ones.
fn find_all(line: &str) -> impl Iterator<Item = Placeholder<'_>> {
    line.char_indices()
        .filter(|(_, c)| "{$%[<".contains(*c))
        .filter_map(|(at, _)| {
            let (length, name) = parse_placeholder(&line[at..], || {
                line[..at].trim_end_matches(' ').ends_with([':', '='])
            })?;
            let text = &line[at..at + length];
            let field = Field::from_label(name);
            (field.is_some() || text.starts_with("{{")).then_some(Placeholder {
                range: at..at + length,
                text,
                field,
            })
        })
}

/// Parses the placeholder that a text starts with. Returns its length and its name.
fn parse_placeholder(text: &str, is_value: impl Fn() -> bool) -> Option<(usize, &str)> {
    let between = |open: &str, close: &str| {
        let rest = text.strip_prefix(open)?;
        let rest = &rest[..rest.floor_char_boundary(MAX_NAME_BYTES + close.len())];
        let name = &rest[..rest.find(close)?];
        let is_name = name
            .chars()
            .all(|c| c.is_alphanumeric() || "_-. ".contains(c))
            && name.contains(char::is_alphabetic);
        is_name.then_some((open.len() + name.len() + close.len(), name))
    };
    let is_capital = |found: &(usize, &str)| is_value() && !found.1.contains(char::is_lowercase);
    between("{{", "}}")
        .or_else(|| between("${", "}"))
        .or_else(|| between("%", "%").filter(|(_, name)| !name.contains(' ')))
        .or_else(|| between("[", "]").filter(is_capital))
        .or_else(|| between("<", ">").filter(is_capital))
        .or_else(|| between("{", "}").filter(is_capital))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(line: &str) -> String {
        let values = PlaceholderValues::new([
            (Field::Title, "A Book"),
            (Field::Year, "2024"),
            (Field::Group, "GRP"),
        ]);
        fill(line, &values).map_or_else(|| line.to_owned(), |(line, _)| line)
    }

    #[test]
    fn every_placeholder_notation_is_filled() {
        for line in [
            "T: {{ title }}",
            "T: {{Title}}",
            "T: ${title}",
            "T: %TITLE%",
            "T: %titre%",
            "T: [TITLE]",
            "T: <TITLE>",
            "T: {TITLE}",
        ] {
            assert_eq!(filled(line), "T: A Book", "{line}");
        }
        assert_eq!(
            filled("{{ title }} (%YEAR%) {{ titre }}"),
            "A Book (2024) A Book"
        );
    }

    #[test]
    fn text_resembling_a_placeholder_is_kept() {
        for line in [
            "[TITLE]",
            "T: [Title]",
            "50% of title 20%",
            "100%",
            "T: [REC]",
            "{ title }",
            "%PATH%",
            "{{ }}",
        ] {
            assert_eq!(filled(line), line);
            assert_eq!(find_placeholders(line).count(), 0, "{line}");
        }
    }

    #[test]
    fn unfilled_placeholder_is_reported() {
        let line = "{{ publisher }} {{ mood }} %ISBN% {{ title";
        assert_eq!(filled(line), line);
        assert_eq!(
            find_placeholders(line).collect::<Vec<_>>(),
            ["{{ publisher }}", "{{ mood }}", "%ISBN%"]
        );
    }

    #[test]
    fn frame_keeps_its_right_side() {
        assert_eq!(filled("│ {{ title }}      │"), "│ A Book           │");
        assert_eq!(filled("│ %YEAR%   │ x"), "│ 2024     │ x");
    }

    #[test]
    fn fact_containing_a_placeholder_is_ignored() {
        let values = PlaceholderValues::new([
            (Field::Title, "%TITLE%"),
            (Field::Year, "[YEAR]"),
            (Field::Group, ""),
        ]);
        assert!(fill("{{ title }} %YEAR% %GROUP%", &values).is_none());
    }

    #[test]
    fn placeholder_completed_by_a_value_is_filled() {
        let values = PlaceholderValues::new([(Field::Title, "YEAR"), (Field::Year, "2024")]);
        assert_eq!(fill("%{{ title }}%", &values).unwrap().0, "2024");
    }
}
