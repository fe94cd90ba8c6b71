//! The metadata of a PDF: each field is from its Info dictionary, or else from its XMP.

use text::{tidy_line, tidy_text};

use super::date;
use super::findings::Findings;
use crate::formats::model::{Identifier, Metadata};
use crate::metadata::{isbn, split_authors};

/// Returns the metadata in these findings.
pub fn metadata(findings: &Findings) -> Metadata {
    let xmp = &findings.xmp;
    let identifiers = identifiers(findings);
    let info_keys = ["Subject", "Keywords", "Title"];
    let info_isbn = info_keys
        .iter()
        .find_map(|key| isbn::find(&findings.info(key)?));
    Metadata {
        title: findings
            .info("Title")
            .or_else(|| xmp.first(&["title", "Title"])),
        authors: authors(findings),
        publisher: xmp.first(&["publisher"]),
        isbn: info_isbn.or_else(|| xmp_isbn(findings, &identifiers)),
        year: year(findings),
        language: findings.language.clone().or_else(|| {
            let mut languages = xmp.all("language");
            languages.find(|language| language != "x-default")
        }),
        description: findings
            .info("Subject")
            .or_else(|| tidy_text(xmp.raw("description").or_else(|| xmp.raw("Subject"))?)),
        subjects: subjects(findings),
        identifiers,
        ..Metadata::default()
    }
}

fn authors(findings: &Findings) -> Vec<String> {
    if let Some(authors) = findings.info("Author") {
        return split_authors(&authors);
    }
    let creators: Vec<String> = findings.xmp.all("creator").collect();
    match &creators[..] {
        // Many programs write all authors as one.
        [one] => split_authors(one),
        [] => split_authors(&findings.xmp.first(&["Author"]).unwrap_or_default()),
        _ => creators,
    }
}

fn year(findings: &Findings) -> Option<i32> {
    let xmp = &findings.xmp;
    let dates = ["publicationDate", "CreateDate", "CreationDate", "date"];
    let created = findings.info("CreationDate");
    created
        .and_then(|date| date::year(&date))
        .or_else(|| dates.iter().find_map(|name| date::year(xmp.raw(name)?)))
}

fn subjects(findings: &Findings) -> Vec<String> {
    let split = |keywords: String| -> Vec<String> {
        keywords.split([',', ';']).filter_map(tidy_line).collect()
    };
    let subjects: Vec<String> = findings.xmp.all("subject").collect();
    match findings.info("Keywords") {
        Some(keywords) => split(keywords),
        None if subjects.is_empty() => split(findings.xmp.first(&["Keywords"]).unwrap_or_default()),
        None => subjects,
    }
}

/// The identifiers in the XMP.
fn identifiers(findings: &Findings) -> Vec<Identifier> {
    let xmp = &findings.xmp;
    let named = |scheme: &'static str, property: &'static str| {
        xmp.all(property)
            .map(move |value| (scheme.to_owned(), value))
    };
    let isbns = ["isbn", "ISBN", "eIsbn", "eISBN"];
    let others = ["identifier", "Identifier"];
    isbns
        .into_iter()
        .flat_map(|property| named("isbn", property))
        .chain(named("doi", "doi"))
        .chain(
            others
                .into_iter()
                .flat_map(|property| xmp.all(property).map(|value| (scheme(&value), value))),
        )
        .map(|(scheme, value)| Identifier { scheme, value })
        .collect()
}

/// The scheme of an identifier that has no other name: `urn:isbn:...`, `doi:...`, or an ISBN.
fn scheme(identifier: &str) -> String {
    let lower = identifier.to_ascii_lowercase();
    let scheme = match lower.strip_prefix("urn:").unwrap_or(&lower).split_once(':') {
        _ if isbn::parse(identifier).is_some() => "isbn",
        Some((scheme @ ("isbn" | "uuid" | "doi"), _)) => scheme,
        _ => "",
    };
    scheme.to_owned()
}

fn xmp_isbn(findings: &Findings, identifiers: &[Identifier]) -> Option<String> {
    let xmp = &findings.xmp;
    let named = identifiers.iter().filter(|one| one.scheme == "isbn");
    let texts = ["description", "subject", "Keywords", "title"];
    named
        .filter_map(|one| isbn::find(&one.value))
        .chain(
            texts
                .iter()
                .flat_map(|name| xmp.all(name))
                .filter_map(|text| isbn::find(&text)),
        )
        .next()
}
