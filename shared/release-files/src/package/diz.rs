//! Renders `FILE_ID.DIZ`, the description of a release in ten lines of 45 columns.

use text::ascii::transliterate;
use textwrap::{Options, WordSplitter};

use super::facts::Facts;

/// The file's name.
pub const FILE_NAME: &str = "FILE_ID.DIZ";

/// The width of a line in file listings, in columns.
const MAX_COLUMNS: usize = 45;
/// The number of lines in file listings.
const MAX_LINES: usize = 10;
/// The longest part of a fact that is wrapped, in characters: more than all lines hold.
const MAX_FACT_CHARS: usize = 2 * MAX_COLUMNS * MAX_LINES;

/// Renders the description of a release, in ASCII with CRLF. Each fact has a line; the lines left
/// over go to the facts that need more, the title first.
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
    let facts: Vec<Vec<String>> = parts
        .iter()
        .map(|(label, value)| wrap(label, value))
        .filter(|lines| !lines.is_empty())
        .collect();
    let mut spare = MAX_LINES - facts.len();
    let mut diz = String::new();
    for lines in facts {
        let count = lines.len().min(1 + spare);
        spare -= count - 1;
        for line in &lines[..count] {
            diz.push_str(line);
            diz.push_str("\r\n");
        }
    }
    diz
}

/// Wraps a fact between words; only a word longer than a line is split.
fn wrap(label: &str, value: &str) -> Vec<String> {
    let value: String = value.chars().take(MAX_FACT_CHARS).collect();
    let value = transliterate(&value);
    let words: Vec<&str> = value.split_whitespace().collect();
    if words.is_empty() {
        return Vec::new();
    }
    let text = format!("{label}{}", words.join(" "));
    let options = Options::new(MAX_COLUMNS).word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(&text, options).into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use jobs::Time;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn diz(metadata: &Value) -> String {
        let metadata = metadata.as_object().unwrap();
        let facts = Facts::new("A-GRP", "GRP", metadata, &[], Time::from_millis(0));
        render(&facts)
    }

    fn assert_fits(diz: &str) {
        let fits = |line: &str| line.is_ascii() && line.len() <= MAX_COLUMNS;
        assert!(
            diz.lines().count() <= MAX_LINES && diz.lines().all(fits) && diz.ends_with("\r\n"),
            "{diz}"
        );
    }

    #[test]
    fn diz_is_short_and_in_ascii() {
        let found = diz(&json!({
            "title": "L'été œuvré", "authors": ["Élise Noël"], "publisher": "x".repeat(600),
        }));
        assert!(
            found.starts_with("L'ete oeuvre\r\nby Elise Noel\r\nPublisher:"),
            "{found}"
        );
        assert!(found.ends_with("xxx\r\nGroup: GRP\r\n"), "{found}");
        assert_fits(&found);
    }

    #[test]
    fn other_scripts_are_spelled() {
        for (title, spelled) in [
            ("Серая гавань", "Seraia gavan"),
            ("灰色の港", "Hui Se no Gang"),
            ("Tiếng Việt", "Tieng Viet"),
            ("e\u{301}te\u{301}", "ete"),
        ] {
            assert_eq!(
                diz(&json!({"title": title})),
                format!("{spelled}\r\nGroup: GRP\r\n")
            );
        }
    }

    #[test]
    fn title_is_wrapped_between_words() {
        let title = "The Long and Well-Documented History of the Lighthouse at the End of the Grey \
                     Harbour, with Notes on Its Keepers and on Their Ledgers";
        let found = diz(&json!({
            "title": title, "authors": ["Mara Quill"], "publisher": "House", "year": 2021,
            "language": "en", "format": "epub",
        }));
        assert_fits(&found);
        let text = found.replace("\r\n", " ");
        assert!(
            text.starts_with(&format!("{title} by Mara Quill Publisher: House")),
            "{found}"
        );
        assert!(found.ends_with("Format: epub\r\nGroup: GRP\r\n"), "{found}");

        // The other facts keep their lines.
        let endless = diz(&json!({"title": title.repeat(9), "authors": ["Mara Quill"]}));
        assert_fits(&endless);
        assert!(
            endless.ends_with("by Mara Quill\r\nGroup: GRP\r\n"),
            "{endless}"
        );
    }

    proptest! {
        #[test]
        fn any_facts_fit(title in "\\PC{0,900}", author in "[ -~é日]{0,300}", publisher in "\\PC{0,90}") {
            let found = diz(&json!({"title": title, "authors": [author], "publisher": publisher}));
            assert_fits(&found);
        }
    }
}
