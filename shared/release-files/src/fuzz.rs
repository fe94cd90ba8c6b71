//! Fuzzes the file parsers, which must not panic, hang or use much memory on any input.
//!
//! `make fuzz` runs [`fuzz`] on mutated samples. It keeps its findings in `corpus/`, which every
//! test run parses again.
#![expect(
    clippy::disallowed_methods,
    reason = "make passes the duration and the seed in the environment"
)]

mod mutation;

use std::{
    env, fs,
    io::{Cursor, sink},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use self::mutation::mutate;
use crate::{
    formats::{analyze, archive::Archive, cover_samples, samples},
    fuzz_zip,
    isolation::{Reader, in_process},
    nfo::{
        decoded::DecodedNfo,
        read::read,
        repair::{PlaceholderValues, repair},
    },
    package::{Facts, nfo_template, sfv},
    progress::{NoProgress, testing::Recorder},
};
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use jobs::{Config, JobType, Time};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Map, Value};
use text::{
    encoding::{Encoding, decode, detect},
    mojibake,
};

/// The longest time for one input, on a slow machine without optimization.
const MAX_INPUT_TIME: Duration = Duration::from_secs(10);

/// A parser and its samples.
struct Target {
    name: &'static str,
    samples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]),
}

const TARGETS: [Target; 12] = [
    Target {
        name: "epub",
        samples: epubs,
        run: analyze_bytes,
    },
    Target {
        name: "pdf",
        samples: pdfs,
        run: analyze_bytes,
    },
    Target {
        name: "zip",
        samples: zips,
        run: unpack,
    },
    Target {
        name: "zip-library",
        samples: fuzz_zip::samples,
        run: fuzz_zip::compare_with_library,
    },
    Target {
        name: "nfo",
        samples: nfos,
        run: read_and_repair,
    },
    Target {
        name: "encoding",
        samples: encoded_texts,
        run: decode_text,
    },
    Target {
        name: "sfv",
        samples: sfvs,
        run: parse_sfv,
    },
    Target {
        name: "book-document",
        samples: book_documents,
        run: read_book_document,
    },
    Target {
        name: "thumbnail",
        samples: cover_samples::images,
        run: draw_thumbnail,
    },
    Target {
        name: "object-stream",
        samples: object_streams,
        run: read_object_stream,
    },
    Target {
        name: "template",
        samples: templates,
        run: render_template,
    },
    Target {
        name: "json",
        samples: json_bodies,
        run: read_json,
    },
];

fn epubs() -> Vec<Vec<u8>> {
    let entities = samples::OPF3.replace(
        "<package",
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><package",
    );
    vec![
        samples::epub(samples::OPF3, &[]),
        samples::epub(
            &samples::OPF3.replace("3.0", "2.0"),
            &[("OEBPS/toc.ncx", b"<ncx/>")],
        ),
        samples::epub(&entities.replace("The Title", "&b;"), &[]),
    ]
}

fn pdfs() -> Vec<Vec<u8>> {
    vec![
        samples::pdf(1),
        samples::pdf(3),
        samples::pdf_of_references(),
        samples::pdf_with_fonts(),
        b"%PDF-1.4\ntrailer <</Root 1 0 R>>\n1 0 obj <</Type/Catalog>> endobj".to_vec(),
    ]
}

fn zips() -> Vec<Vec<u8>> {
    let inner = samples::zip(&[("deep.txt", b"deep")]);
    vec![
        samples::zip(&[
            ("a.txt", b"one"),
            ("folder/", b""),
            ("folder/b.bin", &[0; 5_000]),
        ]),
        samples::zip(&[
            ("1.jpg", &samples::jpeg(30, 40, 0)),
            ("2.png", &samples::png(30, 40)),
            ("3.webp", &samples::webp(30, 40)),
            (
                "ComicInfo.xml",
                b"<a><Pages><Page Image='1' ImageWidth='3'/></Pages></a>",
            ),
        ]),
        samples::zip(&[
            ("1.jpg", b"\xFF\xD8\xFF"),
            ("2.jpg", b"\xFF\xD8\xFF"),
            ("inner.zip", &inner),
        ]),
    ]
}

