//! Renders the NFO from a template. A template has conditions and loops, but calls no functions.

use std::{io, panic::resume_unwind, thread};

use jobs::{Failure, FailureCode};
use minijinja::{Environment, Template, UndefinedBehavior, value::Serde};
use text::is_unprintable;

use super::facts::Facts;
use crate::WorkError;
use crate::isolation::{self, Reader, Run};
use crate::nfo::{
    MAX_NFO_BYTES,
    layout::{self, Fit},
};
use crate::progress::Progress;

const DEFAULT_TEMPLATE: &str = include_str!("../../templates/default.nfo");
/// The largest number of instructions that a template may execute.
const MAX_FUEL: u64 = 200_000;
/// The largest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 64 * 1024;
/// The stack of a thread that compiles a template. Only what is used of it takes memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// The longest expression or block, in bytes.
const MAX_TAG_BYTES: usize = 512;
/// The placeholders of a template: the fields of [`Facts`].
const PLACEHOLDERS: [&str; 17] = [
    "release_name",
    "group",
    "title",
    "authors",
    "publisher",
    "year",
    "language",
    "isbn",
    "format",
    "pages",
    "words",
    "characters",
    "cover",
    "chapters",
    "date",
    "size",
    "files",
];

/// Checks a template as far as it can be checked without the facts.
///
/// # Errors
/// [`FailureCode::TemplateInvalid`] as for [`render`], except that its work is not measured.
pub fn check(template: &str) -> Result<(), WorkError> {
    on_deep_stack(|| parse(&environment(), template).map(drop))
}

/// Renders the NFO with CRLF, from the user's template, by `run`, or from the default one. Wraps
/// long lines, except for drawings.
///
/// The work of a template is measured, but not all of it: lists that contain another twice, forty
/// times over, take for ever to show or to compare.
///
/// # Errors
/// [`FailureCode::TemplateInvalid`] if the template does not parse, uses an unknown placeholder, or
/// takes too much work.
pub fn render(
    facts: &Facts,
    template: Option<&str>,
    run: Run<'_>,
    progress: &dyn Progress,
) -> Result<String, WorkError> {
    let Some(template) = template else {
        let facts = facts.quoted();
        return on_deep_stack(|| render_here(&facts, DEFAULT_TEMPLATE));
    };
    let request = serde_json::to_vec(&(facts, template)).map_err(io::Error::from)?;
    isolation::ask(run, Reader::Nfo, &mut request.as_slice(), progress)
}

/// Renders the NFO that a request of [`render`] asks for.
pub(crate) fn answer(request: &[u8]) -> io::Result<Result<String, Failure>> {
    let (facts, template): (Facts, String) = serde_json::from_slice(request)?;
    match on_deep_stack(|| render_here(&facts, &template)) {
        Ok(text) => Ok(Ok(text)),
        Err(WorkError::Failed(failure)) => Ok(Err(failure)),
        Err(error) => Err(error.into()),
    }
}

/// Runs work with templates, whose compiler recurses, on a thread with a stack that no template of
/// the allowed size can use up.
fn on_deep_stack<T: Send>(
    work: impl FnOnce() -> Result<T, WorkError> + Send,
) -> Result<T, WorkError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let running = thread.spawn_scoped(scope, work)?;
        running.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn render_here(facts: &Facts, template: &str) -> Result<String, WorkError> {
    let environment = environment();
    let text = parse(&environment, template)?
        .render(Serde(facts))
        .map_err(|error| invalid(&error))?;
    if text.len() > MAX_NFO_BYTES {
        return Err(refused("renders to more than 256 KiB; shorten it."));
    }
    Ok(text
        .trim_end()
        .lines()
        .map(|line| line.replace(|c| c != '\t' && is_unprintable(c), ""))
        .flat_map(|line| fit_lines(line.trim_end()))
        .flat_map(|line| [line, "\r\n".to_owned()])
        .collect())
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MAX_FUEL));
    environment
}

fn parse<'env>(
    environment: &'env Environment<'_>,
    source: &'env str,
) -> Result<Template<'env, 'env>, WorkError> {
    if source.len() > MAX_TEMPLATE_BYTES {
        return Err(refused("is larger than 64 KiB; shorten it."));
    }
    if has_long_tag(source) {
        return Err(refused(
            "has an expression or a block of more than 512 bytes; shorten it.",
        ));
    }
    let template = environment
        .template_from_str(source)
        .map_err(|error| invalid(&error))?;
    check_placeholders(&template)?;
    Ok(template)
}

