//! The NFO, from a template. A template is data: it can choose and repeat, and call nothing.

use jobs::FailureCode;
use minijinja::{Environment, UndefinedBehavior, value::Serde};

use super::Facts;
use crate::WorkError;
use crate::nfo::layout::{self, Fit};

const DEFAULT: &str = include_str!("../../templates/default.nfo");
/// How many instructions a template may take.
const FUEL: u64 = 200_000;
/// The largest template, in bytes.
const MAX_TEMPLATE: usize = 64 * 1024;
/// What a template can name: the fields of [`Facts`].
const PLACEHOLDERS: [&str; 12] = [
    "release_name",
    "group",
    "title",
    "authors",
    "publisher",
    "year",
    "language",
    "isbn",
    "format",
    "date",
    "size",
    "files",
];
/// The largest NFO, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Renders the NFO, with CRLF, from the user's template or else the default one. A line that the
/// facts make wider than an NFO goes on below; one that is drawn is left.
///
/// # Errors
/// When the template is not valid, names what does not exist, or asks for too much.
pub fn render(facts: &Facts, template: Option<&str>) -> Result<String, WorkError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let source = template.unwrap_or(DEFAULT);
    if source.len() > MAX_TEMPLATE {
        return Err(WorkError::failed(
            FailureCode::TemplateInvalid,
            "The NFO template is larger than 64 KiB",
        ));
    }
    let template = environment
        .template_from_str(source)
        .map_err(|error| invalid(&error))?;
    // A condition hides a misspelt name that it never comes to; so all names are looked at first.
    let used = template.undeclared_variables(false);
    if let Some(name) = used
        .iter()
        .filter(|name| !PLACEHOLDERS.contains(&name.as_str()))
        .min()
    {
        let sentence =
            format!("The NFO template is not valid: it names {name:?}, which does not exist");
        return Err(WorkError::failed(FailureCode::TemplateInvalid, sentence));
    }
    let text = template
        .render(Serde(facts))
        .map_err(|error| invalid(&error))?;
    if text.len() > MAX_BYTES {
        return Err(WorkError::failed(
            FailureCode::TemplateInvalid,
            "The NFO template makes more than 256 KiB",
        ));
    }
    Ok(text
        .trim_end()
        .lines()
        .map(str::trim_end)
        .flat_map(fitted)
        .flat_map(|line| [line, "\r\n".to_owned()])
        .collect())
}

fn fitted(line: &str) -> Vec<String> {
    match layout::fit(line) {
        Fit::Fits | Fit::Kept(_) => vec![line.to_owned()],
        Fit::Lines(lines) => lines,
    }
}

fn invalid(error: &minijinja::Error) -> WorkError {
    let line = error
        .line()
        .map_or(String::new(), |line| format!(" (line {line})"));
    let detail = error
        .detail()
        .map_or(String::new(), |detail| format!(": {detail}"));
    let sentence = format!(
        "The NFO template is not valid: {}{detail}{line}",
        error.kind()
    );
    WorkError::failed(FailureCode::TemplateInvalid, sentence)
}

#[cfg(test)]
mod tests {
    use jobs::Time;
    use serde_json::json;

    use super::*;
    use crate::package::PackageFile;

    fn facts() -> Facts {
        let metadata = json!({"title": "A Book", "authors": ["Jane Doe"], "year": 2024});
        let files = [PackageFile::of("a.zip", b"123456789")];
        Facts::new(
            "Jane.Doe-A.Book-2024-GRP",
            "GRP",
            metadata.as_object().unwrap(),
            &files,
            Time::from_millis(0),
        )
    }

    #[test]
    fn the_default_nfo_tells_what_is_known_within_80_columns() {
        let nfo = render(&facts(), None).unwrap();
        assert!(
            nfo.contains("Title ........: A Book\r\n") && nfo.contains("a.zip  9  CBF43926"),
            "{nfo}"
        );
        assert!(!nfo.contains("ISBN"));
        assert!(nfo.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn long_facts_go_on_below() {
        let mut facts = facts();
        facts.title = "word ".repeat(40).trim_end().to_owned();
        facts.files[0].path = format!("{}.zip", "x".repeat(150));
        let nfo = render(&facts, None).unwrap();
        assert!(nfo.lines().all(|line| line.chars().count() <= 80), "{nfo}");
        assert_eq!(nfo.matches("word").count(), 40);
    }

    #[test]
    fn a_users_template_is_filled_and_a_bad_one_refused() {
        let filled = render(&facts(), Some("{{ title }}{% if isbn %} no {% endif %}")).unwrap();
        assert_eq!(filled, "A Book\r\n");
        for template in ["{{ unknown }}", "{% if %}", "{{ title", "{% include 'x' %}"] {
            assert!(
                matches!(render(&facts(), Some(template)), Err(WorkError::Failed(_))),
                "{template}"
            );
        }
    }

    #[test]
    fn the_name_that_does_not_exist_is_told_even_where_a_condition_hides_it() {
        for template in ["{{ tilte }}", "{% if isbn %}{{ tilte }}{% endif %}"] {
            let error = render(&facts(), Some(template)).unwrap_err();
            assert!(error.to_string().contains("\"tilte\""), "{error}");
        }
    }

    #[test]
    fn a_template_can_name_every_fact() {
        let facts = serde_json::to_value(facts()).unwrap();
        let mut names: Vec<_> = facts
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut placeholders = PLACEHOLDERS;
        names.sort_unstable();
        placeholders.sort_unstable();
        assert_eq!(names, placeholders);
    }

    #[test]
    fn work_and_output_are_bounded() {
        let doubled = format!(
            "{{% set a = release_name %}}{}",
            "{% set a = a ~ a %}".repeat(40)
        );
        let loops = "{% for a in release_name %}".repeat(9) + &"{% endfor %}".repeat(9);
        for template in [doubled, loops, "x".repeat(MAX_TEMPLATE + 1)] {
            let result = render(&facts(), Some(&template));
            assert!(matches!(result, Err(WorkError::Failed(_))));
        }
    }
}
