//! Renders `FILE_ID.DIZ`, the description of a release in ten lines of 45 columns.

use text::ascii::transliterate;

use super::facts::Facts;

/// The file's name.
pub const FILE_NAME: &str = "FILE_ID.DIZ";

/// The width of a line in file listings, in columns.
const MAX_COLUMNS: usize = 45;
/// The number of lines in file listings.
const MAX_LINES: usize = 10;

/// Renders the description of a release, in ASCII with CRLF.
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
    let lines = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("{label}{value}"));
    let truncate = |line: String| {
        let line: String = transliterate(&line).chars().take(MAX_COLUMNS).collect();
        format!("{}\r\n", line.trim_end())
    };
    lines.take(MAX_LINES).map(truncate).collect()
}

#[cfg(test)]
mod tests {
    use jobs::Time;
    use serde_json::json;

    use super::*;

    #[test]
    fn diz_is_short_and_in_ascii() {
        let metadata = json!({"title": "L'été œuvré", "authors": ["Élise Noël"], "publisher": "x".repeat(100)});
        let facts = Facts::new(
            "A-GRP",
            "GRP",
            metadata.as_object().unwrap(),
            &[],
            Time::from_millis(0),
        );
        let diz = render(&facts);
        assert!(
            diz.starts_with("L'ete oeuvre\r\nby Elise Noel\r\nPublisher: xxx"),
            "{diz}"
        );
        assert!(
            diz.lines().count() <= MAX_LINES
                && diz
                    .lines()
                    .all(|line| line.is_ascii() && line.len() <= MAX_COLUMNS)
        );
    }
}
