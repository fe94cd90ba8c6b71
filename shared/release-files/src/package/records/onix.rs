//! Renders the metadata of a book as a message of ONIX for Books 3.1, with reference names, about
//! one product ("ONIX for Books: Product Information Format Specification", release 3.1).

use std::io;

use super::Record;
use super::onix_codes as codes;
use super::xml_writer::XmlWriter;
use crate::formats::html_text;

const NAMESPACE: &str = "http://ns.editeur.org/onix/3.1/reference";

/// Renders the record.
///
/// # Errors
/// None but those of the XML library.
pub fn render(record: &Record) -> io::Result<String> {
    let attributes = [("release", "3.1"), ("xmlns", NAMESPACE)];
    XmlWriter::document("ONIXMessage", &attributes, |xml| {
        xml.parent("Header", &[], |xml| {
            xml.parent("Sender", &[], |xml| xml.text("SenderName", &record.group))?;
            xml.text("SentDateTime", &sent_at(record))
        })?;
        xml.parent("Product", &[], |xml| {
            xml.text("RecordReference", &record.release_name)?;
            // List 1: confirmed on publication.
            xml.text("NotificationType", "03")?;
            write_identifiers(xml, record)?;
            xml.parent("DescriptiveDetail", &[], |xml| {
                write_description(xml, record)
            })?;
            write_texts(xml, record)?;
            write_publishing(xml, record)
        })
    })
}

/// The time as `20261129T111700Z`.
fn sent_at(record: &Record) -> String {
    let time = record.created_at.to_string();
    let seconds = time.get(..19).unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

/// The name of the release, the ISBN and the DOIs, with their types in list 5.
fn write_identifiers(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    let mut identifier = |id_type: &str, id_type_name: &str, value: &str| {
        xml.parent("ProductIdentifier", &[], |xml| {
            xml.text("ProductIDType", id_type)?;
            xml.known("IDTypeName", id_type_name)?;
            xml.text("IDValue", value)
        })
    };
    identifier("01", "Release name", &record.release_name)?;
    if let Some(isbn) = &record.isbn {
        identifier("15", "", isbn)?;
    }
    let dois = record.identifiers.iter().filter_map(|id| doi(&id.value));
    dois.take(1).try_for_each(|doi| identifier("06", "", doi))
}

/// The DOI in an identifier, without its prefix.
fn doi(identifier: &str) -> Option<&str> {
    let start = identifier.find("10.")?;
    let before = identifier[..start].to_ascii_lowercase();
    let prefixes = [
        "",
        "doi:",
        "urn:doi:",
        "https://doi.org/",
        "http://dx.doi.org/",
    ];
    let doi = &identifier[start..];
    (prefixes.contains(&before.as_str()) && doi.contains('/')).then_some(doi)
}

fn write_description(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    // Lists 2 and 150: one component, a digital download.
    xml.text("ProductComposition", "00")?;
    xml.text("ProductForm", "ED")?;
    if let Some(format) = codes::format(&record.format) {
        xml.text("ProductFormDetail", format)?;
    }
    for (kind, code, description) in codes::accessibility(&record.accessibility) {
        xml.parent("ProductFormFeature", &[], |xml| {
            xml.text("ProductFormFeatureType", kind)?;
            xml.text("ProductFormFeatureValue", code)?;
            xml.known(
                "ProductFormFeatureDescription",
                description.unwrap_or_default(),
            )
        })?;
    }
    write_series(xml, record)?;
    let title = if record.title.is_empty() {
        &record.release_name
    } else {
        &record.title
    };
    write_title(xml, "01", "", title)?;
    write_people(xml, record)?;
    if let Some(language) = codes::language(&record.language) {
        xml.parent("Language", &[], |xml| {
            // List 22: the language of the text.
            xml.text("LanguageRole", "01")?;
            xml.text("LanguageCode", language)
        })?;
    }
    if record.subjects.is_empty() {
        return Ok(());
    }
    xml.parent("Subject", &[], |xml| {
        // List 27: keywords, which semicolons separate.
        xml.text("SubjectSchemeIdentifier", "20")?;
        xml.text("SubjectHeadingText", &record.subjects.join("; "))
    })
}

fn write_series(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    if record.series.is_empty() {
        return Ok(());
    }
    xml.parent("Collection", &[], |xml| {
        // List 148: a collection of the publisher.
        xml.text("CollectionType", "10")?;
        write_title(xml, "02", &record.series_index, &record.series)
    })
}

/// Writes a title with its level in list 149: the product (01) or its collection (02).
fn write_title(xml: &mut XmlWriter, level: &str, part: &str, title: &str) -> io::Result<()> {
    xml.parent("TitleDetail", &[], |xml| {
        xml.text("TitleType", "01")?;
        xml.parent("TitleElement", &[], |xml| {
            xml.text("TitleElementLevel", level)?;
            xml.known("PartNumber", part)?;
            xml.text("TitleText", title)
        })
    })
}

fn write_people(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    let authors = record.authors.iter().map(|name| (name, "aut"));
    let others = record.contributors.iter();
    let others = others.map(|person| (&person.name, person.role.as_str()));
    for (number, (name, role)) in (1_u32..).zip(authors.chain(others)) {
        xml.parent("Contributor", &[], |xml| {
            xml.text("SequenceNumber", &number.to_string())?;
            xml.text("ContributorRole", codes::role(role))?;
            xml.text("PersonName", name)
        })?;
    }
    Ok(())
}

fn write_texts(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    let description = html_text(&record.description);
    if description.is_empty() {
        return Ok(());
    }
    xml.parent("CollateralDetail", &[], |xml| {
        xml.parent("TextContent", &[], |xml| {
            // Lists 153 and 154: a description without restrictions.
            xml.text("TextType", "03")?;
            xml.text("ContentAudience", "00")?;
            xml.text("Text", &description)
        })
    })
}

fn write_publishing(xml: &mut XmlWriter, record: &Record) -> io::Result<()> {
    let year = Some(&record.year).filter(|year| is_year(year));
    if record.publisher.is_empty() && year.is_none() {
        return Ok(());
    }
    xml.parent("PublishingDetail", &[], |xml| {
        if !record.publisher.is_empty() {
            xml.parent("Publisher", &[], |xml| {
                xml.text("PublishingRole", "01")?;
                xml.text("PublisherName", &record.publisher)
            })?;
        }
        let Some(year) = year else {
            return Ok(());
        };
        xml.parent("PublishingDate", &[], |xml| {
            // Lists 163 and 55: the date of publication, a year.
            xml.text("PublishingDateRole", "01")?;
            xml.text_with("Date", &[("dateformat", "05")], year)
        })
    })
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}
