//! What an EPUB says of its accessibility (EPUB Accessibility 1.1, sections 3 and 4).

use super::model::DeclaredAccessibility;
use super::opf_metadata::Elements;

/// The largest number of values of a property that are kept.
const MAX_VALUES: usize = 50;

/// Reads the metadata of schema.org, the conformance and the certifier.
pub fn declared(elements: &Elements) -> DeclaredAccessibility {
    let all = |property: &str| {
        let mut values = elements.properties(property);
        values.truncate(MAX_VALUES);
        values
    };
    let first = |property: &str| elements.properties(property).into_iter().next();
    DeclaredAccessibility {
        conforms_to: all("dcterms:conformsTo"),
        certified_by: first("a11y:certifiedBy"),
        certifier_credential: first("a11y:certifierCredential"),
        certifier_report: first("a11y:certifierReport"),
        access_modes: all("schema:accessMode"),
        access_modes_sufficient: all("schema:accessModeSufficient"),
        features: all("schema:accessibilityFeature"),
        hazards: all("schema:accessibilityHazard"),
        summary: elements.property_text("schema:accessibilitySummary"),
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::opf::parse;

    #[test]
    fn metadata_of_both_versions_is_read() {
        let of_epub_3 = "<meta property='schema:accessMode'>textual</meta>\
            <meta property='schema:accessMode'> visual </meta>\
            <meta property='schema:accessModeSufficient'>textual,visual</meta>\
            <meta property='schema:accessibilityFeature'>tableOfContents</meta>\
            <meta property='schema:accessibilityHazard'>none</meta>\
            <meta property='schema:accessibilitySummary'>All is text.</meta>\
            <meta id='c' property='dcterms:conformsTo'>EPUB Accessibility 1.1 - WCAG 2.1 Level AA</meta>\
            <meta property='a11y:certifiedBy' refines='#c'>A Certifier</meta>\
            <link rel='a11y:certifierReport' href='https://example.com/report'/>";
        let of_epub_2 = of_epub_3
            .replace("property=", "name=")
            .replace("</meta>", "'/>")
            .replace("'>", "' content='");
        for elements in [of_epub_3, of_epub_2.as_str()] {
            let document = format!("<package><metadata>{elements}</metadata></package>");
            let declared = parse(&document).unwrap().accessibility;
            assert_eq!(declared.access_modes, ["textual", "visual"]);
            assert_eq!(declared.access_modes_sufficient, ["textual,visual"]);
            assert_eq!(declared.features, ["tableOfContents"]);
            assert_eq!(declared.hazards, ["none"]);
            assert_eq!(declared.summary.as_deref(), Some("All is text."));
            let standard = "EPUB Accessibility 1.1 - WCAG 2.1 Level AA";
            assert_eq!(declared.conforms_to, [standard]);
            assert_eq!(declared.certified_by.as_deref(), Some("A Certifier"));
            let report = Some("https://example.com/report");
            assert_eq!(declared.certifier_report.as_deref(), report);
            assert_eq!(declared.certifier_credential, None);
        }
    }

    #[test]
    fn link_in_epub_3_names_the_standard() {
        let standard = "http://www.idpf.org/epub/a11y/accessibility-20170105.html#wcag-aa";
        let link = format!("<link rel='dcterms:conformsTo' href='{standard}'/>");
        let document = format!("<package><metadata>{link}</metadata></package>");
        assert_eq!(
            parse(&document).unwrap().accessibility.conforms_to,
            [standard]
        );
    }
}
