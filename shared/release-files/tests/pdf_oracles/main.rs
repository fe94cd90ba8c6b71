//! The facts of PDFs against those that pdfinfo, pdffonts and qpdf find in the same files.
//!
//! Without these tools, the test says so and ends; where `CI` is `true`, it fails. `PDF_SAMPLES` may
//! name a folder of further PDFs.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment says whether the tools must be there"
)]

mod makers;
mod oracles;

use std::{
    env, fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use release_files::{
    formats::{Analysis, PdfCipher, PdfEncryption, analyze},
    isolation::in_process,
    progress::NoProgress,
};

use self::oracles::{has_tools, pdf_fonts, pdf_info, qpdf, qpdf_encryption};

/// The largest difference of a length, in points: a tool shows six digits, an analysis two decimals.
const ROUNDING: f64 = 0.011;
/// The largest difference between pages of the same size, in points.
const SAME_SIZE: f64 = 1.0;
/// The largest PDF that is compared, in bytes. A larger one is not read as a whole.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// The user password of the PDFs that have one.
const PASSWORD: &str = "secret";

/// The folder of further PDFs that many systems have.
const SYSTEM_SAMPLES: &str = "/usr/share/doc";

/// What qpdf makes of a PDF, by name.
const VARIANTS: [(&str, &[&str]); 5] = [
    ("streams", &["--object-streams=generate"]),
    ("linear", &["--linearize"]),
    (
        "linear-streams",
        &["--linearize", "--object-streams=generate"],
    ),
    ("rotated", &["--rotate=+90:1"]),
    ("plain", &["--qdf", "--object-streams=disable"]),
];

/// How qpdf encrypts a PDF, by name: with a key of this many bits, and with these options.
const ENCRYPTIONS: [(&str, &str, &[&str]); 9] = [
    ("rc4-40", "40", &[]),
    (
        "rc4-40-bare",
        "40",
        &["--print=n", "--modify=n", "--extract=n", "--annotate=n"],
    ),
    ("rc4-128", "128", &["--use-aes=n", "--modify=none"]),
    ("rc4-128-v4", "128", &["--force-V4", "--print=none"]),
    ("aes-128", "128", &["--use-aes=y", "--extract=n"]),
    (
        "aes-128-open",
        "128",
        &["--use-aes=y", "--cleartext-metadata"],
    ),
    ("aes-256", "256", &["--modify=annotate"]),
    (
        "aes-256-bare",
        "256",
        &["--print=none", "--modify=none", "--extract=n"],
    ),
    ("aes-256-r5", "256", &["--force-R5", "--modify=form"]),
];

#[test]
fn made_pdfs_have_the_facts_that_other_tools_find() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for (name, bytes) in makers::pdfs() {
        let path = folder.path().join(format!("{name}.pdf"));
        fs::write(&path, bytes).unwrap();
        compare(&path, None);
        compared += 1;
        for (variant, options) in VARIANTS {
            let made = folder.path().join(format!("{name}-{variant}.pdf"));
            qpdf(options, &path, &made);
            compare(&made, None);
            compared += 1;
        }
    }
    assert!(compared >= 30, "{compared}");
}

#[test]
fn encrypted_pdfs_have_the_facts_that_other_tools_find() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.pdf");
    let pdfs = makers::pdfs();
    fs::write(&plain, &pdfs.last().unwrap().1).unwrap();
    for (name, bits, options) in ENCRYPTIONS {
        for password in ["", PASSWORD] {
            let made = folder.path().join(format!("{name}-{password}.pdf"));
            let start = ["--allow-weak-crypto", "--object-streams=generate"];
            let encrypt = ["--encrypt", password, "owner", bits];
            let options = [&start[..], &encrypt, options, &["--"]].concat();
            qpdf(&options, &plain, &made);
            compare(&made, Some(password));
            let encryption = read(&made).pdf.unwrap().encryption.unwrap();
            assert_eq!(encryption.key_bits.unwrap().to_string(), bits, "{name}");
        }
    }
}

