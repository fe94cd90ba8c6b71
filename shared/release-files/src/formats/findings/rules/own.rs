//! The ids for what epubcheck has no id for.

use super::{FindingId as Id, Rule, Severity, rule};

pub const RULES: [Rule; 22] = [
    rule(
        (Id::Epub001, "EPUB-001", Severity::Warning),
        "The book is protected by DRM, so that its content was not checked.",
        "Upload the book without its protection; a store adds its own.",
        "OCF 4.2.6.3.2",
    ),
    rule(
        (Id::Epub002, "EPUB-002", Severity::Warning),
        "A part of the text could not be read.",
        "Repair the documents that are named in other findings, or split those over 4 MiB.",
        "this analysis",
    ),
    rule(
        (Id::Epub003, "EPUB-003", Severity::Warning),
        "The book has no table of contents.",
        "Add a navigation document, or an NCX to an EPUB 2.",
        "EPUB 3.3, section 7",
    ),
    rule(
        (Id::Epub004, "EPUB-004", Severity::Warning),
        "The mimetype entry could not be read.",
        "Pack the book again.",
        "OCF 4.3",
    ),
    rule(
        (Id::Epub005, "EPUB-005", Severity::Warning),
        "The list of encrypted files could not be read.",
        "Repair META-INF/encryption.xml, or remove it if nothing is encrypted.",
        "OCF 4.2.6.3.2",
    ),
    rule(
        (Id::Epub006, "EPUB-006", Severity::Warning),
        "The reading order is empty.",
        "List the chapters in the spine of the package document.",
        "EPUB 3.3, section 5.7",
    ),
    rule(
        (Id::Epub007, "EPUB-007", Severity::Warning),
        "The text is in another language than the metadata say.",
        "Correct dc:language, since stores sort and devices read aloud by it.",
        "EPUB 3.3, section 5.5.3",
    ),
    rule(
        (Id::Zip001, "ZIP-001", Severity::Warning),
        "The name of an entry is not a plain relative path, so it was changed.",
        "Pack the archive again with a tool that writes plain names with forward slashes.",
        "this analysis",
    ),
    rule(
        (Id::Zip002, "ZIP-002", Severity::Warning),
        "Several entries have the same name, so that only the last of them is used.",
        "Remove the entries that are no longer needed, and pack the archive again.",
        "this analysis",
    ),
    rule(
        (Id::Cbz001, "CBZ-001", Severity::Warning),
        "The metadata file of a comic could not be read.",
        "Repair the XML file, or write it again with a comic tagger.",
        "ComicInfo, MetronInfo",
    ),
    rule(
        (Id::Img001, "IMG-001", Severity::Warning),
        "No thumbnail could be drawn of the cover.",
        "Save the cover again as a JPEG or PNG of at most 20 MiB and 40 megapixels.",
        "this analysis",
    ),
    rule(
        (Id::Pdf001, "PDF-001", Severity::Warning),
        "The PDF is damaged.",
        "Export the PDF again, or repair it with a PDF tool.",
        "ISO 32000, section 7.5",
    ),
    rule(
        (Id::Pdf002, "PDF-002", Severity::Warning),
        "The PDF is too large to read completely.",
        "Nothing needs to be done; the number of pages and the outline may be missing.",
        "this analysis",
    ),
    rule(
        (Id::File001, "FILE-001", Severity::Warning),
        "The format of the file is not known.",
        "Check that the upload is the file that you meant.",
        "this analysis",
    ),
    rule(
        (Id::File002, "FILE-002", Severity::Warning),
        "The format of the file is unlike its name.",
        "Give the file the extension of its format.",
        "this analysis",
    ),
    rule(
        (Id::A11y001, "A11Y-001", Severity::Warning),
        "The metadata does not say by which senses the book can be read.",
        "Add schema:accessMode to the metadata, such as textual and visual.",
        "EPUB Accessibility 1.1, section 2.2",
    ),
    rule(
        (Id::A11y002, "A11Y-002", Severity::Warning),
        "The metadata does not say which senses are enough to read the book.",
        "Add schema:accessModeSufficient to the metadata, such as textual.",
        "EPUB Accessibility 1.1, section 2.2",
    ),
    rule(
        (Id::A11y003, "A11Y-003", Severity::Warning),
        "The metadata names no accessibility features.",
        "Add schema:accessibilityFeature to the metadata for each feature, or the value none.",
        "EPUB Accessibility 1.1, section 2.2",
    ),
    rule(
        (Id::A11y004, "A11Y-004", Severity::Warning),
        "The metadata does not say whether the book has hazards such as flashing.",
        "Add schema:accessibilityHazard to the metadata; the value none says that there are none.",
        "EPUB Accessibility 1.1, section 2.2",
    ),
    rule(
        (Id::A11y005, "A11Y-005", Severity::Info),
        "The metadata has no summary of the accessibility.",
        "Add schema:accessibilitySummary, some sentences for readers.",
        "EPUB Accessibility 1.1, section 2.2",
    ),
    rule(
        (Id::A11y006, "A11Y-006", Severity::Info),
        "The metadata names no accessibility standard to which the book conforms.",
        "Have the book evaluated, and add dcterms:conformsTo with the standard and level that it meets.",
        "EPUB Accessibility 1.1, section 4",
    ),
    rule(
        (Id::A11y007, "A11Y-007", Severity::Warning),
        "Images have no alternative text.",
        "Describe each image in its alt attribute; an empty one marks an image as decoration.",
        "EPUB Accessibility 1.1, section 3; WCAG 1.1.1",
    ),
];
