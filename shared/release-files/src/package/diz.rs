//! `FILE_ID.DIZ`: what the release is, in ten lines of 45 columns.

use text::ascii::transliterate;

use super::Facts;

/// The file's name.
pub const DIZ: &str = "FILE_ID.DIZ";

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
    let lines = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("{label}{value}"));
    let cut = |line: String| {
        let line: String = transliterate(&line).chars().take(COLUMNS).collect();
        format!("{}\r\n", line.trim_end())
    };
    lines.take(LINES).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use jobs::Time;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_diz_is_short_and_in_ascii() {
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
            diz.lines().count() <= LINES
                && diz
                    .lines()
                    .all(|line| line.is_ascii() && line.len() <= COLUMNS)
        );
    }
}
