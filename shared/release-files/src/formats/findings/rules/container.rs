//! epubcheck's ids of the container: the archive and `META-INF`.

use super::{FindingId as Id, Rule, Severity, rule};

pub const RULES: [Rule; 18] = [
    rule(
        (Id::Pkg005, "PKG-005", Severity::Error),
        "The mimetype entry has an extra field.",
        "Pack the book again with a tool that writes mimetype without extra fields.",
        "OCF 3.3, section 4.3",
    ),
    rule(
        (Id::Pkg006, "PKG-006", Severity::Error),
        "The first entry of the archive is not mimetype.",
        "Pack the book again so that mimetype is the first entry.",
        "OCF 3.3, section 4.3",
    ),
    rule(
        (Id::Pkg007, "PKG-007", Severity::Error),
        "The mimetype entry is compressed, or is not exactly `application/epub+zip`.",
        "Store mimetype without compression, with no blank or line break in it.",
        "OCF 3.3, section 4.3",
    ),
    rule(
        (Id::Pkg009, "PKG-009", Severity::Error),
        "A file name has characters that are not allowed.",
        "Rename the file, and the addresses that lead to it.",
        "OCF 3.3, section 4.2.3",
    ),
    rule(
        (Id::Pkg010, "PKG-010", Severity::Warning),
        "A file name has a blank.",
        "Rename the file with a hyphen for the blank.",
        "epubcheck",
    ),
    rule(
        (Id::Pkg011, "PKG-011", Severity::Error),
        "A file name ends with a point.",
        "Rename the file without the point.",
        "OCF 3.3, section 4.2.3",
    ),
    rule(
        (Id::Pkg012, "PKG-012", Severity::Info),
        "A file name has characters beyond ASCII.",
        "Rename the file if it must be read by old systems.",
        "epubcheck",
    ),
    rule(
        (Id::Pkg013, "PKG-013", Severity::Error),
        "The container of an EPUB 2 names several package documents.",
        "Name one package document in META-INF/container.xml.",
        "OCF 2.0.1, section 3.5.1",
    ),
    rule(
        (Id::Pkg014, "PKG-014", Severity::Warning),
        "The archive has an empty folder.",
        "Remove the folder, and pack the book again.",
        "epubcheck",
    ),
    rule(
        (Id::Pkg016, "PKG-016", Severity::Warning),
        "The extension of the file is not in lower case.",
        "Rename the file to end with .epub.",
        "epubcheck",
    ),
    rule(
        (Id::Opf016, "OPF-016", Severity::Error),
        "A rootfile of the container has no full-path.",
        "Add the path of the package document.",
        "OCF 3.3, section 4.2.6.3.1",
    ),
    rule(
        (Id::Opf017, "OPF-017", Severity::Error),
        "The full-path of a rootfile is empty.",
        "Write the path of the package document.",
        "OCF 3.3, section 4.2.6.3.1",
    ),
    rule(
        (Id::Opf060, "OPF-060", Severity::Error),
        "Two entries of the archive have the same name, or differ in case only.",
        "Rename or remove one of the files.",
        "OCF 3.3, section 4.2.3",
    ),
    rule(
        (Id::Opf061, "OPF-061", Severity::Warning),
        "The names of two files differ only in the way that accents are composed.",
        "Rename one of the files.",
        "OCF 3.3, section 4.2.3",
    ),
    rule(
        (Id::Rsc001, "RSC-001", Severity::Error),
        "A file of the manifest is not in the book.",
        "Add the file, or remove the item from the manifest.",
        "EPUB 3.3, section 5.6",
    ),
    rule(
        (Id::Rsc003, "RSC-003", Severity::Error),
        "The container names no document as a package document.",
        "Write the media type application/oebps-package+xml in META-INF/container.xml.",
        "OCF 3.3, section 4.2.6.3.1",
    ),
    rule(
        (Id::Rsc004, "RSC-004", Severity::Info),
        "A file is encrypted, so that it was not checked.",
        "Check the book before it is encrypted.",
        "OCF 3.3, section 4.2.6.3.2",
    ),
    rule(
        (Id::Rsc019, "RSC-019", Severity::Warning),
        "A book with several renditions has no META-INF/metadata.xml.",
        "Add the file with the metadata of all renditions.",
        "EPUB Multiple-Rendition Publications",
    ),
];
