//! Placeholders that whoever wrote the NFO forgot to fill.
//!
//! Four ways to write them are read: `{{ title }}`, `${title}`, `%TITLE%` anywhere, and `[TITLE]`,
//! `<TITLE>` or `{TITLE}` in capitals behind a colon or an equals sign. The names are the labels'.

use std::{collections::BTreeMap, ops::Range};

use super::{
    MAX_BYTES, clean,
    labels::{self, Field},
    layout::width,
};
use crate::package::Facts;

/// How often a filled line is looked at again: what is filled in may complete another placeholder.
const PASSES: usize = 16;

/// The longest name of a placeholder, in bytes.
const MAX_NAME: usize = 64;

/// What placeholders are filled with.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<Field, String>);

impl Known {
    /// The texts that are known; one that has a placeholder in it itself is left out.
    #[must_use]
    pub fn new<'a>(facts: impl IntoIterator<Item = (Field, &'a str)>) -> Self {
        let texts = facts
            .into_iter()
            .map(|(field, text)| (field, text_of(text)));
        let fit = |text: &str| {
            !text.is_empty() && all(&format!(": {text}")).all(|found| found.field.is_none())
        };
        Self(texts.filter(|(_, text)| fit(text)).collect())
    }

    /// What is known of a work and its release, whose size and day are not looked at.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        Self::new([
            (Field::ReleaseName, facts.release_name.as_str()),
            (Field::Group, &facts.group),
            (Field::Title, &facts.title),
            (Field::Authors, &facts.authors),
            (Field::Publisher, &facts.publisher),
            (Field::Year, &facts.year),
            (Field::Language, &facts.language),
            (Field::Isbn, &facts.isbn),
            (Field::Format, &facts.format),
        ])
    }
}

/// A text in one line, without what the repair would remove.
fn text_of(text: &str) -> String {
    let lines: Vec<String> = clean::lines(text).map(|line| line.text).collect();
    lines.join(" ").trim().to_owned()
}

struct Placeholder<'a> {
    at: Range<usize>,
    text: &'a str,
    field: Option<Field>,
}

/// Fills a line's placeholders, as long as it is not too large for an NFO; gives each with what it
/// became. `None`: there is nothing to fill.
pub fn fill(line: &str, known: &Known) -> Option<(String, Vec<(String, String)>)> {
    let (mut line, mut filled) = (line.to_owned(), Vec::new());
    for _ in 0..PASSES {
        let mut from = 0;
        while let Some((at, value)) = next(&line[from..], known).filter(|_| line.len() <= MAX_BYTES)
        {
            let at = from + at.start..from + at.end;
            filled.push((line[at.clone()].to_owned(), value.to_owned()));
            from = replace(&mut line, at, value);
        }
        if from == 0 {
            break;
        }
    }
    (!filled.is_empty()).then_some((line, filled))
}

/// The first placeholder that something is known for.
fn next<'a>(text: &str, known: &'a Known) -> Option<(Range<usize>, &'a str)> {
    all(text).find_map(|found| Some((found.at, known.0.get(&found.field?)?.as_str())))
}

/// Puts `value` into the line. What stands behind a gap stays in its column where the gap is
/// wide enough: a frame keeps its right side. Gives the place behind the value.
fn replace(line: &mut String, at: Range<usize>, value: &str) -> usize {
    let (was, end) = (width(&line[at.clone()]), at.start + value.len());
    line.replace_range(at, value);
    let gap = line[end..].len() - line[end..].trim_start_matches(' ').len();
    if gap >= 2 && end + gap < line.len() {
        let gap_now = (gap + was).saturating_sub(width(value)).max(1);
        line.replace_range(end..end + gap, &" ".repeat(gap_now));
    }
    end
}

/// The placeholders that nothing is known for, or whose name says nothing.
pub fn unfilled(line: &str) -> impl Iterator<Item = &str> {
    all(line).map(|found| found.text)
}

/// Every placeholder. Whether a text is one depends on nothing behind it and on little before
/// it, so that wrapping a line makes no new ones.
fn all(line: &str) -> impl Iterator<Item = Placeholder<'_>> {
    line.char_indices()
        .filter(|(_, c)| "{$%[<".contains(*c))
        .filter_map(|(at, _)| {
            let (length, name) = at_start(&line[at..], || {
                line[..at].trim_end_matches(' ').ends_with([':', '='])
            })?;
            let text = &line[at..at + length];
            let field = labels::field(name);
            (field.is_some() || text.starts_with("{{")).then_some(Placeholder {
                at: at..at + length,
                text,
                field,
            })
        })
}

/// The length and the name of the placeholder that a text starts with.
fn at_start(text: &str, is_value: impl Fn() -> bool) -> Option<(usize, &str)> {
    let between = |open: &str, close: &str| {
        let rest = text.strip_prefix(open)?;
        let rest = &rest[..rest.floor_char_boundary(MAX_NAME + close.len())];
        let name = &rest[..rest.find(close)?];
        let is_name = name
            .chars()
            .all(|c| c.is_alphanumeric() || "_-. ".contains(c))
            && name.contains(char::is_alphabetic);
        is_name.then_some((open.len() + name.len() + close.len(), name))
    };
    let capital = |found: &(usize, &str)| is_value() && !found.1.contains(char::is_lowercase);
    between("{{", "}}")
        .or_else(|| between("${", "}"))
        .or_else(|| between("%", "%").filter(|(_, name)| !name.contains(' ')))
        .or_else(|| between("[", "]").filter(capital))
        .or_else(|| between("<", ">").filter(capital))
        .or_else(|| between("{", "}").filter(capital))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(line: &str) -> String {
        let known = Known::new([
            (Field::Title, "A Book"),
            (Field::Year, "2024"),
            (Field::Group, "GRP"),
        ]);
        fill(line, &known).map_or_else(|| line.to_owned(), |(line, _)| line)
    }

    #[test]
    fn every_way_to_write_a_placeholder_is_filled() {
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
    fn what_only_looks_like_one_is_left_alone() {
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
            assert_eq!(unfilled(line).count(), 0, "{line}");
        }
    }

    #[test]
    fn what_nothing_is_known_for_is_reported() {
        let line = "{{ publisher }} {{ mood }} %ISBN% {{ title";
        assert_eq!(filled(line), line);
        assert_eq!(
            unfilled(line).collect::<Vec<_>>(),
            ["{{ publisher }}", "{{ mood }}", "%ISBN%"]
        );
    }

    #[test]
    fn a_frame_keeps_its_right_side() {
        assert_eq!(filled("│ {{ title }}      │"), "│ A Book           │");
        assert_eq!(filled("│ %YEAR%   │ x"), "│ 2024     │ x");
    }

    #[test]
    fn a_fact_that_is_a_placeholder_itself_fills_nothing() {
        let known = Known::new([
            (Field::Title, "%TITLE%"),
            (Field::Year, "[YEAR]"),
            (Field::Group, ""),
        ]);
        assert!(fill("{{ title }} %YEAR% %GROUP%", &known).is_none());
    }

    #[test]
    fn a_placeholder_that_filling_completes_is_filled_too() {
        let known = Known::new([(Field::Title, "YEAR"), (Field::Year, "2024")]);
        assert_eq!(fill("%{{ title }}%", &known).unwrap().0, "2024");
    }
}
