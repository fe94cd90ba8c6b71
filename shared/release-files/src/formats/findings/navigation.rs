//! Checks of the tables of contents: the order of a navigation document, and the NCX.

use super::address::Address;
use super::book::Parts;
use super::document::Document;
use super::links::LinkKind;
use super::media_types::NCX;
use super::package::Version;
use super::{FindingId as Id, FindingList, Spot};

/// Checks the tables of contents.
pub fn check(parts: &Parts<'_>, findings: &mut FindingList) {
    for (path, document) in parts.documents() {
        let Some(item) = parts.package.item_at(path) else {
            continue;
        };
        if item.media_type == NCX {
            check_ncx(parts, path, document, findings);
        } else if parts.version == Version::Three && item.has("nav") {
            for kind in [LinkKind::Contents, LinkKind::Pages] {
                check_order(parts, path, document, kind, findings);
            }
        }
    }
}

fn check_ncx(parts: &Parts<'_>, path: &str, document: &Document, findings: &mut FindingList) {
    let spot = Spot::file(path);
    for line in &document.empty_labels {
        findings.add(
            Id::Ncx006,
            Spot::line(path, *line),
            "A label of the NCX is empty.",
        );
    }
    let Some(uid) = &document.uid else { return };
    if uid.trim() != uid {
        let message = "The identifier in the NCX has blanks around it.";
        findings.add(Id::Ncx004, spot, message);
    }
    if let Some(identifier) = &parts.package.identifier
        && identifier != uid.trim()
    {
        let uid = uid.trim();
        let message = format!("The NCX has the identifier {uid:?}, the book has {identifier:?}.");
        findings.add(Id::Ncx001, spot, message);
    }
}

/// Checks that a list of links is in the reading order.
fn check_order(
    parts: &Parts<'_>,
    path: &str,
    document: &Document,
    kind: LinkKind,
    findings: &mut FindingList,
) {
    // The position in the reading order, and the one in the document.
    let mut last = (0, 0);
    for link in document.links.iter().filter(|link| link.kind == kind) {
        let Address::File(target, fragment) = Address::parse(path, &link.address) else {
            continue;
        };
        // After a link that leads nowhere, the order is not known.
        let Some(position) = parts
            .package
            .item_at(&target)
            .and_then(|item| item.position)
        else {
            return;
        };
        let within = match (&fragment, parts.document(&target)) {
            (None, _) => 0,
            (Some(id), Some(document)) => {
                let order = document.ids.as_ref().and_then(|ids| ids.get(id));
                let Some(order) = order else { return };
                order + 1
            }
            (Some(_), None) => return,
        };
        let is_before = position < last.0 || (position == last.0 && within < last.1);
        if is_before {
            let (name, address) = (kind.list().unwrap_or_default(), &link.address);
            let message = format!("The {name} leads to {address:?} after a later place.");
            findings.add(Id::Nav011, Spot::line(path, link.line), message);
        }
        last = if position < last.0 {
            (position, 0)
        } else {
            (position, within)
        };
    }
}
