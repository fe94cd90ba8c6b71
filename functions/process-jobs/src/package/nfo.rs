//! The NFO, from a template. A template is data: it can choose and repeat, and call nothing.

use minijinja::{Environment, UndefinedBehavior, value::Serde};

use super::Facts;
use crate::failure::{WorkError, code};

const DEFAULT: &str = include_str!("../../templates/default.nfo");
/// How many instructions a template may take.
const FUEL: u64 = 200_000;
/// The largest NFO, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Renders the NFO, with CRLF, from the user's template or else the default one.
///
/// # Errors
/// When the template is not valid, names what does not exist, or asks for too much.
pub fn render(facts: &Facts, template: Option<&str>) -> Result<String, WorkError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let text = environment.render_str(template.unwrap_or(DEFAULT), Serde(facts)).map_err(|error| {
        let line = error.line().map_or(String::new(), |line| format!(" (line {line})"));
        WorkError::failed(code::TEMPLATE_INVALID, format!("The NFO template is not valid: {}{line}", error.kind()))
    })?;
    if text.len() > MAX_BYTES {
        return Err(WorkError::failed(code::TEMPLATE_INVALID, "The NFO template makes more than 256 KiB"));
    }
    let mut text: String = text.lines().flat_map(|line| [line.trim_end(), "\r\n"]).collect();
    if !text.ends_with("\r\n") {
        text.push_str("\r\n");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::time::Time;

    use super::*;
    use crate::package::{PackageFile, diz};

    fn facts() -> Facts {
        let metadata = json!({"title": "A Book", "authors": ["Jane Doe"], "year": 2024});
        let files = [PackageFile::of("a.zip", b"123456789")];
        Facts::new(
            "Jane.Doe-A.Book-2024-GRP",
            "GRP",
            metadata.as_object().unwrap().clone(),
            &files,
            Time::from_millis(0),
        )
    }

    #[test]
    fn the_default_nfo_tells_what_is_known_within_80_columns() {
        let nfo = render(&facts(), None).unwrap();
        assert!(nfo.contains("Title ........: A Book\r\n") && nfo.contains("a.zip  9  CBF43926"), "{nfo}");
        assert!(!nfo.contains("ISBN"));
        assert!(nfo.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_users_template_is_filled_and_a_bad_one_refused() {
        let filled = render(&facts(), Some("{{ title }}{% if isbn %} no {% endif %}")).unwrap();
        assert_eq!(filled, "A Book\r\n");
        for template in ["{{ unknown }}", "{% if %}", "{{ title", "{% include 'x' %}"] {
            assert!(matches!(render(&facts(), Some(template)), Err(WorkError::Failed(_))), "{template}");
        }
    }

    #[test]
    fn the_diz_is_short() {
        let diz = diz::render(&facts());
        assert!(diz.starts_with("A Book\r\nby Jane Doe\r\n"));
        assert!(diz.lines().count() <= 10 && diz.lines().all(|line| line.len() <= 45));
    }
}
