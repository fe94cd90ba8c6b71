//! Analyses of whole files.

use std::io::{self, Cursor, SeekFrom};

use super::findings::Severity;
use super::samples::{self, OPF3};
use super::*;
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn try_analyze(path: &str, bytes: &[u8]) -> (Result<Analysis, WorkError>, Recorder) {
    let mut progress = Recorder::default();
    let size = bytes.len() as u64;
    let result = analyze(
        &mut Cursor::new(bytes),
        path,
        size,
        &in_process,
        &mut progress,
    );
    (result, progress)
}

fn good(path: &str, bytes: &[u8]) -> (Analysis, Recorder) {
    let (result, progress) = try_analyze(path, bytes);
    (result.unwrap(), progress)
}

fn failure(bytes: &[u8]) -> FailureCode {
    match try_analyze("file", bytes).0 {
        Err(WorkError::Failed(failure)) => {
            assert!(failure.message.ends_with('.'), "{failure}");
            failure.code
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn epub_3_is_analyzed() {
    let bytes = samples::epub(OPF3, &[("OEBPS/", b"")]);
    let (analysis, progress) = good("book.epub", &bytes);
    assert_eq!(analysis.metadata.title.as_deref(), Some("The Title"));
    assert_eq!(analysis.metadata.isbn.as_deref(), Some("9780306406157"));
    assert_eq!(analysis.metadata.year, Some(2021));
    let info = &analysis.mediainfo;
    assert_eq!(
        (info.format, info.version.as_deref()),
        (Format::Epub, Some("3.0"))
    );
    assert_eq!(
        (info.chapters, info.toc.as_slice()),
        (Some(2), &[TableOfContents::Nav][..])
    );
    assert_eq!(info.size, bytes.len() as u64);
    assert_eq!(info.crc32, format!("{:08X}", crc32fast::hash(&bytes)));
    assert_eq!(info.sha256.len(), 64);
    assert_eq!(analysis.structure.files_total, 4);
    assert_eq!(analysis.structure.files[3].path, "OEBPS/c1.xhtml");
    assert_eq!(
        analysis.structure.total_size,
        analysis.structure.files.iter().map(|f| f.size).sum::<u64>()
    );
    assert_eq!(progress.steps, ["read", "checksum"]);
    let found = analysis
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Info);
    let ids: Vec<_> = found.map(|finding| finding.id.as_str()).collect();
    let expected = ["RSC-001", "A11Y-001", "A11Y-002", "A11Y-003", "A11Y-004"];
    assert_eq!(ids, expected, "{:?}", progress.warnings);
    assert_eq!(progress.warnings.len(), ids.len());
    let json = serde_json::to_value(&analysis).unwrap();
    assert_eq!(json["mediainfo"]["media_type"], "application/epub+zip");
    assert_eq!(json["mediainfo"]["format"], "epub");
    assert_eq!(json["mediainfo"]["toc"], serde_json::json!(["nav"]));
    assert_eq!(json["mediainfo"]["layout"], "reflowable");
    assert_eq!(serde_json::from_value::<Analysis>(json).unwrap(), analysis);
}

#[test]
fn flawed_epub_2_is_analyzed_with_warnings() {
    let opf = "<package version='2.0'><metadata><dc:title>T</dc:title></metadata>\
        <manifest/><spine/></package>";
    let bytes = samples::zip(&[
        ("meta-inf/container.xml", samples::CONTAINER.as_bytes()),
        ("mimetype", b"application/epub+zip"),
        ("oebps/Content.opf", opf.as_bytes()),
    ]);
    let (analysis, progress) = good("book.pdf", &bytes);
    assert_eq!(analysis.mediainfo.format, Format::Epub);
    assert_eq!(analysis.metadata.title.as_deref(), Some("T"));
    for part in [
        "first",
        "no chapters",
        "table of contents",
        "unlike its name",
    ] {
        assert!(
            progress.warnings.iter().any(|w| w.contains(part)),
            "{part}: {:?}",
            progress.warnings
        );
    }
    let other = samples::zip(&[
        ("mimetype", b"application/zip"),
        ("META-INF/container.xml", samples::CONTAINER.as_bytes()),
        ("OEBPS/content.opf", opf.as_bytes()),
    ]);
    let (_, progress) = good("book.epub", &other);
    assert!(progress.warnings.iter().any(|w| w.contains("another type")));
}

#[test]
fn obfuscated_fonts_do_not_count_as_encryption() {
    let encryption = |algorithm: &str| {
        format!(
            "<encryption><EncryptedData><EncryptionMethod Algorithm='{algorithm}'/></EncryptedData></encryption>"
        )
    };
    let fonts = encryption("http://www.idpf.org/2008/embedding");
    let aes = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
    let locked = |more: &[(&str, &[u8])]| {
        good("b.epub", &samples::epub(OPF3, more))
            .0
            .mediainfo
            .encrypted
    };
    assert!(!locked(&[("META-INF/encryption.xml", fonts.as_bytes())]));
    assert!(locked(&[("META-INF/encryption.xml", aes.as_bytes())]));
    assert!(locked(&[("META-INF/rights.xml", b"<rights/>")]));
}

#[test]
fn broken_epubs_fail_with_the_right_code() {
    let mimetype: (&str, &[u8]) = ("mimetype", b"application/epub+zip");
    let container: (&str, &[u8]) = ("META-INF/container.xml", samples::CONTAINER.as_bytes());
    assert_eq!(
        failure(&samples::zip(&[mimetype])),
        FailureCode::EpubContainerMissing
    );
    assert_eq!(
        failure(&samples::zip(&[mimetype, container])),
        FailureCode::EpubOpfMissing
    );
    let empty: (&str, &[u8]) = ("META-INF/container.xml", b"<container/>");
    assert_eq!(
        failure(&samples::zip(&[empty])),
        FailureCode::EpubContainerMissing
    );
    assert_eq!(
        failure(&samples::epub("<html/>", &[])),
        FailureCode::EpubDamaged
    );
    assert_eq!(
        failure(&samples::epub("<package><unclosed></package>", &[])),
        FailureCode::EpubDamaged
    );
    let bomb = "<!DOCTYPE p [<!ENTITY a 'aaaa'>]><package>&a;</package>";
    assert_eq!(
        failure(&samples::epub(bomb, &[])),
        FailureCode::XmlEntitiesRefused
    );
    let huge = format!("<package>{}</package>", " ".repeat(5_000_000));
    assert_eq!(
        failure(&samples::epub(&huge, &[])),
        FailureCode::ArchiveBomb
    );
    let bytes = samples::epub(OPF3, &[]);
    assert_eq!(
        failure(&bytes[..bytes.len() - 30]),
        FailureCode::ArchiveDamaged
    );
    assert_eq!(
        failure(&bytes[..bytes.len() / 2]),
        FailureCode::ArchiveDamaged
    );
}

#[test]
fn comic_is_analyzed_with_its_metadata() {
    let comic_info = "<?xml version='1.0'?><ComicInfo><Series>Saga</Series><Number>3</Number>\
        <Writer>A. Writer, B. Other</Writer><Penciller>P. Encil</Penciller><Year>2015</Year>\
        <Publisher>House</Publisher><Genre>SF,War</Genre><LanguageISO>en</LanguageISO>\
        <GTIN>978-0-306-40615-7</GTIN><Summary>About &amp; on</Summary>\
        <Pages><Page><Title>not this</Title></Page></Pages></ComicInfo>";
    let bytes = samples::zip(&[
        ("p/", b""),
        ("p/01.JPG", &cover_samples::png(3, 4)),
        ("p/02.png", b"\x89PNG"),
        ("Thumbs.db", b"x"),
        ("ComicInfo.xml", comic_info.as_bytes()),
    ]);
    let (analysis, progress) = good("saga.cbz", &bytes);
    let metadata = &analysis.metadata;
    assert_eq!(
        (analysis.mediainfo.format, analysis.mediainfo.pages),
        (Format::Cbz, Some(2))
    );
    assert_eq!(metadata.title.as_deref(), Some("Saga 3"));
    assert_eq!(metadata.authors, ["A. Writer", "B. Other"]);
    assert_eq!(metadata.contributors[0].role, "penciller");
    assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"));
    assert_eq!(metadata.subjects, ["SF", "War"]);
    assert_eq!(metadata.description.as_deref(), Some("About & on"));
    assert_eq!(metadata.year, Some(2015));
    assert!(progress.warnings.is_empty(), "{:?}", progress.warnings);
}

#[test]
fn comic_needs_no_readable_metadata() {
    let page: (&str, &[u8]) = ("1.jpg", b"x");
    let (analysis, progress) = good("c.cbz", &samples::zip(&[page]));
    assert_eq!(analysis.mediainfo.pages, Some(1));
    assert!(progress.infos[0].contains("no ComicInfo"));
    let (_, progress) = good("c.cbz", &samples::zip(&[page, ("ComicInfo.xml", b"<a>")]));
    assert!(progress.warnings[0].contains("was not read"));
    let series: (&str, &[u8]) = ("ComicInfo.xml", b"<c><Series>Solo</Series></c>");
    let (analysis, _) = good("c.cbz", &samples::zip(&[page, series]));
    assert_eq!(analysis.metadata.title.as_deref(), Some("Solo"));
}

#[test]
fn zip_file_list_is_truncated() {
    let names: Vec<String> = (0..1005).map(|i| format!("f{i}.bin")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
    files.push(("mimetype", b"something else"));
    let (analysis, _) = good("x.zip", &samples::zip(&files));
    assert_eq!(analysis.mediainfo.format, Format::Zip);
    assert_eq!(analysis.structure.files_total, 1006);
    assert_eq!(analysis.structure.files.len(), Structure::MAX_FILES);
    assert!(analysis.structure.files_truncated);
}

#[test]
fn plain_files_are_analyzed() {
    let nfo = b"\xDB\xDB\xB2\xB1\xB0 GROUP \xB0\xB1\xB2\xDB\xDB\r\nTitle: x\r\n";
    let (analysis, _) = good("x.nfo", nfo);
    let info = analysis.mediainfo;
    assert_eq!(
        (info.format, info.encoding.as_deref()),
        (Format::Text, Some("cp437"))
    );
    assert_eq!(info.lines, Some(2));
    let (analysis, progress) = good("cover.png", b"GIF89a\x01\0\x01\0\0\0\0");
    assert_eq!(analysis.mediainfo.format, Format::Gif);
    assert!(progress.warnings[0].contains("unlike its name"));
    let (analysis, progress) = good("x", b"\0\x01\x02");
    assert_eq!(analysis.mediainfo.format, Format::Unknown);
    assert!(progress.warnings[0].contains("not known"));
    assert_eq!(failure(b""), FailureCode::FileEmpty);
}

#[test]
fn file_unlike_its_name_has_a_warning() {
    for (path, bytes, format) in [
        ("book.epub", &b"\x1F\x8B\x08\0\0\0\0\0"[..], Format::Gzip),
        ("book.EPUB", b"RIFF\x24\0\0\0WAVEfmt ", Format::Wav),
        ("book.epub", b"ID3\x04\0\0\0\0", Format::Mp3),
        ("book.epub", b"plain words", Format::Text),
        ("book.pdf", b"\0\x01\x02", Format::Unknown),
        (
            "a.b/book.cbz",
            &samples::zip(&[("a.exe", b"x")]),
            Format::Zip,
        ),
    ] {
        let (analysis, progress) = good(path, bytes);
        assert_eq!(analysis.mediainfo.format, format, "{path}");
        let warnings = &progress.warnings;
        assert!(
            warnings.iter().any(|w| w.contains("unlike its name")),
            "{path}: {warnings:?}"
        );
    }
    for path in ["notes.txt", "notes.unusual", "notes", "page.html"] {
        let (_, progress) = good(path, b"plain words");
        assert!(progress.warnings.is_empty(), "{:?}", progress.warnings);
    }
}

#[test]
fn cancellation_is_noticed_at_every_check() {
    let bytes = samples::epub(OPF3, &[]);
    for checks in 0..2 {
        let mut progress = Recorder::cancelling_after(checks);
        let size = bytes.len() as u64;
        let result = analyze(
            &mut Cursor::new(&bytes),
            "x",
            size,
            &in_process,
            &mut progress,
        );
        assert!(matches!(result, Err(WorkError::Stopped)), "{checks}");
    }
}

/// A file whose reads fail after a number of them.
struct Failing<'a> {
    bytes: Cursor<&'a [u8]>,
    reads: u32,
    error: fn() -> io::Error,
}

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads = self.reads.checked_sub(1).ok_or_else(self.error)?;
        self.bytes.read(buffer)
    }
}

