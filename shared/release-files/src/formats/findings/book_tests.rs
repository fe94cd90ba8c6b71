use std::io::Cursor;

use crate::formats::findings::{Finding, Severity};
use crate::formats::{Analysis, analyze, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

const OPF: &str = r#"<package version="3.0" unique-identifier="id"><metadata>
<identifier id="id">x</identifier><title>T</title><language>en</language></metadata><manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>
<item id="p" href="p.png" media-type="image/png"/></manifest>
<spine><itemref idref="nav"/><itemref idref="c1"/></spine></package>"#;
const NAV: &str = r#"<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<nav epub:type="toc"><ol><li><a href="c1.xhtml#a">One</a></li></ol></nav></html>"#;

fn analyzed(opf: &str, files: &[(&str, &[u8])]) -> (Analysis, Recorder) {
    let mut all: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", samples::CONTAINER.as_bytes()),
        ("OEBPS/content.opf", opf.as_bytes()),
        ("OEBPS/nav.xhtml", NAV.as_bytes()),
        ("OEBPS/p.png", b"\x89PNG"),
    ];
    all.extend(files);
    let bytes = samples::zip(&all);
    let size = bytes.len() as u64;
    let mut progress = Recorder::default();
    let mut reader = Cursor::new(bytes);
    let analysis = analyze(&mut reader, "a.epub", size, &in_process, &mut progress);
    (analysis.unwrap(), progress)
}

/// The ids that are not about accessibility, with their files and lines.
fn found(opf: &str, chapter: &str) -> Vec<(String, Option<String>, Option<u64>)> {
    let chapter: (&str, &[u8]) = ("OEBPS/c1.xhtml", chapter.as_bytes());
    let findings = analyzed(opf, &[chapter]).0.findings.into_iter();
    let is_wanted = |finding: &Finding| !finding.id.as_str().starts_with("A11Y");
    findings
        .filter(is_wanted)
        .map(|one| (one.id.as_str().to_owned(), one.path, one.line))
        .collect()
}

fn ids(opf: &str, chapter: &str) -> Vec<String> {
    found(opf, chapter).into_iter().map(|(id, ..)| id).collect()
}

fn chapter(body: &str) -> String {
    format!("<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<body id=\"a\">{body}</body></html>")
}

#[test]
fn sound_book_has_no_findings() {
    let body = "<p><a href='#a'>x</a> <a href='nav.xhtml'>y</a> <img src='p.png' alt=''/></p>";
    assert!(ids(OPF, &chapter(body)).is_empty());
}

#[test]
fn finding_names_the_file_and_the_line() {
    let body = "<p>\n<a href='none.xhtml'>x</a></p><p><a href='#none'>y</a></p>";
    let path = Some("OEBPS/c1.xhtml".to_owned());
    let expected = [
        ("RSC-007".to_owned(), path.clone(), Some(3)),
        ("RSC-012".to_owned(), path, Some(3)),
    ];
    assert_eq!(found(OPF, &chapter(body)), expected);
}

#[test]
fn links_are_checked_strictly() {
    for (body, expected) in [
        ("<a href='C1.xhtml'>x</a>", "RSC-007"),
        ("<a href='p.png'>x</a>", "RSC-010"),
        ("<img src='p.png#x' alt=''/>", "RSC-009"),
        ("<a href='a b'>x</a>", "RSC-020"),
        ("<a href=''>x</a>", "HTM-045"),
        (
            "<link rel='stylesheet' href='https://example.com/a.css'/>",
            "RSC-006",
        ),
        ("<p>one</b>", "RSC-016"),
        ("<p>a & b</p>", "RSC-016"),
        ("<p>&nbsp;</p>", "RSC-016"),
        ("<p a='1' a='2'/>", "RSC-016"),
        ("<p x:a='1'/>", "RSC-016"),
        ("<script>1</script>", "OPF-014"),
        ("<p lang='en' xml:lang='fr'/>", "HTM-017"),
    ] {
        assert_eq!(ids(OPF, &chapter(body)), [expected], "{body}");
    }
    for body in [
        "<a href='mailto:a@example.com'>x</a>",
        "<a href='c1.xhtml?q#a'>x</a>",
        "<a href='%631.xhtml'>x</a>",
        "<a href='https://example.com/'>x</a>",
        "<a href='#epubcfi(/6/4)'>x</a>",
        "<script type='application/ld+json'>{}</script>",
        "<base href='x/'/><a href='none'>x</a>",
    ] {
        let found = ids(OPF, &chapter(body));
        assert!(
            found
                .iter()
                .all(|id| id == "OPF-014" && body.contains("json")),
            "{body} {found:?}"
        );
    }
}

