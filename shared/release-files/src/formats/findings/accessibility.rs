//! Checks of what a book says of its accessibility (EPUB Accessibility 1.1).

use super::{FindingId as Id, FindingList, Spot};
use crate::formats::model::Accessibility;

/// Finds what is missing.
pub fn check(package: &str, accessibility: &Accessibility, findings: &mut FindingList) {
    let spot = Spot::file(package);
    let declared = &accessibility.declared;
    let properties = [
        (Id::A11y001, "accessMode", declared.access_modes.is_empty()),
        (
            Id::A11y002,
            "accessModeSufficient",
            declared.access_modes_sufficient.is_empty(),
        ),
        (
            Id::A11y003,
            "accessibilityFeature",
            declared.features.is_empty(),
        ),
        (
            Id::A11y004,
            "accessibilityHazard",
            declared.hazards.is_empty(),
        ),
        (
            Id::A11y005,
            "accessibilitySummary",
            declared.summary.is_none(),
        ),
    ];
    for (id, property, is_missing) in properties {
        if is_missing {
            let message = format!("The metadata has no schema:{property}.");
            findings.add(id, spot, message);
        }
    }
    if declared.conforms_to.is_empty() {
        findings.add(Id::A11y006, spot, "The metadata has no dcterms:conformsTo.");
    }
    let inferred = accessibility.inferred.unwrap_or_default();
    if let Some(count @ 1..) = inferred.images_without_text {
        let message = format!("{count} images in all have no alternative text.");
        findings.add(Id::A11y007, Spot::WHOLE, message);
    }
}
