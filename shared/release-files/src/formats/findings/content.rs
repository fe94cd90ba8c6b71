//! Checks of each document: its markup, its document type, and what the manifest says of it.

use super::address::is_remote;
use super::document::{Document, Use};
use super::links::Link;
use super::media_types::{NCX, SVG, XHTML};
use super::package::{Item, Package, Version};
use super::{FindingId as Id, FindingList, Spot};

/// The document type of EPUB 2.
const XHTML_1_1: &str = "-//W3C//DTD XHTML 1.1//EN";

/// Checks a document.
pub fn check(
    package: &Package,
    item: &Item,
    path: &str,
    document: &Document,
    version: Version,
    findings: &mut FindingList,
) {
    if let Some((line, what)) = &document.fault {
        let message = format!("{path:?} is not well-formed: {what}.");
        findings.add(Id::Rsc016, Spot::line(path, *line), message);
    }
    if item.media_type == NCX {
        return;
    }
    check_doctype(item, path, document, version, findings);
    if document.fault.is_some() {
        return;
    }
    for line in &document.empty_links {
        findings.add(
            Id::Htm045,
            Spot::line(path, *line),
            "The address of a link is empty.",
        );
    }
    if document.uses.contains(&Use::TwoLanguages) {
        let message = "The attributes lang and xml:lang of an element differ.";
        findings.add(Id::Htm017, Spot::file(path), message);
    }
    match version {
        Version::Three => {
            check_properties(item, path, document, findings);
            check_viewport(package, item, path, document, findings);
        }
        Version::Two => {
            if let Some((line, true)) = document.script {
                let message = "An EPUB 2 has a script, which reading systems ignore.";
                findings.add(Id::Scp004, Spot::line(path, line), message);
            }
        }
    }
}

fn check_doctype(
    item: &Item,
    path: &str,
    document: &Document,
    version: Version,
    findings: &mut FindingList,
) {
    let Some(doctype) = document.doctype.as_deref() else {
        return;
    };
    if item.media_type != XHTML || !doctype.to_ascii_lowercase().starts_with("html") {
        return;
    }
    let is_usual = match version {
        Version::Three => !doctype.contains("PUBLIC"),
        Version::Two => doctype.contains(XHTML_1_1),
    };
    if !is_usual {
        let message = "The document type is not the one of this version of EPUB.";
        findings.add(Id::Htm004, Spot::file(path), message);
    }
    if version == Version::Three && doctype.contains("<!ENTITY") && doctype.contains("SYSTEM") {
        let message = "The document type declares an entity in another file.";
        findings.add(Id::Htm003, Spot::file(path), message);
    }
}

/// Compares what a document uses with the properties of its item.
fn check_properties(item: &Item, path: &str, document: &Document, findings: &mut FindingList) {
    let is_html = item.media_type == XHTML;
    let has = |what| document.uses.contains(&what);
    let uses = [
        ("svg", has(Use::Svg) && is_html),
        ("mathml", has(Use::Math) && is_html),
        ("switch", has(Use::Switch)),
        ("scripted", document.script.is_some()),
        ("remote-resources", has(Use::Remote)),
    ];
    let spot = Spot::file(path);
    let is_unsure = |property| match property {
        "remote-resources" => true,
        "scripted" => has(Use::DataScript),
        _ => false,
    };
    for (property, is_used) in uses {
        if is_used && !item.has(property) {
            let message = format!("The item does not declare the property {property:?}.");
            findings.add(Id::Opf014, spot, message);
        } else if !is_used && item.has(property) && !is_unsure(property) {
            let message = format!("The item declares the property {property:?} without need.");
            findings.add(Id::Opf015, spot, message);
        }
    }
    let is_remote = |link: &Link| !link.kind.leads_away() && is_remote(link.address.trim());
    let may_use = has(Use::Remote)
        || has(Use::Styles)
        || document.script.is_some()
        || document.links.iter().any(is_remote);
    if item.has("remote-resources") && !may_use && is_html {
        let message = "The item declares remote-resources, but the document uses none.";
        findings.add(Id::Opf018, spot, message);
    }
}

fn check_viewport(
    package: &Package,
    item: &Item,
    path: &str,
    document: &Document,
    findings: &mut FindingList,
) {
    let is_fixed = item.is_fixed && item.position.is_some() && item.media_type != SVG;
    if !is_fixed || package.items.is_empty() {
        return;
    }
    let Some(viewport) = &document.viewport else {
        let message = "A document of a fixed layout has no viewport.";
        findings.add(Id::Htm046, Spot::file(path), message);
        return;
    };
    let has = |name: &str| {
        let mut pairs = viewport.split([',', ';']);
        pairs.any(|pair| pair.split('=').next().map(str::trim) == Some(name))
    };
    if !has("width") || !has("height") {
        let message = "The viewport does not have both a width and a height.";
        findings.add(Id::Htm047, Spot::file(path), message);
    }
}