impl Seek for Failing<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn storage_error_is_not_reported_as_a_damaged_file() {
    let noise: Vec<u8> = (0..300_000_u32)
        .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    let epub = samples::epub(OPF3, &[("OEBPS/big.bin", &noise)]);
    for bytes in [&epub[..], &samples::pdf(3), b"some text"] {
        let mut reads = 0;
        loop {
            for (error, stopped) in [
                (
                    (|| io::Error::new(io::ErrorKind::UnexpectedEof, "lost")) as fn() -> io::Error,
                    false,
                ),
                (|| crate::StoppedError.into(), true),
            ] {
                let bytes = Cursor::new(bytes);
                let size = bytes.get_ref().len() as u64;
                let mut file = Failing {
                    bytes,
                    reads,
                    error,
                };
                match analyze(&mut file, "x", size, &in_process, &mut Recorder::default()) {
                    Err(WorkError::Io(io)) => assert!(!stopped && io.to_string() == "lost"),
                    Err(WorkError::Stopped) => assert!(stopped),
                    Ok(_) if reads > 0 => {}
                    other => panic!("after {reads} reads: {other:?}"),
                }
            }
            let mut file = Failing {
                bytes: Cursor::new(bytes),
                reads,
                error: || io::Error::other("x"),
            };
            if analyze(
                &mut file,
                "x",
                bytes.len() as u64,
                &in_process,
                &mut Recorder::default(),
            )
            .is_ok()
            {
                break;
            }
            reads += 1;
        }
        assert!(reads > 0);
    }
}

/// A file that counts the places to which its reader jumps. Each costs a request to S3.
struct Jumps<'a> {
    file: Cursor<&'a [u8]>,
    jumps: Vec<u64>,
}

impl Read for Jumps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Jumps<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let before = self.file.position();
        let position = self.file.seek(to)?;
        if position != before {
            self.jumps.push(position);
        }
        Ok(position)
    }
}

#[test]
fn large_file_of_no_format_is_read_from_its_start_twice() {
    let bytes = [0x91, 0x81, 0x00, 0xF3].repeat(75_000);
    let mut file = Jumps {
        file: Cursor::new(&bytes),
        jumps: Vec::new(),
    };
    let size = bytes.len() as u64;
    let analysis = analyze(&mut file, "x", size, &in_process, &mut Recorder::default());
    assert_eq!(analysis.unwrap().mediainfo.format, Format::Unknown);
    assert_eq!(file.jumps, [0]);
}