/// Returns whether an expression or a block is so long that the chain of its operators needs a deep
/// stack to compile. It reads the template once, as the compiler does.
fn has_long_tag(source: &str) -> bool {
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let tag = &rest[start + 1..];
        let Some(text) = tag.strip_prefix(['{', '%']) else {
            let end = match tag.strip_prefix('#') {
                Some(comment) => comment.find("#}").map(|end| end + 3),
                None => Some(0),
            };
            rest = &tag[end.unwrap_or(tag.len())..];
            continue;
        };
        if let Some(raw) = after_tag(tag, "raw") {
            let mut ends = raw.match_indices("{%");
            let after = ends.find_map(|(at, _)| after_tag(&raw[at + 1..], "endraw"));
            rest = after.unwrap_or_default();
            continue;
        }
        let length = tag_length(text);
        if length > MAX_TAG_BYTES {
            return true;
        }
        rest = &text[length..];
    }
    false
}

/// Returns the text after a tag that consists of a name, given the text after the tag's `{`; `None`
/// if it is another tag.
fn after_tag<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let is_sign = |c: char| c == '-' || c == '+';
    let text = tag.strip_prefix('%')?;
    let text = text.strip_prefix(is_sign).unwrap_or(text);
    let text = text.trim_ascii_start().strip_prefix(name)?;
    let text = text.trim_ascii_start();
    text.strip_prefix(is_sign)
        .unwrap_or(text)
        .strip_prefix("%}")
}

/// Returns the length of the tag that `text` starts with. As for the compiler, it ends neither in a
/// string nor within brackets.
fn tag_length(text: &str) -> usize {
    let (mut quote, mut depth) = (None, 0_usize);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'}' | b'%') if depth == 0 && text[at + 1..].starts_with('}') => return at,
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (_, _) => {}
        }
    }
    text.len()
}

/// Refuses unknown placeholders. Rendering would miss one in an unused branch.
fn check_placeholders(template: &Template<'_, '_>) -> Result<(), WorkError> {
    let used = template.undeclared_variables(false);
    let is_unknown = |name: &&String| !PLACEHOLDERS.contains(&name.as_str());
    match used.iter().filter(is_unknown).min() {
        Some(name) => Err(refused(&format!(
            "uses the unknown placeholder {name:?}; correct it."
        ))),
        None => Ok(()),
    }
}

