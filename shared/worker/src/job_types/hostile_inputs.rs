//! Hostile and broken inputs, and the outcome of the jobs that read them.

use jobs::{
    FailureCode,
    JobType::{self, Analysis, Dirfix, Nfofix, Packaging, Readnfo, Repack},
};
use release_files::formats::samples;

use super::hostile_files::{
    billion_laughs, encrypted_pdf, listing, long_elements, replaced, replaced_container, symlink,
    with_headers, with_metadata, zip_with,
};

/// The expected outcome of a job: success, or a failure with a code.
type Outcome = Result<(), FailureCode>;

const FINE: Outcome = Ok(());

/// A source file, and the outcome of the jobs that read it.
pub struct Input {
    pub name: &'static str,
    pub path: &'static str,
    pub bytes: Vec<u8>,
    pub outcomes: &'static [(JobType, Outcome)],
}

const fn row(
    name: &'static str,
    path: &'static str,
    bytes: Vec<u8>,
    outcomes: &'static [(JobType, Outcome)],
) -> Input {
    Input {
        name,
        path,
        bytes,
        outcomes,
    }
}

/// Returns all inputs.
pub fn all() -> Vec<Input> {
    [
        bombs(),
        names(),
        damaged_archives(),
        epubs(),
        pdfs(),
        nfos(),
        missing_files(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn bombs() -> Vec<Input> {
    let nested = samples::zip(&[("inner.zip", &zip_with(1, &vec![0; 4_000_000]))]);
    vec![
        row(
            "a bomb by ratio",
            "a.zip",
            zip_with(1, &vec![0; 30_000_000]),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "a bomb in an epub",
            "a.epub",
            samples::epub(&(samples::OPF3.to_owned() + &" ".repeat(20_000_000)), &[]),
            &[(Analysis, Err(FailureCode::ArchiveBomb)), (Packaging, FINE)],
        ),
        row(
            "a bomb by entry count",
            "a.zip",
            zip_with(70_000, b""),
            &[
                (Analysis, Err(FailureCode::ArchiveTooLarge)),
                (Packaging, FINE),
            ],
        ),
        row(
            "a nested bomb",
            "a.zip",
            nested,
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
    ]
}

fn names() -> Vec<Input> {
    let two = samples::zip(&[("aaaa.txt", b"one"), ("bbbb.txt", b"two")]);
    vec![
        row(
            "a path to a parent folder",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"../a.txt"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "a path to a parent folder by backslash",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"..\\a.txt"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "a path to a parent folder of a drive",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"C:/../.a"),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "an absolute path",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"/aaa.txt"),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "a path with a drive",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"C:\\a.txt"),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "a name with NUL",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"aa\0a.txt"),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "two names that mean one path",
            "a.zip",
            replaced(
                &replaced(&two, b"bbbb.txt", b"a\\b\\.txt"),
                b"aaaa.txt",
                b"a/b/.txt",
            ),
            &[(Analysis, FINE)],
        ),
        row(
            "an archive behind other bytes with a path to a parent folder",
            "a.zip",
            [b"MZ\0", &replaced(&two, b"aaaa.txt", b"../a.txt")[..]].concat(),
            &[(Analysis, Err(FailureCode::ArchiveUnsafeName))],
        ),
        row(
            "a name in CP437",
            "a.zip",
            replaced(&two, b"aaaa.txt", b"\x82t\x82.tx\xFE"),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "two entries with one name",
            "a.zip",
            replaced(&two, b"bbbb.txt", b"aaaa.txt"),
            &[(Analysis, FINE)],
        ),
    ]
}

