//! The readers of untrusted files in a real child process: it dies of its limits, and nothing else
//! does.

use std::{io::Cursor, path::PathBuf};

use jobs::{FailureCode, Time};
use release_files::{
    WorkError,
    formats::{Analysis, analyze, samples},
    isolation::{Reader, Run, in_process},
    package::{Facts, PackageFile, nfo_template},
    progress::testing::Recorder,
};
use serde_json::Map;
use worker::Isolation;

fn child() -> Isolation {
    Isolation::Child(PathBuf::from(env!("CARGO_BIN_EXE_process-jobs")))
}

fn analyze_by(run: Run, bytes: &[u8], progress: &mut Recorder) -> Result<Analysis, WorkError> {
    let size = bytes.len() as u64;
    analyze(&mut Cursor::new(bytes), "a.pdf", size, run, progress)
}

fn analyze_in_child(bytes: &[u8], progress: &mut Recorder) -> Result<Analysis, WorkError> {
    let child = child();
    let run: Run = &|reader, input, progress| child.run(reader, input, progress);
    analyze_by(run, bytes, progress)
}

fn render_in_child(template: &str) -> Result<String, WorkError> {
    let child = child();
    let run: Run = &|reader, input, progress| child.run(reader, input, progress);
    let files = [PackageFile::from_bytes("a.zip", b"123456789")];
    let facts = Facts::new("A-GRP", "GRP", &Map::new(), &files, Time::from_millis(0));
    nfo_template::render(&facts, Some(template), run, &Recorder::default())
}

fn code<T>(result: Result<T, WorkError>) -> Option<FailureCode> {
    match result {
        Err(WorkError::Failed(failure)) => Some(failure.code),
        Ok(_) | Err(_) => None,
    }
}

#[test]
fn child_reads_what_this_process_would() {
    for pdf in [samples::pdf(3), samples::pdf(3)[..600].to_vec()] {
        let (mut here, mut there) = (Recorder::default(), Recorder::default());
        let expected = analyze_by(&in_process, &pdf, &mut here).unwrap();
        assert_eq!(analyze_in_child(&pdf, &mut there).unwrap(), expected);
        assert_eq!(there.warnings, here.warnings);
    }
    let nothing = analyze_in_child(b"%PDF-1.7\nnothing", &mut Recorder::default());
    assert_eq!(code(nothing), Some(FailureCode::PdfDamaged));
    assert_eq!(
        render_in_child("{{ release_name }}: {{ files[0].path }}").unwrap(),
        "A-GRP: a.zip\r\n"
    );
    let unknown = render_in_child("{{ tilte }}");
    assert_eq!(code(unknown), Some(FailureCode::TemplateInvalid));
}

#[test]
fn pdf_that_exceeds_the_limits_fails_with_a_sentence() {
    for (name, bomb) in samples::sound_pdf_bombs() {
        let result = analyze_in_child(&bomb, &mut Recorder::default());
        assert_eq!(code(result), Some(FailureCode::FileTooComplex), "{name}");
    }
}

#[test]
fn pdf_whose_index_is_unsound_is_read_without_its_object_streams() {
    for (name, bomb) in samples::pdf_bombs() {
        let analysis = analyze_in_child(&bomb, &mut Recorder::default()).unwrap();
        assert!(analysis.mediainfo.damaged, "{name}");
    }
}

#[test]
fn cancelled_job_does_not_wait_for_its_child() {
    let (_, bomb) = samples::sound_pdf_bombs().swap_remove(0);
    // Some checks pass while the file is sent, and one each tenth of a second after that.
    let result = analyze_in_child(&bomb, &mut Recorder::cancelling_after(10));
    assert!(matches!(result, Err(WorkError::Stopped)), "{result:?}");
}

#[test]
fn template_whose_lists_grow_exponentially_fails_with_a_sentence() {
    let doubled = "{% set a = [a, a] %}{% set b = [b, b] %}".repeat(40);
    for end in ["{{ a }}", "{{ a == b }}"] {
        let template = format!("{{% set a = [1] %}}{{% set b = [1] %}}{doubled}{end}");
        assert_eq!(
            code(render_in_child(&template)),
            Some(FailureCode::TemplateInvalid),
            "{end}"
        );
    }
}

