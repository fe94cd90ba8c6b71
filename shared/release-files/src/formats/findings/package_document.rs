//! Checks of the package document: its identifier, its metadata, its manifest and its reading
//! order.

use std::collections::HashSet;

use super::address::{has_sound_escapes, is_remote};
use super::dates::is_date;
use super::media_types::is_uuid;
use super::package::{Element, Item, Package, Version};
use super::{FindingId as Id, FindingList, Spot};

/// The properties of an item that the standard defines (EPUB 3.3, appendix D.5).
const ITEM_PROPERTIES: [&str; 12] = [
    "cover-image",
    "data-nav",
    "dictionary",
    "glossary",
    "index",
    "mathml",
    "nav",
    "remote-resources",
    "scripted",
    "search-key-map",
    "svg",
    "switch",
];
/// The properties of an entry of the reading order.
const SPINE_PROPERTIES: [&str; 2] = ["page-spread-left", "page-spread-right"];
/// The properties of a `meta` (appendix D.3).
const META_PROPERTIES: [&str; 16] = [
    "alternate-script",
    "authority",
    "belongs-to-collection",
    "collection-type",
    "display-seq",
    "dictionary-type",
    "file-as",
    "group-position",
    "identifier-type",
    "meta-auth",
    "role",
    "source-language",
    "source-of",
    "target-language",
    "term",
    "title-type",
];
/// The prefixes that need no declaration (appendix D.1.2).
const PREFIXES: [&str; 8] = [
    "a11y",
    "dcterms",
    "marc",
    "media",
    "onix",
    "rendition",
    "schema",
    "xsd",
];

/// Checks the package document itself, without the files that it names.
pub fn check(package: &Package, version: Version, findings: &mut FindingList) {
    check_identifier(package, findings);
    for element in &package.elements {
        check_element(package, element, version, findings);
    }
    check_items(package, version, findings);
    check_spine(package, version, findings);
}

/// Finds a version that there is none of.
pub fn check_version(package: &Package, findings: &mut FindingList) {
    let message = match &package.version {
        Some(version) => format!("The version {version:?} of the EPUB is neither 2.0 nor 3.0."),
        None => "The package document does not say which version of EPUB it has.".to_owned(),
    };
    findings.add(Id::Opf001, Spot::line(&package.path, package.line), message);
}

fn check_identifier(package: &Package, findings: &mut FindingList) {
    let spot = Spot::line(&package.path, package.line);
    let Some(id) = &package.unique_identifier else {
        let message = "The package document does not name its unique identifier.";
        findings.add(Id::Opf048, spot, message);
        findings.add(Id::Opf030, spot, "There is no unique identifier.");
        return;
    };
    if package.identifier.is_none() {
        let message = format!("The unique identifier {id:?} is not in the metadata.");
        findings.add(Id::Opf030, spot, message);
    }
}

fn check_element(
    package: &Package,
    element: &Element,
    version: Version,
    findings: &mut FindingList,
) {
    let spot = Spot::line(&package.path, element.line);
    let (name, value) = (element.name.as_str(), element.value.trim());
    match (name, version) {
        ("meta", Version::Three) => check_property(package, element, spot, findings),
        ("identifier", _) if package.names(element) => {
            check_uuid(element, value, spot, findings);
        }
        ("date", Version::Two) if !is_date(value) => {
            let message = format!("The date {value:?} is not one of the form YYYY-MM-DD.");
            findings.add(Id::Opf054, spot, message);
        }
        ("date", Version::Three) if !is_date(value) => {
            let message = format!("The date {value:?} is not one of the form YYYY-MM-DD.");
            findings.add(Id::Opf053, spot, message);
        }
        ("title" | "language", Version::Two) if value.is_empty() => {
            findings.add(
                Id::Opf055,
                spot,
                format!("The {name} of the book is empty."),
            );
        }
        ("date" | "meta" | "identifier", _) => {}
        (_, Version::Two) if value.is_empty() => {
            let message = format!("The metadata element dc:{name} is empty.");
            findings.add(Id::Opf072, spot, message);
        }
        _ => {}
    }
}

fn check_uuid(element: &Element, value: &str, spot: Spot<'_>, findings: &mut FindingList) {
    let uuid = value.strip_prefix("urn:uuid:");
    let is_marked = element
        .scheme
        .as_deref()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("uuid"));
    if (uuid.is_some() || is_marked) && !is_uuid(uuid.unwrap_or(value)) {
        let message = format!("The identifier {value:?} is marked as a UUID, but is none.");
        findings.add(Id::Opf085, spot, message);
    }
}