/// Wraps a line that is too long, unless it is a drawing.
pub(super) fn fit_lines(line: &str) -> Vec<String> {
    match layout::fit_line(line) {
        Fit::Fits | Fit::Unbreakable(_) => vec![line.to_owned()],
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
    refused(&format!("is not valid: {}{detail}{line}.", error.kind()))
}

fn refused(reason: &str) -> WorkError {
    let message = format!("The NFO template {reason}");
    WorkError::failed(FailureCode::TemplateInvalid, message)
}

#[cfg(test)]
mod tests {
    use jobs::Time;
    use serde_json::json;

    use super::*;
    use crate::formats::Extent;
    use crate::isolation::in_process;
    use crate::package::PackageFile;
    use crate::progress::NoProgress;

    fn render(facts: &Facts, template: Option<&str>) -> Result<String, WorkError> {
        super::render(facts, template, &in_process, &NoProgress)
    }

    fn facts() -> Facts {
        let metadata = json!({"title": "A Book", "authors": ["Jane Doe"], "year": 2024});
        let files = [PackageFile::from_bytes("a.zip", b"123456789")];
        Facts::new(
            "Jane.Doe-A.Book-2024-GRP",
            "GRP",
            metadata.as_object().unwrap(),
            &files,
            Time::from_millis(0),
        )
    }

    #[test]
    fn invisible_characters_that_reorder_text_are_removed() {
        let metadata = json!({"title": "exe.\u{202E}fdp"});
        let facts = Facts::new(
            "",
            "",
            metadata.as_object().unwrap(),
            &[],
            Time::from_millis(0),
        );
        let template = "\u{2066}{{ title }}\u{200F}|{{ '\\u202e' }}\u{2028}x";
        let nfo = render(&facts, Some(template)).unwrap();
        assert!(
            !nfo.lines().flat_map(str::chars).any(is_unprintable),
            "{nfo:?}"
        );
        assert!(nfo.contains("fdp|"), "{nfo:?}");
    }

    #[test]
    fn default_nfo_shows_the_known_facts_in_80_columns() {
        let nfo = render(&facts(), None).unwrap();
        assert!(
            nfo.contains("Title ........: A Book\r\n") && nfo.contains("a.zip  9  CBF43926"),
            "{nfo}"
        );
        assert!(!nfo.contains("ISBN"));
        assert!(nfo.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn default_nfo_shows_how_much_there_is_of_a_book() {
        let extent = Extent {
            words: Some(81_234),
            chapters: vec!["I. Title: The Sea".to_owned(), "***".to_owned()],
            cover: Some((1_600, 2_400)),
            ..Extent::default()
        };
        let nfo = render(&facts().with_extent(&extent), None).unwrap();
        for shown in [
            "  Words ........: 81234\r\n",
            "  Cover ........: 1600 x 2400\r\n",
            "- Chapters -",
            "\r\n\r\n  I. Title: The Sea\r\n\r\n+- Files",
        ] {
            assert!(nfo.contains(shown), "{nfo}");
        }
        assert!(!nfo.contains("Pages") && !nfo.contains("***"), "{nfo}");
    }

    #[test]
    fn long_facts_are_wrapped() {
        let mut facts = facts();
        facts.title = "word ".repeat(40).trim_end().to_owned();
        facts.files[0].path = format!("{}.zip", "x".repeat(150));
        let nfo = render(&facts, None).unwrap();
        assert!(nfo.lines().all(|line| line.chars().count() <= 80), "{nfo}");
        assert_eq!(nfo.matches("word").count(), 40);
    }

    #[test]
    fn valid_template_is_rendered_and_invalid_one_refused() {
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
    fn chain_of_operators_is_refused_before_it_is_compiled() {
        for tag in ["-", "+1", "not ", ".a", "[0]", "()", "|x"] {
            let template = format!("{{{{ {} 1 }}}}", tag.repeat(7_000));
            let error = check(&template).unwrap_err();
            assert!(error.to_string().contains("512 bytes"), "{error}");
        }
        let chain = ".a".repeat(15_000);
        for hidden in [
            format!("{{{{ \"}}}}\" ~ title{chain} }}}}"),
            format!("{{{{ {{\"a\": {{}}}}{chain} }}}}"),
        ] {
            let error = check(&hidden).unwrap_err();
            assert!(error.to_string().contains("512 bytes"), "{error}");
        }
        for (open, close) in [
            ("{% raw %}", "{% endraw %}"),
            ("{%- raw -%}", "{%+endraw-%}"),
        ] {
            let hidden = format!("{open}{{{{ \"{close}{{{{ \"}}}}\" ~ title{chain} }}}}");
            let error = check(&hidden).unwrap_err();
            assert!(error.to_string().contains("512 bytes"), "{error}");
        }
        for fine in [
            "{{ title }}\n{% if year %}{{ year }}{% endif %}".to_owned(),
            format!("{{# {{{{ {chain} #}}{{ title }} %}} }}}} {{"),
            format!("{{% raw %}}{{{{ {chain}{{% endraw %}}"),
        ] {
            assert!(check(&fine).is_ok(), "{fine}");
        }
    }

    /// The stack must hold, even if the check of lengths misses a chain.
    #[test]
    fn stack_holds_a_long_chain() {
        let source = format!("{{{{ title{} }}}}", ".a".repeat(15_000));
        let compiled = on_deep_stack(|| {
            let compiled = environment().template_from_str(&source).map(drop);
            compiled.map_err(|error| invalid(&error))
        });
        assert!(compiled.is_ok());
    }

    #[test]
    fn blocks_nest_to_a_bounded_depth() {
        for (open, close) in [
            ("{% if 1 %}", "{% endif %}"),
            ("{% for a in files %}", "{% endfor %}"),
            ("{% if 1 %}{% else %}", "{% endif %}"),
            ("{% with a = 1 %}", "{% endwith %}"),
        ] {
            let nested = |depth| format!("{}{}", open.repeat(depth), close.repeat(depth));
            assert!(check(&nested(100)).is_ok(), "{open}");
            let error = check(&nested(1_500)).unwrap_err();
            assert!(error.to_string().contains("recursion"), "{error}");
        }
    }

    #[test]
    fn unknown_placeholder_is_named_even_in_an_unused_branch() {
        for template in ["{{ tilte }}", "{% if isbn %}{{ tilte }}{% endif %}"] {
            let error = render(&facts(), Some(template)).unwrap_err();
            assert!(error.to_string().contains("\"tilte\""), "{error}");
        }
    }

    #[test]
    fn template_can_use_every_fact() {
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
        for template in [doubled, loops, "x".repeat(MAX_TEMPLATE_BYTES + 1)] {
            let result = render(&facts(), Some(&template));
            assert!(matches!(result, Err(WorkError::Failed(_))));
        }
    }
}
