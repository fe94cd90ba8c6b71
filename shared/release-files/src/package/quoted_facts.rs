//! Quotes the facts of the default NFO that would be read back as something else.

use super::{facts::Facts, nfo_template::fit_lines};
use crate::{
    metadata::{join_quoted_authors, quote},
    nfo::read::{NfoMetadata, read},
};

impl Facts {
    /// Returns the facts as the default NFO shows them. An author with `&` in the name is quoted,
    /// and so is a title such as "Unknown".
    pub(super) fn quoted(&self) -> Self {
        let text = |label: &str, value: &str, get: fn(NfoMetadata) -> Option<String>| {
            if reads_back(label, value, |metadata| {
                get(metadata).as_deref() == Some(value)
            }) {
                value.to_owned()
            } else {
                quote(value)
            }
        };
        Self {
            title: text("Title", &self.title, |metadata| metadata.title),
            authors: self.quoted_authors(),
            publisher: text("Publisher", &self.publisher, |metadata| metadata.publisher),
            language: text("Language", &self.language, |metadata| metadata.language),
            format: text("Format", &self.format, |metadata| metadata.format),
            group: text("Group", &self.group, |metadata| metadata.group),
            ..self.clone()
        }
    }

    fn quoted_authors(&self) -> String {
        let names = &self.author_names;
        let is_read = |authors: &str| {
            names.is_empty() || reads_back("Author", authors, |metadata| metadata.authors == *names)
        };
        if is_read(&self.authors) {
            return self.authors.clone();
        }
        let joined = join_quoted_authors(names);
        if is_read(&joined) {
            return joined;
        }
        let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
        quoted.join("; ")
    }
}

/// Returns whether a value below its label is read as it should be. An empty value is not shown.
fn reads_back(label: &str, value: &str, is_right: impl Fn(NfoMetadata) -> bool) -> bool {
    let line = format!("  {label:.<14}: {value}", label = format!("{label} "));
    value.is_empty() || is_right(read(&fit_lines(&line).join("\r\n")).metadata)
}

#[cfg(test)]
mod tests {
    use jobs::Time;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_ambiguous_facts_are_quoted() {
        for (title, authors, shown_title, shown_authors) in [
            (
                "Salt",
                vec!["Ann Writer", "Ben Other"],
                "Salt",
                "Ann Writer, Ben Other",
            ),
            (
                "\"Heroes\"",
                vec!["Writer, Ann"],
                "\"\"\"Heroes\"\"\"",
                "Writer, Ann",
            ),
            (
                "Unknown",
                vec!["Quill & Sons"],
                "\"Unknown\"",
                "\"Quill & Sons\"",
            ),
            ("[ X ]", vec!["Unknown"], "\"[ X ]\"", "\"Unknown\""),
            ("Say \"no\"", vec![], "Say \"no\"", ""),
        ] {
            let metadata = json!({"title": title, "authors": authors});
            let metadata = metadata.as_object().unwrap();
            let facts = Facts::new("A-GRP", "GRP", metadata, &[], Time::from_millis(0)).quoted();
            assert_eq!(
                (facts.title.as_str(), facts.authors.as_str()),
                (shown_title, shown_authors)
            );
        }
    }
}