fn nfos() -> Vec<Vec<u8>> {
    let text = "╔═══╗\r\n║ Title....: [TITLE] ║\r\nAuthor : A & B\r\nISBN: 0-306-40615-2\r\nFiles:\r\n a.zip  12 MB  DEADBEEF\r\n";
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    vec![
        text.as_bytes().to_vec(),
        [0xFF, 0xFE].into_iter().chain(utf16).collect(),
        b"\xC9\xCD\xCD\xBB\n\xBA Titre : L'\x82t\x82 \xBA\n\xC8\xCD\xCD\xBC\x1ASAUCE00".to_vec(),
        b"\x1b[1;31mTitle\x1b[40Cx\r\r\n\t{{ mood }} %YEAR% \xE9t\xE9\n".to_vec(),
        b"\xEF\xBB\xBF\xDC\xDC\xDB\xDB\r\n**Title:** \"A\r\n           b\"\r\nPrint ISBN 0 306 40615 2\r\n".to_vec(),
        "ΓûêΓûê ├⌐\r\nÜÜÜÜÛÛÛÛ Ã© â–ˆ\r\nAuthor\tA, B, and \"C & D\"; N/A\r\n".as_bytes().to_vec(),
    ]
}

fn encoded_texts() -> Vec<Vec<u8>> {
    let text = "╔══╗ L’été œuvré… — ½ «ça» Серая гавань 灰色の港 ────\r\n";
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect();
    let mut texts = nfos();
    texts.extend([
        text.as_bytes().to_vec(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        b"\xFE\xFF\xFE \xC4\xC4\xC4 \x80\x93\x94 caf\xE9".to_vec(),
    ]);
    texts
}

fn sfvs() -> Vec<Vec<u8>> {
    vec![
        b"; made by hand\r\na.zip DEADBEEF\r\nb c.zip 0badcafe\r\n".to_vec(),
        b"\xEF\xBB\xBFx 00000000".to_vec(),
        b"; other tools\r.\\a\\.\\b.zip DEADBEEF\r0badcafe *\"c d.zip\"\rCRC32 (e) = 00000001\r# x\rf 1F\r\x1A".to_vec(),
    ]
}

fn book_documents() -> Vec<Vec<u8>> {
    let nav = "<html xmlns:epub='e'><head><title>T</title></head><body><nav epub:type='toc'><ol><li>\
        <a href='c1.xhtml#x'>One &amp; <b>o</b>ther</a><ol><li><span>Two</span></li></ol></li></ol></nav>\
        <p>Text <ruby>&#x5b57;<rt>ji</rt></ruby><img src='a.png'/><br></p></body></html>";
    let ncx = "<ncx><navMap><navPoint><navLabel><text>One</text></navLabel><content src='c1.xhtml'/>\
        <navPoint><navLabel><text>Two</text></navLabel></navPoint></navPoint></navMap><pageList/></ncx>";
    vec![nav.into(), ncx.into(), samples::OPF3.into()]
}

/// Reads a document of a book as its tables of contents, as a chapter and as its package document.
fn read_book_document(bytes: &[u8]) {
    let ncx = "<item id='x' href='toc.ncx' media-type='application/x-dtbncx+xml'/></manifest>";
    let opf = samples::OPF3.replace("</manifest>", ncx);
    let documents = [("OEBPS/nav.xhtml", bytes), ("OEBPS/toc.ncx", bytes)];
    analyze_bytes(&samples::epub(&opf, &documents));
    analyze_bytes(&samples::epub(&String::from_utf8_lossy(bytes), &[]));
}

/// Draws a thumbnail: an answer is JSON, and has a small JPEG or a reason.
fn draw_thumbnail(bytes: &[u8]) {
    let answer = Reader::Thumbnail.answer(&mut &*bytes).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let drawn = &answer["Ok"]["drawn"];
    assert!(
        drawn["Ok"].is_object() || drawn["Err"].is_string(),
        "{answer}"
    );
}

/// The index and the content of an object stream.
fn object_streams() -> Vec<Vec<u8>> {
    vec![
        b"7 0 8 11 <</Type/A>> [1 0 R 2 0 R]".to_vec(),
        b"5 0 6 3 % note\n() <AB> << /K [[[1]]] >> 9 0 9 0".to_vec(),
    ]
}

fn templates() -> Vec<Vec<u8>> {
    let templates = [
        "{{ title }}{% if isbn %} no {% else %}-{% endif %}",
        "{% for file in files %}{{ file.path ~ ' ' }}{% endfor %}{# {{ #}",
        "{% raw %}{{ {% endraw %}{{ (1 + 2) * [3, 4][0] }}{{ {'a': not title}.a }}",
    ];
    templates.map(|one| one.as_bytes().to_vec()).to_vec()
}

fn json_bodies() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"release_name": "A.Book-GRP", "compression": "high", "volume_size": 1000000}"#,
        r#"{"path": "a/b.epub", "dry_run": true, "apply": null, "template": "{{ title }}"}"#,
        r#"{"$serde_json::private::RawValue": "[[[[]]]]", "title": {"$serde_json::private::Number": "-"}}"#,
        r#"{"generate_nfo": [[[{"a": 1e999}]]], "group": "\u202e", "path": -0.0}"#,
    ];
    bodies.map(|one| one.as_bytes().to_vec()).to_vec()
}