fn check_property(
    package: &Package,
    element: &Element,
    spot: Spot<'_>,
    findings: &mut FindingList,
) {
    let property = element.property.trim();
    if let Some((prefix, _)) = property.split_once(':') {
        let mut declared = package.prefixes.split_whitespace();
        let is_declared = declared.any(|word| word.strip_suffix(':') == Some(prefix));
        if !prefix.is_empty() && !PREFIXES.contains(&prefix) && !is_declared {
            let message = format!("The prefix {prefix:?} is not declared.");
            findings.add(Id::Opf028, spot, message);
        }
    } else if !property.contains(char::is_whitespace)
        && !property.is_empty()
        && !META_PROPERTIES.contains(&property)
    {
        let message = format!("The property {property:?} of the metadata is not defined.");
        findings.add(Id::Opf027, spot, message);
    }
}

/// Finds words without a prefix that the standard does not define.
fn check_words(words: &str, known: &[&str], spot: Spot<'_>, findings: &mut FindingList) {
    for word in words.split_whitespace() {
        if !word.contains(':') && !known.contains(&word) {
            let message = format!("The property {word:?} is not defined.");
            findings.add(Id::Opf027, spot, message);
        }
    }
}

fn check_items(package: &Package, version: Version, findings: &mut FindingList) {
    let mut paths = HashSet::new();
    for item in &package.items {
        let spot = Spot::line(&package.path, item.line);
        if !is_remote(&item.href) && !has_sound_escapes(&item.href) {
            let message = format!("The address {:?} of an item is not a sound one.", item.href);
            findings.add(Id::Opf010, spot, message);
        }
        if let Some(path) = &item.path
            && !paths.insert(path.as_str())
        {
            let message = format!("The manifest lists {path:?} several times.");
            findings.add(Id::Opf074, spot, message);
        }
        if is_in_circle(package, item) {
            let message = format!("The fallbacks of {:?} lead in a circle.", item.id);
            findings.add(Id::Opf045, spot, message);
        }
        match version {
            Version::Three => {
                check_words(&item.properties, &ITEM_PROPERTIES, spot, findings);
            }
            Version::Two => {
                let fallback = item.fallback.as_deref();
                if let Some(id) = fallback.filter(|id| package.item(id).is_none()) {
                    let message = format!("The manifest has no item {id:?} for a fallback.");
                    findings.add(Id::Opf040, spot, message);
                }
            }
        }
    }
}

/// Whether the fallbacks of an item lead back to itself.
fn is_in_circle(package: &Package, item: &Item) -> bool {
    let mut next = item.fallback.as_deref();
    for _ in 0..MAX_FALLBACKS {
        let Some(fallback) = next.and_then(|id| package.item(id)) else {
            return false;
        };
        if fallback.id == item.id {
            return true;
        }
        next = fallback.fallback.as_deref();
    }
    false
}

/// The longest chain of fallbacks that is followed.
pub const MAX_FALLBACKS: usize = 16;

fn check_spine(package: &Package, version: Version, findings: &mut FindingList) {
    let path = &package.path;
    let mut seen = HashSet::new();
    for entry in &package.spine {
        let (id, spot) = (&entry.idref, Spot::line(path, entry.line));
        if package.item(id).is_none() {
            let message = format!("The manifest has no item {id:?}.");
            findings.add(Id::Opf049, spot, message);
        }
        if version == Version::Three {
            check_words(&entry.properties, &SPINE_PROPERTIES, spot, findings);
        } else if !seen.insert(id) {
            let message = format!("The reading order has the item {id:?} several times.");
            findings.add(Id::Opf034, spot, message);
        }
    }
    if !package.spine.is_empty() && package.spine.iter().all(|entry| !entry.is_linear) {
        let message = "The reading order has only documents that are apart from it.";
        findings.add(Id::Opf033, Spot::file(path), message);
    }
    check_toc(package, version, findings);
}

fn check_toc(package: &Package, version: Version, findings: &mut FindingList) {
    let Some((toc, line)) = &package.toc else {
        return;
    };
    let spot = Spot::line(&package.path, *line);
    let Some(id) = toc else {
        if version == Version::Two {
            findings.add(Id::Ncx002, spot, "The spine does not name the NCX.");
        }
        return;
    };
    match package.item(id) {
        None => {
            let message = format!("The manifest has no item {id:?}, which the spine names.");
            findings.add(Id::Opf049, spot, message);
        }
        Some(item) if item.media_type != "application/x-dtbncx+xml" => {
            let message = format!("The spine names the item {id:?}, which is not an NCX.");
            findings.add(Id::Opf050, spot, message);
        }
        Some(_) => {}
    }
}
