//! epubcheck's ids of the documents, their links and the tables of contents.

use super::{FindingId as Id, Rule, Severity, rule};

pub const RULES: [Rule; 25] = [
    rule(
        (Id::Rsc006, "RSC-006", Severity::Error),
        "An image or a style sheet is on the web.",
        "Add the resource to the book.",
        "EPUB 3.3, section 3.6",
    ),
    rule(
        (Id::Rsc007, "RSC-007", Severity::Error),
        "A link leads to a file that is not in the book.",
        "Correct the address, or add the file to the book and its manifest.",
        "EPUB 3.3, section 3.2",
    ),
    rule(
        (Id::Rsc008, "RSC-008", Severity::Error),
        "A link leads to a file that the manifest does not list.",
        "Add the file to the manifest.",
        "EPUB 3.3, section 5.6.1",
    ),
    rule(
        (Id::Rsc009, "RSC-009", Severity::Warning),
        "The address of an image has a fragment.",
        "Remove the fragment.",
        "epubcheck",
    ),
    rule(
        (Id::Rsc010, "RSC-010", Severity::Error),
        "A link leads to a file that is not a document.",
        "Let the link lead to an XHTML document.",
        "EPUB 3.3, section 3.2",
    ),
    rule(
        (Id::Rsc011, "RSC-011", Severity::Error),
        "A link leads to a document that is not in the reading order.",
        "Add the document to the spine, with linear=\"no\" if it is apart.",
        "EPUB 3.3, section 5.7.2",
    ),
    rule(
        (Id::Rsc012, "RSC-012", Severity::Error),
        "A link leads to a place that its document does not have.",
        "Correct the fragment, or add the id to the document.",
        "EPUB 3.3, section 3.2",
    ),
    rule(
        (Id::Rsc016, "RSC-016", Severity::Fatal),
        "A document is not well-formed XML.",
        "Repair the markup; an XML editor shows the place.",
        "XML 1.0, section 2.1",
    ),
    rule(
        (Id::Rsc020, "RSC-020", Severity::Error),
        "The address of a link is not a valid URI.",
        "Escape blanks as %20, and other such characters likewise.",
        "RFC 3986",
    ),
    rule(
        (Id::Opf014, "OPF-014", Severity::Error),
        "The manifest does not declare what a document uses.",
        "Add the property to the item in the manifest.",
        "EPUB 3.3, appendix D.5",
    ),
    rule(
        (Id::Opf015, "OPF-015", Severity::Error),
        "The manifest declares what a document does not use.",
        "Remove the property from the item.",
        "EPUB 3.3, appendix D.5",
    ),
    rule(
        (Id::Opf018, "OPF-018", Severity::Warning),
        "The manifest declares remote resources that a document does not use.",
        "Remove the property remote-resources from the item.",
        "EPUB 3.3, appendix D.5",
    ),
    rule(
        (Id::Htm003, "HTM-003", Severity::Error),
        "The document type declares an entity in another file.",
        "Write <!DOCTYPE html>.",
        "EPUB 3.3, section 3.9",
    ),
    rule(
        (Id::Htm004, "HTM-004", Severity::Error),
        "The document type is not the one of the version of EPUB.",
        "Write <!DOCTYPE html> in an EPUB 3, and that of XHTML 1.1 in an EPUB 2.",
        "epubcheck",
    ),
    rule(
        (Id::Htm017, "HTM-017", Severity::Error),
        "The attributes lang and xml:lang of an element differ.",
        "Give both the same language.",
        "HTML, section 3.2.6.2",
    ),
    rule(
        (Id::Htm045, "HTM-045", Severity::Info),
        "The address of a link is empty, so that it leads to its own document.",
        "Write the address, or remove the link.",
        "epubcheck",
    ),
    rule(
        (Id::Htm046, "HTM-046", Severity::Error),
        "A document of a fixed layout has no viewport.",
        "Add a meta element with the width and height of the page.",
        "EPUB 3.3, section 8.2.2.6",
    ),
    rule(
        (Id::Htm047, "HTM-047", Severity::Error),
        "The viewport of a fixed layout lacks a width or a height.",
        "Write both, as in width=600, height=800.",
        "EPUB 3.3, section 8.2.2.6",
    ),
    rule(
        (Id::Scp004, "SCP-004", Severity::Error),
        "A document of an EPUB 2 has a script.",
        "Remove the script, or make the book an EPUB 3.",
        "OPS 2.0.1, section 2.5",
    ),
    rule(
        (Id::Nav010, "NAV-010", Severity::Error),
        "A list of the navigation document leads to the web.",
        "Let each entry lead to a document of the book.",
        "EPUB 3.3, section 7.3",
    ),
    rule(
        (Id::Nav011, "NAV-011", Severity::Warning),
        "A list of the navigation document is not in the reading order.",
        "Sort the entries as the spine has the documents.",
        "EPUB 3.3, section 7.4.2",
    ),
    rule(
        (Id::Ncx001, "NCX-001", Severity::Error),
        "The identifier in the NCX is not the one of the book.",
        "Copy the value of dc:identifier to dtb:uid.",
        "OPF 2.0.1, section 2.4.1",
    ),
    rule(
        (Id::Ncx002, "NCX-002", Severity::Error),
        "The spine of an EPUB 2 does not name the NCX.",
        "Add toc with the id of the NCX to the spine.",
        "OPF 2.0.1, section 2.4.1",
    ),
    rule(
        (Id::Ncx004, "NCX-004", Severity::Info),
        "The identifier in the NCX has blanks around it.",
        "Remove the blanks.",
        "epubcheck",
    ),
    rule(
        (Id::Ncx006, "NCX-006", Severity::Info),
        "A label of the NCX is empty.",
        "Write a text for the entry.",
        "epubcheck",
    ),
];
