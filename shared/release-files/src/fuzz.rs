//! Arbitrary bytes for everything that reads files: no input may panic, hang, or take much memory.
//!
//! `make fuzz` runs [`fuzz`] for a while on changed samples. What it finds is kept in `corpus/`,
//! all of which every run of the tests reads again.
#![expect(
    clippy::disallowed_methods,
    reason = "make says for how long, and a finding is told by its time"
)]

use std::{
    env, fs,
    io::{Cursor, sink},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use text::encoding::{decode, detect};

use crate::{
    formats::{analyse, archive::Archive, samples},
    nfo::{
        read::read,
        repair::{Known, repair},
    },
    package::sfv,
    watch::testing::Recorder,
};

/// How long a reader may take for an input of some kilobytes, on a slow machine without optimisation.
const PATIENCE: Duration = Duration::from_secs(10);
/// Inputs are changed only below this size.
const MAX_BYTES: usize = 32 * 1024;

/// A reader and what it is fed.
struct Target {
    name: &'static str,
    samples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]),
}

const TARGETS: [Target; 5] = [
    Target {
        name: "epub",
        samples: epubs,
        run: analysed,
    },
    Target {
        name: "pdf",
        samples: pdfs,
        run: analysed,
    },
    Target {
        name: "zip",
        samples: zips,
        run: unpacked,
    },
    Target {
        name: "nfo",
        samples: nfos,
        run: repaired,
    },
    Target {
        name: "sfv",
        samples: sfvs,
        run: checksums,
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
    ]
}

fn sfvs() -> Vec<Vec<u8>> {
    vec![
        b"; made by hand\r\na.zip DEADBEEF\r\nb c.zip 0badcafe\r\n".to_vec(),
        b"\xEF\xBB\xBFx 00000000".to_vec(),
    ]
}

fn analysed(bytes: &[u8]) {
    let _ = analyse(
        &mut Cursor::new(bytes),
        "x",
        bytes.len() as u64,
        &mut Recorder::default(),
    );
}

fn unpacked(bytes: &[u8]) {
    analysed(bytes);
    let mut cursor = Cursor::new(bytes);
    let Ok(archive) = Archive::open(&mut cursor, bytes.len() as u64) else {
        return;
    };
    let mut archive = archive.trusted();
    for index in 0..archive.entries().len().min(20) {
        let _ = archive.copy(index, &mut sink(), &mut Recorder::default());
    }
}

fn repaired(bytes: &[u8]) {
    let _ = read(&decode(bytes, detect(bytes)));
    let Ok(first) = repair(bytes, &Known::new([])) else {
        return;
    };
    let again = repair(first.text.as_bytes(), &Known::new([])).unwrap();
    assert!(
        again.changes.is_empty(),
        "a repaired NFO is repaired again: {:?}",
        again.changes
    );
}

fn checksums(bytes: &[u8]) {
    if let Ok(first) = sfv::parse(bytes) {
        assert_eq!(sfv::parse(sfv::render(&first).as_bytes()).unwrap(), first);
    }
}

/// Where inputs that were found to matter are kept.
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
fn nothing_that_was_ever_found_harms_again() {
    for target in &TARGETS {
        for (path, bytes) in corpus(target) {
            let begun = Instant::now();
            (target.run)(&bytes);
            assert!(
                begun.elapsed() < PATIENCE,
                "{} takes {:?}",
                path.display(),
                begun.elapsed()
            );
        }
        for sample in (target.samples)() {
            (target.run)(&sample);
        }
    }
}

/// Feeds each target for `FUZZ_SECONDS`. The input of the moment stands in `FUZZ_FOLDER`, so that
/// it survives a process that is killed for its memory or its time.
#[test]
#[ignore = "runs for as long as it is told: make fuzz"]
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
        let (mut chance, mut runs, begun) = (Chance(seed.max(1)), 0_u64, Instant::now());
        while begun.elapsed() < Duration::from_secs(seconds) {
            let bytes = changed(&inputs, &mut chance);
            fs::write(folder.join(target.name), &bytes).unwrap();
            let (one, finding) = (
                Instant::now(),
                catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))),
            );
            assert!(
                finding.is_ok(),
                "{}: the input in {} panics",
                target.name,
                folder.display()
            );
            assert!(
                one.elapsed() < PATIENCE,
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

/// Numbers that look like chance, and are the same for the same seed (Marsaglia's xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end.max(1)
    }
}

/// One of the inputs with up to a dozen changes.
fn changed(inputs: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = inputs[chance.below(inputs.len())].clone();
    for _ in 0..=chance.below(12) {
        let (at, end) = (chance.below(bytes.len() + 1), chance.below(bytes.len() + 1));
        let (from, to) = (at.min(end), at.max(end));
        match chance.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            // What sizes, counts and offsets break at.
            2 => {
                let edges = [0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, u64::MAX];
                let edge = edges[chance.below(edges.len())].to_le_bytes();
                let width = [1, 2, 4, 8][chance.below(4)];
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(&edge[..width])
                    .for_each(|(byte, new)| *byte = *new);
            }
            3 => drop(bytes.drain(from..to.min(from + 64))),
            4 => bytes.truncate(to),
            5 => {
                let part = bytes[from..to].to_vec();
                bytes.splice(at..at, part);
            }
            6 => {
                let other = &inputs[chance.below(inputs.len())];
                let start = chance.below(other.len());
                bytes.splice(from..to, other[start..].iter().copied());
            }
            _ => {
                let word = WORDS[chance.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
        bytes.truncate(MAX_BYTES);
    }
    bytes
}

/// What the readers look for.
const WORDS: [&[u8]; 24] = [
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"../",
    b"/",
    b"\0",
    b"\xFF\xFE",
    b"\xEF\xBB\xBF",
    b"obj",
    b"endobj",
    b"stream\n",
    b"xref\n",
    b"/Length 99999999",
    b"/Encrypt 1 0 R",
    b"1 0 R",
    b"<<",
    b">>",
    b"<!DOCTYPE",
    b"&a;",
    b"\x1b[99999C",
    b"{{ title }}",
    b"\r",
];