fn damaged_archives() -> Vec<Input> {
    let epub = samples::epub(samples::OPF3, &[]);
    let two = samples::zip(&[("aaaa.txt", b"one"), ("bbbb.txt", b"two")]);
    vec![
        row(
            "an empty file",
            "a.epub",
            Vec::new(),
            &[(Analysis, Err(FailureCode::FileEmpty)), (Packaging, FINE)],
        ),
        row(
            "a truncated archive",
            "a.zip",
            two[..two.len() / 2].to_vec(),
            &[
                (Analysis, Err(FailureCode::ArchiveDamaged)),
                (Packaging, FINE),
            ],
        ),
        row(
            "a truncated epub",
            "a.epub",
            epub[..epub.len() - 30].to_vec(),
            &[(Analysis, Err(FailureCode::ArchiveDamaged))],
        ),
        row(
            "encrypted entries",
            "a.epub",
            with_headers(&epub, 6, 8, &[1, 0]),
            &[(Analysis, Err(FailureCode::ArchiveEncrypted))],
        ),
        row(
            "an unknown compression method",
            "a.epub",
            with_headers(&epub, 8, 10, &[77, 0]),
            &[(Analysis, Err(FailureCode::ArchiveUnsupported))],
        ),
        row(
            "a symbolic link",
            "a.zip",
            symlink(),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
    ]
}

fn epubs() -> Vec<Input> {
    let epub = samples::epub(samples::OPF3, &[]);
    vec![
        row(
            "an epub without its container",
            "a.epub",
            samples::zip(&[("mimetype", b"application/epub+zip")]),
            &[(Analysis, Err(FailureCode::EpubContainerMissing))],
        ),
        row(
            "an epub without its package document",
            "a.epub",
            replaced(&epub, b"OEBPS/content.opf", b"OEBPS/another.opf"),
            &[(Analysis, Err(FailureCode::EpubOpfMissing))],
        ),
        row(
            "a package document that is not XML",
            "a.epub",
            samples::epub("<package", &[]),
            &[(Analysis, Err(FailureCode::EpubDamaged))],
        ),
        row(
            "exponential entities",
            "a.epub",
            billion_laughs(),
            &[(Analysis, Err(FailureCode::XmlEntitiesRefused))],
        ),
        row(
            "990 long subjects",
            "a.epub",
            with_metadata(&long_elements("subject")),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "990 long authors",
            "a.epub",
            with_metadata(&long_elements("creator")),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "990 long contributors and identifiers",
            "a.epub",
            with_metadata(&(long_elements("contributor") + &long_elements("identifier"))),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "elements nested 100,000 deep",
            "a.epub",
            with_metadata(&("<a>".repeat(100_000) + &"</a>".repeat(100_000))),
            &[(Analysis, Err(FailureCode::EpubDamaged)), (Packaging, FINE)],
        ),
        row(
            "a comic's elements nested 100,000 deep",
            "a.cbz",
            samples::zip(&[
                ("1.jpg", b"\xFF\xD8\xFF"),
                ("ComicInfo.xml", "<a>".repeat(100_000).as_bytes()),
            ]),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "an element with a name of a megabyte",
            "a.epub",
            samples::epub(&format!("<{}></b>", "a".repeat(1_000_000)), &[]),
            &[(Analysis, Err(FailureCode::EpubDamaged)), (Packaging, FINE)],
        ),
        row(
            "a package document with a name of a megabyte",
            "a.epub",
            replaced_container(&"x".repeat(1_000_000)),
            &[
                (Analysis, Err(FailureCode::EpubOpfMissing)),
                (Packaging, FINE),
            ],
        ),
    ]
}

fn pdfs() -> Vec<Input> {
    let bombs = samples::pdf_bombs().into_iter();
    let bombs = bombs
        .map(|(name, bytes)| row(name, "a.pdf", bytes, &[(Analysis, FINE), (Packaging, FINE)]));
    bombs.chain(damaged_pdfs()).collect()
}

fn damaged_pdfs() -> Vec<Input> {
    vec![
        row(
            "a pdf without content",
            "a.pdf",
            b"%PDF-1.7\nnothing".to_vec(),
            &[(Analysis, Err(FailureCode::PdfDamaged)), (Packaging, FINE)],
        ),
        row(
            "a damaged pdf",
            "a.pdf",
            samples::pdf(3)[..600].to_vec(),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
        row(
            "an encrypted pdf",
            "a.pdf",
            encrypted_pdf(),
            &[(Analysis, FINE), (Packaging, FINE)],
        ),
    ]
}

fn nfos() -> Vec<Input> {
    vec![
        row(
            "an nfo of noise",
            "a.nfo",
            (0..=255).cycle().take(5_000).collect(),
            &[(Nfofix, FINE), (Readnfo, FINE)],
        ),
        row(
            "an oversized nfo",
            "a.nfo",
            vec![b'x'; 300 * 1024],
            &[
                (Nfofix, Err(FailureCode::NfoTooLarge)),
                (Readnfo, Err(FailureCode::NfoTooLarge)),
            ],
        ),
        row(
            "an nfo of carriage returns",
            "a.nfo",
            vec![b'\r'; 256 * 1024],
            &[(Nfofix, FINE), (Readnfo, FINE)],
        ),
        row(
            "an nfo that lists 20,000 files",
            "a.nfo",
            listing(20_000),
            &[(Nfofix, FINE), (Readnfo, FINE)],
        ),
        row(
            "an empty nfo",
            "a.nfo",
            Vec::new(),
            &[(Nfofix, FINE), (Readnfo, FINE)],
        ),
    ]
}

fn missing_files() -> Vec<Input> {
    vec![
        row(
            "no nfo",
            "a.txt",
            b"x".to_vec(),
            &[
                (Nfofix, Err(FailureCode::NfoMissing)),
                (Readnfo, Err(FailureCode::NfoMissing)),
            ],
        ),
        row(
            "no package",
            "a.txt",
            b"x".to_vec(),
            &[(Repack, Err(FailureCode::PackageMissing)), (Dirfix, FINE)],
        ),
    ]
}