fn read_object_stream(bytes: &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !b"0123456789 %\r\n".contains(byte));
    let (index, objects) = bytes.split_at(end.unwrap_or(bytes.len()));
    let index = String::from_utf8_lossy(index);
    analyze_bytes(&samples::pdf_with_object_stream(&index, objects));
}

fn render_template(bytes: &[u8]) {
    let template = String::from_utf8_lossy(bytes);
    // A variable may double in each block, which only the bounds of a child process end.
    if nfo_template::check(&template).is_ok()
        && !["set", "with"].iter().any(|tag| template.contains(tag))
    {
        let facts = Facts::new("A-GRP", "GRP", &Map::new(), &[], Time::from_millis(0));
        let _ = nfo_template::render(&facts, Some(&template), &in_process, &NoProgress);
    }
}

/// Reads a body or a message as the API and the queue do, and checks it as a configuration of each
/// job type. What was accepted is read back, as it is from the table.
fn read_json(bytes: &[u8]) {
    let Ok(config) = jobs::parse_object(bytes) else {
        return;
    };
    let stored = Value::Object(config.clone()).to_string();
    assert!(serde_json::from_str::<Value>(&stored).is_ok(), "{stored}");
    for job_type in JobType::ALL {
        let _ = Config::parse(*job_type, &config);
    }
}

fn analyze_bytes(bytes: &[u8]) {
    let _ = analyze(
        &mut Cursor::new(bytes),
        "x",
        bytes.len() as u64,
        &in_process,
        &mut Recorder::default(),
    );
}

fn unpack(bytes: &[u8]) {
    analyze_bytes(bytes);
    let mut cursor = Cursor::new(bytes);
    let Ok(archive) = Archive::open(&mut cursor, bytes.len() as u64) else {
        return;
    };
    let mut archive = archive.without_ratio_limit();
    for index in 0..archive.entries().len().min(20) {
        let _ = archive.copy(index, &mut sink(), &mut Recorder::default());
    }
}

fn read_and_repair(bytes: &[u8]) {
    let _ = read(&DecodedNfo::new(bytes).text);
    let Ok(first) = repair(bytes, &PlaceholderValues::new([])) else {
        return;
    };
    let again = repair(first.text.as_bytes(), &PlaceholderValues::new([])).unwrap();
    assert!(
        again.changes.is_empty(),
        "a repaired NFO is repaired again: {:?}",
        again.changes
    );
}