#[test]
fn program_that_is_no_reader_fails_the_job_with_a_sentence() {
    for program in ["/bin/false", "/bin/true", "/bin/cat"] {
        let isolation = Isolation::Child(PathBuf::from(program));
        let run: Run = &|reader, input, progress| isolation.run(reader, input, progress);
        let result = analyze_by(run, &samples::pdf(1), &mut Recorder::default());
        assert_eq!(code(result), Some(FailureCode::FileTooComplex), "{program}");
    }
    let missing = Isolation::Child(PathBuf::from("/nowhere"));
    let run: Run = &|reader, input, progress| missing.run(reader, input, progress);
    let result = analyze_by(run, &samples::pdf(1), &mut Recorder::default());
    assert!(matches!(result, Err(WorkError::Io(_))), "{result:?}");
}

#[test]
fn numbers_in_a_pdf_allocate_nothing() {
    let plain = samples::pdf(2);
    let packed = samples::pdf_with_object_stream("7 0 8 3 ", b"<<>> [1 0 R]");
    let text = |pdf: &[u8]| pdf.iter().map(|byte| char::from(*byte)).collect::<String>();
    for (pdf, key) in [
        (&packed, "/Count "),
        (&plain, "/Count "),
        (&plain, "/Length "),
        (&packed, "xref\n0 "),
        (&packed, "/N "),
        (&packed, "/First "),
        (&packed, "/Length "),
        (&packed, "/Size "),
    ] {
        let text = text(pdf);
        let at = text.find(key).unwrap() + key.len();
        let end = at + text[at..].find(|c: char| !c.is_ascii_digit()).unwrap();
        for number in ["4294967295", "9223372036854775807", "99999999999999999999"] {
            let hostile = format!("{}{number}{}", &text[..at], &text[end..]);
            let bytes: Vec<u8> = hostile.chars().map(|c| u8::try_from(c).unwrap()).collect();
            let result = analyze_in_child(&bytes, &mut Recorder::default());
            assert!(
                matches!(&result, Ok(_) | Err(WorkError::Failed(_))),
                "{key}{number}: {result:?}"
            );
        }
    }
}

/// Builds a progressive JPEG of this size, whose pixels are nearly all missing.
fn progressive_jpeg(width: u16, height: u16) -> Vec<u8> {
    let table = [&b"\xFF\xD8\xFF\xDB\0\x43\0"[..], &[1; 64]].concat();
    let frame = [
        &b"\xFF\xC2\0\x11\x08"[..],
        &height.to_be_bytes(),
        &width.to_be_bytes(),
        b"\x03\x01\x11\0\x02\x11\0\x03\x11\0",
    ];
    let codes = [&b"\xFF\xC4\0\x14\0\x01"[..], &[0; 16]].concat();
    let scan = b"\xFF\xDA\0\x0C\x03\x01\0\x02\0\x03\0\0\0\0\0\0\0\0\xFF\xD9";
    [&table, &frame.concat(), &codes, &scan[..]].concat()
}

#[test]
fn child_draws_the_thumbnail_that_this_process_would() {
    let book = samples::epub_with_cover();
    let expected = analyze_by(&in_process, &book, &mut Recorder::default()).unwrap();
    let found = analyze_in_child(&book, &mut Recorder::default()).unwrap();
    assert_eq!(found, expected);
    assert!(found.cover.unwrap().thumbnail.is_some());
}

/// Its header promises fewer pixels than the limit, but a library keeps three numbers for each.
#[test]
fn child_that_dies_of_a_cover_leaves_an_analysis_without_a_thumbnail() {
    let page = progressive_jpeg(6_300, 6_300);
    let comic = samples::zip(&[("1.jpg", &page)]);
    let mut progress = Recorder::default();
    let cover = analyze_in_child(&comic, &mut progress)
        .unwrap()
        .cover
        .unwrap();
    assert_eq!((cover.path.as_str(), cover.thumbnail), ("1.jpg", None));
    let reason = "It takes more memory or time to draw than allowed";
    let warnings = &progress.warnings;
    assert!(
        warnings.iter().any(|line| line.ends_with(reason)),
        "{warnings:?}"
    );
}

/// The program of this test takes the reader's name for the name of a test, and runs none.
#[test]
fn own_program_is_the_running_one() {
    let input = &mut b"".as_slice();
    let own = Isolation::own_program();
    let answer = own.run(Reader::Pdf, input, &Recorder::default()).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("running 0 tests"), "{answer}");
}