#[test]
fn real_pdfs_have_the_facts_that_other_tools_find() {
    if !has_tools() {
        return;
    }
    let folder = env::var_os("PDF_SAMPLES").map_or_else(|| SYSTEM_SAMPLES.into(), PathBuf::from);
    let (mut pdfs, mut folders) = (Vec::new(), vec![folder]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pdf") {
                pdfs.push(path);
            }
        }
    }
    pdfs.sort();
    for pdf in pdfs {
        // What the tool does not open has no facts to compare.
        if fs::metadata(&pdf).unwrap().len() <= MAX_BYTES && oracles::opens(&pdf) {
            compare(&pdf, None);
        }
    }
}

fn read(path: &Path) -> Analysis {
    let bytes = fs::read(path).unwrap();
    let size = bytes.len() as u64;
    let mut cursor = Cursor::new(bytes);
    analyze(&mut cursor, "a.pdf", size, &in_process, &mut NoProgress).unwrap()
}

/// Compares an analysis of a PDF with what the tools say. With a password, the PDF is encrypted.
fn compare(path: &Path, password: Option<&str>) {
    let analysis = read(path);
    let name = path.display().to_string();
    let facts = analysis.pdf.expect(&name);
    if analysis.mediainfo.damaged {
        assert_eq!(password, None, "{name}");
        return;
    }
    compare_encryption(&name, path, facts.encryption.as_ref(), password);
    if facts
        .encryption
        .is_some_and(|one| one.needs_password != Some(false))
    {
        assert_eq!((facts.page_width, facts.fonts), (None, None), "{name}");
        return;
    }
    let info = pdf_info(path, "");
    let sizes = info.sizes();
    let (width, height) = sizes[0];
    let found = (
        facts.page_width.expect(&name),
        facts.page_height.expect(&name),
    );
    assert!(
        (found.0 - width).abs() < ROUNDING,
        "{name}: {found:?} {width}"
    );
    assert!(
        (found.1 - height).abs() < ROUNDING,
        "{name}: {found:?} {height}"
    );
    let is_other = |size: &(f64, f64)| {
        (size.0 - width).abs() > SAME_SIZE || (size.1 - height).abs() > SAME_SIZE
    };
    assert_eq!(
        facts.mixed_page_sizes,
        Some(sizes.iter().any(is_other)),
        "{name}"
    );
    assert_eq!(
        facts.tagged,
        Some(info.value("Tagged") == Some("yes")),
        "{name}"
    );
    let fonts = pdf_fonts(path);
    assert_eq!(facts.fonts, Some(fonts.len() as u64), "{name}: {fonts:?}");
    let mut missing: Vec<String> = fonts
        .into_iter()
        .filter_map(|(font, is_embedded)| (!is_embedded).then_some(font))
        .collect();
    missing.sort();
    missing.dedup();
    assert_eq!(facts.fonts_not_embedded, missing, "{name}");
}

fn compare_encryption(
    name: &str,
    path: &Path,
    found: Option<&PdfEncryption>,
    password: Option<&str>,
) {
    let expected = qpdf_encryption(path, password.unwrap_or_default());
    assert_eq!(found.is_some(), expected.is_some(), "{name}");
    assert!(found.is_some() || password.is_none(), "{name}");
    let Some((found, expected)) = found.zip(expected) else {
        return;
    };
    let permissions = found.permissions.unwrap();
    assert_eq!(found.handler.as_deref(), Some("Standard"), "{name}");
    assert_eq!(found.revision, Some(expected.revision), "{name}");
    assert_eq!(
        found.needs_password,
        Some(expected.needs_password),
        "{name}"
    );
    assert_eq!(permissions, expected.permissions, "{name}");
    let info = pdf_info(path, password.unwrap_or_default());
    let yes = |is_allowed: bool| if is_allowed { "yes" } else { "no" };
    let algorithm = match (found.cipher, found.key_bits) {
        (Some(PdfCipher::Rc4), _) => "RC4",
        (_, Some(256)) => "AES-256",
        _ => "AES",
    };
    let shown = format!(
        "yes (print:{} copy:{} change:{} addNotes:{} algorithm:{algorithm})",
        yes(permissions.print),
        yes(permissions.copy),
        yes(permissions.modify),
        yes(permissions.annotate),
    );
    assert_eq!(info.value("Encrypted"), Some(&shown[..]), "{name}");
}