/// Decodes a text in each encoding like an independent decoder, and encodes it again.
fn decode_text(bytes: &[u8]) {
    let detected = detect(bytes);
    for (encoding, other) in [
        (Encoding::Utf8, UTF_8),
        (Encoding::Utf16Le, UTF_16LE),
        (Encoding::Utf16Be, UTF_16BE),
        (Encoding::Windows1252, WINDOWS_1252),
    ] {
        let text = decode(bytes, encoding);
        // A UTF-8 mark is dropped in any encoding of bytes, and also if it is repeated.
        if !bytes.starts_with(b"\xEF\xBB\xBF") || other == UTF_16LE || other == UTF_16BE {
            assert_eq!(text, other.decode_with_bom_removal(bytes).0);
        }
        if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0')) {
            assert!(matches!(
                detected,
                Encoding::Ascii | Encoding::Utf8 | Encoding::Utf8Bom
            ));
        }
        assert_eq!(
            decode(text.as_bytes(), Encoding::Utf8).trim_start_matches('\u{feff}'),
            text.trim_start_matches('\u{feff}')
        );
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let again = decode(&utf16, Encoding::Utf16Le);
        assert_eq!(again, text.strip_prefix('\u{feff}').unwrap_or(&text));
    }
    let text = decode(bytes, detected);
    if let Some((undone, kinds)) = mojibake::undo(&text) {
        assert!(!kinds.is_empty() && undone != text);
    }
}

fn parse_sfv(bytes: &[u8]) {
    if let Ok(first) = sfv::parse(bytes) {
        let rendered = sfv::render(&first);
        assert_eq!(sfv::parse(rendered.as_bytes()).unwrap(), first);
        let paths: Vec<&str> = first.keys().map(String::as_str).collect();
        let matched = sfv::match_files(bytes, &paths).unwrap();
        assert_eq!((&matched.checksums, matched.missing.len()), (&first, 0));
        assert!(
            sfv::match_files(rendered.as_bytes(), &paths)
                .unwrap()
                .is_strict
        );
    }
}

/// The findings of earlier runs.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn corpus_and_samples_are_parsed_without_a_finding() {
    for target in &TARGETS {
        for (path, bytes) in corpus(target) {
            let started = Instant::now();
            (target.run)(&bytes);
            assert!(
                started.elapsed() < MAX_INPUT_TIME,
                "{} takes {:?}",
                path.display(),
                started.elapsed()
            );
        }
        for sample in (target.samples)() {
            (target.run)(&sample);
        }
    }
}

/// Fuzzes each target for `FUZZ_SECONDS`. The current input is in `FUZZ_FOLDER`, so that it
/// survives if the process is killed for its memory or its time.
#[test]
#[ignore = "runs for a given time; use make fuzz"]
fn fuzz() {
    let seconds = env::var("FUZZ_SECONDS").map_or(1, |seconds| seconds.parse().unwrap());
    let seed = env::var("FUZZ_SEED").map_or_else(
        |_| u64::from(std::process::id()),
        |seed| seed.parse().unwrap(),
    );
    let folder = PathBuf::from(env::var("FUZZ_FOLDER").unwrap());
    for target in &TARGETS {
        let mut inputs = (target.samples)();
        inputs.extend(corpus(target).into_iter().map(|(_, bytes)| bytes));
        let (mut rng, mut runs, started) = (StdRng::seed_from_u64(seed), 0_u64, Instant::now());
        while started.elapsed() < Duration::from_secs(seconds) {
            let bytes = mutate(&inputs, &mut rng);
            fs::write(folder.join(target.name), &bytes).unwrap();
            let run_started = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes)));
            assert!(
                outcome.is_ok(),
                "{}: the input in {} panics",
                target.name,
                folder.display()
            );
            assert!(
                run_started.elapsed() < MAX_INPUT_TIME,
                "{}: the input in {} hangs",
                target.name,
                folder.display()
            );
            runs += 1;
        }
        fs::remove_file(folder.join(target.name)).unwrap();
        println!("{}: {runs} inputs, seed {seed}", target.name);
    }
}
