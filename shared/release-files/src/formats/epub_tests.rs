use std::io::Cursor;

use super::*;
use crate::formats::{Analysis, analyze, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

const MIMETYPE: (&str, &[u8]) = ("mimetype", b"application/epub+zip");
const AES: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";

fn read_bytes(bytes: &[u8]) -> (Result<Analysis, FailureCode>, Vec<String>) {
    let mut progress = Recorder::default();
    let size = bytes.len() as u64;
    let analysis = analyze(
        &mut Cursor::new(bytes),
        "book.epub",
        size,
        &in_process,
        &mut progress,
    );
    let analysis = analysis.map_err(|error| match error {
        WorkError::Failed(failure) => failure.code,
        other => panic!("{other:?}"),
    });
    (analysis, progress.warnings)
}

/// Returns the title in an EPUB with this container and these files, or the failure.
fn title_of(root_files: &str, files: &[(&str, &str)]) -> Result<Option<String>, FailureCode> {
    let container = format!("<container><rootfiles>{root_files}</rootfiles></container>");
    let mut all = vec![MIMETYPE, ("META-INF/container.xml", container.as_bytes())];
    all.extend(
        files
            .iter()
            .map(|(path, content)| (*path, content.as_bytes())),
    );
    let (analysis, _) = read_bytes(&samples::zip(&all));
    Ok(analysis?.metadata.title)
}

#[test]
fn first_package_document_is_the_book() {
    let pdf = "<rootfile full-path='a.pdf' media-type='application/pdf'/>";
    let opf = "<rootfile full-path='a.opf' media-type='application/oebps-package+xml'/>";
    let other = "<rootfile full-path='b%20c.opf' media-type='application/oebps-package+xml'/>";
    let untyped = "<rootfile full-path='a.opf'/>";
    let title = |name: &str| samples::OPF3.replace("The Title", name);
    let (first, second) = (title("First"), title("Second"));
    let files = [
        ("a.pdf", "%PDF-1.4"),
        ("a.opf", &first),
        ("b c.opf", &second),
    ];
    for (root_files, expected) in [
        ([pdf, opf].concat(), "First"),
        ([opf, other].concat(), "First"),
        ([other, opf].concat(), "Second"),
        ([pdf, untyped].concat(), "First"),
        ([untyped, other].concat(), "Second"),
    ] {
        let title = title_of(&root_files, &files);
        assert_eq!(title, Ok(Some(expected.to_owned())), "{root_files}");
    }
    let missing_first = title_of(&[opf, other].concat(), &files[2..]);
    assert_eq!(missing_first, Ok(Some("Second".to_owned())));
    let broken_first = title_of(&[opf, other].concat(), &[("a.opf", "<package>"), files[2]]);
    assert_eq!(broken_first, Err(FailureCode::EpubDamaged));
    let no_package = title_of(pdf, &files);
    assert_eq!(no_package, Err(FailureCode::EpubDamaged));
    let entities = "<!DOCTYPE p [<!ENTITY a 'aa'>]><package>&a;</package>";
    let refused = title_of(
        &["<rootfile full-path='x.opf'/>", untyped].concat(),
        &[("x.opf", entities), files[1]],
    );
    assert_eq!(refused, Err(FailureCode::XmlEntitiesRefused));
    let missing = title_of(&[opf, other].concat(), &[]);
    assert_eq!(missing, Err(FailureCode::EpubOpfMissing));
}

#[test]
fn unreadable_list_of_encrypted_files_loses_nothing_else() {
    let method = format!("<EncryptionMethod Algorithm='{AES}'/>");
    for (list, encrypted) in [
        ("<encryption><EncryptedData>".to_owned(), false),
        (format!("<encryption><EncryptedData>{method}"), true),
        (format!("<encryption>{method}<EncryptedData>"), false),
        ("not XML <".to_owned(), false),
        (
            "<!DOCTYPE e [<!ENTITY a 'a'>]><encryption/>".to_owned(),
            false,
        ),
        ("<e>".repeat(1_000), false),
        (format!("<e>{}</e>", " ".repeat(5_000_000)), false),
    ] {
        let more: (&str, &[u8]) = ("META-INF/encryption.xml", list.as_bytes());
        let (analysis, warnings) = read_bytes(&samples::epub(samples::OPF3, &[more]));
        let analysis = analysis.unwrap();
        assert_eq!(analysis.metadata.title.as_deref(), Some("The Title"));
        assert_eq!(analysis.mediainfo.encrypted, encrypted, "{}", &list[..10]);
        let about_it = |warning: &String| warning.contains("encryption.xml was not read");
        assert!(warnings.iter().any(about_it), "{warnings:?}");
    }
    let sound = format!("<encryption><EncryptedData>{method}</EncryptedData></encryption>");
    let more: (&str, &[u8]) = ("meta-inf/encryption.xml", sound.as_bytes());
    let (analysis, warnings) = read_bytes(&samples::epub(samples::OPF3, &[more]));
    assert!(analysis.unwrap().mediainfo.encrypted);
    let about_it = |warning: &&String| warning.contains("DRM") || warning.contains("not read");
    assert_eq!(warnings.iter().filter(about_it).count(), 1, "{warnings:?}");
}

#[test]
fn unreadable_mimetype_is_only_a_warning() {
    let bytes = samples::epub(samples::OPF3, &[]);
    let at = bytes
        .windows(20)
        .position(|part| part == b"application/epub+zip")
        .unwrap();
    let mut damaged = bytes.clone();
    damaged[at] = b'A';
    let long = samples::zip(&[
        ("mimetype", &[b' '; 2_000]),
        ("META-INF/container.xml", samples::CONTAINER.as_bytes()),
        ("OEBPS/content.opf", samples::OPF3.as_bytes()),
    ]);
    for bytes in [damaged, long] {
        let (analysis, warnings) = read_bytes(&bytes);
        assert_eq!(
            analysis.unwrap().metadata.title.as_deref(),
            Some("The Title")
        );
        let about_it = |warning: &String| warning.contains("mimetype entry was not read");
        assert!(warnings.iter().any(about_it), "{warnings:?}");
    }
}

#[test]
fn epub_of_a_careless_zip_tool_is_read() {
    let mut signature = samples::epub(samples::OPF3, &[]);
    signature[3] = 2;
    let epub = samples::epub(samples::OPF3, &[]);
    let junk = b"HTTP/1.1 200 OK\r\n\r\n".repeat(5);
    let by_file = samples::moved_by(&[&junk[..], &epub].concat(), 95);
    let files = |separator: &str, start: &str| {
        let name = |path: &str| format!("{start}{}", path.replace('/', separator));
        samples::zip(&[
            (&name(MIMETYPE.0), MIMETYPE.1),
            (
                &name("META-INF/container.xml"),
                samples::CONTAINER.as_bytes(),
            ),
            (&name("OEBPS/content.opf"), samples::OPF3.as_bytes()),
        ])
    };
    let by_structure = [
        signature,
        [b"\xEF\xBB\xBF", &epub[..]].concat(),
        [b"PK00", &epub[..]].concat(),
        [b"PK\x07\x08", &epub[..]].concat(),
        by_file,
    ];
    let by_name = [
        files("\\", ""),
        files("/", "./"),
        files("//", "/"),
        files("/", "C:\\"),
    ];
    let all = by_structure.iter().map(|bytes| (bytes, false));
    for (bytes, has_odd_names) in all.chain(by_name.iter().map(|bytes| (bytes, true))) {
        let (analysis, warnings) = read_bytes(bytes);
        let analysis = analysis.unwrap();
        assert_eq!(analysis.mediainfo.format, Format::Epub);
        assert_eq!(analysis.metadata.title.as_deref(), Some("The Title"));
        let mut paths = analysis.structure.files.iter().map(|file| &file.path);
        assert!(paths.any(|path| path == CONTAINER_PATH));
        let is_reported = warnings.iter().any(|line| line.contains("it is read as"));
        assert_eq!(is_reported, has_odd_names, "{warnings:?}");
    }
}
