//! Renders the metadata of a book as a package document of EPUB 3, as library software reads it
//! beside a book. It has no manifest, since it describes no EPUB.

use std::io;

use super::Record;
use super::xml_writer::XmlWriter;
use crate::formats::DeclaredAccessibility;

const NAMESPACE: &str = "http://www.idpf.org/2007/opf";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";

/// Renders the record.
///
/// # Errors
/// None but those of the XML library.
pub fn render(record: &Record) -> io::Result<String> {
    let attributes = [
        ("xmlns", NAMESPACE),
        ("version", "3.0"),
        ("unique-identifier", "id"),
    ];
    XmlWriter::document("package", &attributes, |xml| {
        xml.parent("metadata", &[("xmlns:dc", DUBLIN_CORE)], |xml| {
            write_identifiers(xml, record)?;
            xml.known("dc:title", &record.title)?;
            xml.known("dc:language", &record.language)?;
            write_people(xml, record)?;
            xml.known("dc:publisher", &record.publisher)?;
            xml.known("dc:date", &record.year)?;
            xml.known("dc:description", &record.description)?;
            for subject in &record.subjects {
                xml.text("dc:subject", subject)?;
            }
            write_series(xml, record)?;
            write_accessibility(xml, &record.accessibility)?;
            write_meta(xml, "dcterms:modified", &modified(record))
        })
    })
}

/// The first identifier names the book: its ISBN, or else another, or else the name of the release.
fn write_identifiers(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    let isbn = record.isbn.as_ref().map(|isbn| format!("urn:isbn:{isbn}"));
    let others = record.identifiers.iter();
    let others = others.filter(|id| record.isbn.is_none() || id.scheme != "isbn");
    let mut values: Vec<String> = isbn.into_iter().collect();
    values.extend(others.map(|id| id.value.clone()));
    if values.is_empty() {
        values.push(record.release_name.clone());
    }
    for (at, value) in values.iter().enumerate() {
        let id: &[(&str, &str)] = if at == 0 { &[("id", "id")] } else { &[] };
        xml.text_with("dc:identifier", id, value)?;
    }
    Ok(())
}

fn write_people(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    for (at, name) in record.authors.iter().enumerate() {
        write_person(
            xml,
            "dc:creator",
            &format!("author-{}", at + 1),
            name,
            "aut",
        )?;
    }
    for (at, person) in record.contributors.iter().enumerate() {
        let id = format!("contributor-{}", at + 1);
        write_person(xml, "dc:contributor", &id, &person.name, &person.role)?;
    }
    Ok(())
}

fn write_person(
    xml: &mut XmlWriter,
    element: &str,
    id: &str,
    name: &str,
    role: &str,
) -> io::Result<()> {
    xml.text_with(element, &[("id", id)], name)?;
    if role.is_empty() {
        return Ok(());
    }
    let refines = format!("#{id}");
    let mut attributes = vec![("refines", refines.as_str()), ("property", "role")];
    if role.len() == 3 && role.bytes().all(|byte| byte.is_ascii_lowercase()) {
        attributes.push(("scheme", "marc:relators"));
    }
    xml.text_with("meta", &attributes, role)
}

fn write_series(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    if record.series.is_empty() {
        return Ok(());
    }
    let series = [("id", "series"), ("property", "belongs-to-collection")];
    xml.text_with("meta", &series, &record.series)?;
    let of_series = |property| [("refines", "#series"), ("property", property)];
    xml.text_with("meta", &of_series("collection-type"), "series")?;
    if record.series_index.is_empty() {
        return Ok(());
    }
    let position = of_series("group-position");
    xml.text_with("meta", &position, &record.series_index)
}

fn write_accessibility(xml: &mut XmlWriter, declared: &DeclaredAccessibility) -> io::Result<()> {
    let lists = [
        ("schema:accessMode", &declared.access_modes),
        (
            "schema:accessModeSufficient",
            &declared.access_modes_sufficient,
        ),
        ("schema:accessibilityFeature", &declared.features),
        ("schema:accessibilityHazard", &declared.hazards),
        ("dcterms:conformsTo", &declared.conforms_to),
    ];
    for (property, values) in lists {
        for value in values {
            write_meta(xml, property, value)?;
        }
    }
    let texts = [
        ("schema:accessibilitySummary", &declared.summary),
        ("a11y:certifiedBy", &declared.certified_by),
        ("a11y:certifierCredential", &declared.certifier_credential),
        ("a11y:certifierReport", &declared.certifier_report),
    ];
    for (property, value) in texts {
        if let Some(value) = value {
            write_meta(xml, property, value)?;
        }
    }
    Ok(())
}

fn write_meta(xml: &mut XmlWriter, property: &str, value: &str) -> io::Result<()> {
    xml.text_with("meta", &[("property", property)], value)
}

/// The time in whole seconds (EPUB 3.3, section 5.5.6).
fn modified(record: &Record) -> String {
    let time = record.created_at.to_string();
    format!("{}Z", time.get(..19).unwrap_or(&time))
}