#[test]
fn package_document_is_checked() {
    for (from, to, expected) in [
        (
            r#"unique-identifier="id""#,
            r#"unique-identifier="no""#,
            "OPF-030",
        ),
        (r#"idref="nav""#, r#"idref="no""#, "OPF-049"),
        (r#"version="3.0""#, r#"version="3.1""#, "OPF-001"),
        (
            r#" properties="nav""#,
            r#" properties="nav colour""#,
            "OPF-027",
        ),
        (
            "<title>",
            r#"<meta property="a:b">x</meta><title>"#,
            "OPF-028",
        ),
        ("<title>", "<date>yesterday</date><title>", "OPF-053"),
        (">x</identifier>", ">urn:uuid:1</identifier>", "OPF-085"),
        (r#"href="p.png""#, r#"href="q.png""#, "RSC-001"),
        (r#""image/png""#, r#""image/jpeg""#, "OPF-029"),
        (r#"id="p" "#, r#"id="p" fallback="p" "#, "OPF-045"),
        ("<spine>", r#"<spine toc="nav">"#, "OPF-050"),
    ] {
        assert!(OPF.contains(from), "{from}");
        let found = ids(&OPF.replace(from, to), &chapter(""));
        assert!(found.iter().any(|id| id == expected), "{to}: {found:?}");
    }
}

#[test]
fn many_faults_are_counted_within_bounds() {
    let link = "<a href='none.xhtml#x'>x</a><a href='#y'>y</a>";
    let hostile = chapter(&link.repeat(10_000));
    let (analysis, progress) = analyzed(OPF, &[("OEBPS/c1.xhtml", hostile.as_bytes())]);
    let of_id = |id: &str| {
        let findings = analysis.findings.iter();
        findings.filter(|one| one.id.as_str() == id).count()
    };
    assert_eq!((of_id("RSC-007"), of_id("RSC-012")), (20, 20));
    assert!((5_000..10_000).contains(&analysis.findings_total));
    assert_eq!(progress.warnings.len(), 21);

    let items: Vec<_> = (0..3_000)
        .map(|n| format!("<item id='i{n}' href='none-{n}' media-type='x' fallback='i{n}'/>"))
        .collect();
    let opf = OPF.replace("</manifest>", &format!("{}</manifest>", items.concat()));
    let (analysis, _) = analyzed(&opf, &[]);
    assert!(analysis.findings.len() <= 500 && analysis.findings_total >= 6_000);
}

#[test]
fn deep_and_open_markup_ends_the_checks_of_its_document() {
    for hostile in [
        "<a>".repeat(100_000),
        "<p id='x'>".repeat(30_000),
        "<".repeat(10_000),
    ] {
        let (analysis, _) = analyzed(OPF, &[("OEBPS/c1.xhtml", hostile.as_bytes())]);
        assert!(analysis.findings.len() < 100);
    }
}

#[test]
fn locked_book_is_checked_without_its_content() {
    let files: [(&str, &[u8]); 2] = [
        ("OEBPS/c1.xhtml", b"no markup <"),
        ("META-INF/rights.xml", b"<rights/>"),
    ];
    let (analysis, _) = analyzed(&OPF.replace(r#"idref="nav""#, r#"idref="no""#), &files);
    let found: Vec<_> = analysis
        .findings
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert!(
        found.contains(&"EPUB-001") && found.contains(&"OPF-049"),
        "{found:?}"
    );
    assert!(!found.contains(&"RSC-016"), "{found:?}");
}

#[test]
fn metadata_alone_needs_no_checks() {
    let bytes = samples::epub(samples::OPF3, &[]);
    let mut progress = Recorder::default();
    let size = bytes.len() as u64;
    let mut reader = Cursor::new(bytes);
    crate::formats::describe(&mut reader, "a", size, &in_process, &mut progress).unwrap();
    assert!(progress.warnings.is_empty(), "{:?}", progress.warnings);
}

#[test]
fn findings_have_their_shape_in_json() {
    let (analysis, _) = analyzed(OPF, &[]);
    let json = serde_json::to_value(&analysis).unwrap();
    let finding = &json["findings"][0];
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["id"], "RSC-001");
    assert_eq!(finding["path"], "OEBPS/c1.xhtml");
    assert!(finding["line"].is_null());
    assert!(finding["hint"].as_str().unwrap().ends_with('.'));
    assert_eq!(analysis.findings[0].severity, Severity::Error);
    assert_eq!(json["findings_total"], analysis.findings.len());
}
