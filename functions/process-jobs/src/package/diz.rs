//! `FILE_ID.DIZ`: what the release is, in ten lines of 45 columns.

use super::{Facts, ascii::transliterate};

const COLUMNS: usize = 45;
const LINES: usize = 10;

/// The description of a release, in ASCII with CRLF.
#[must_use]
pub fn render(facts: &Facts) -> String {
    let parts = [
        ("", &facts.title),
        ("by ", &facts.authors),
        ("Publisher: ", &facts.publisher),
        ("Year: ", &facts.year),
        ("Language: ", &facts.language),
        ("Format: ", &facts.format),
        ("Group: ", &facts.group),
    ];
    let lines = parts.iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| format!("{label}{value}"));
    let cut = |line: String| {
        let line: String = transliterate(&line).chars().take(COLUMNS).collect();
        format!("{}\r\n", line.trim_end())
    };
    lines.take(LINES).map(cut).collect()
}
