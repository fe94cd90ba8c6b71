//! What pdfinfo, pdffonts and qpdf say of a PDF.

use std::{
    env,
    path::Path,
    process::{Command, Output},
};

use release_files::formats::PdfPermissions;

/// Returns whether the tools are installed; says so if not.
///
/// # Panics
/// If they are not, where `CI` is `true`.
pub fn has_tools() -> bool {
    let is_missing = |tool: &&str| Command::new(tool).arg("--version").output().is_err();
    let missing: Vec<_> = ["pdfinfo", "pdffonts", "qpdf"]
        .into_iter()
        .filter(is_missing)
        .collect();
    assert!(
        missing.is_empty() || env::var("CI").as_deref() != Ok("true"),
        "{missing:?} must be installed"
    );
    if !missing.is_empty() {
        println!("Nothing is compared: install {missing:?}");
    }
    missing.is_empty()
}

fn run(tool: &str, options: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(tool);
    command.env("LC_ALL", "C.UTF-8").args(options).args(paths);
    command.output().unwrap()
}

/// Makes a PDF of another one with qpdf.
pub fn qpdf(options: &[&str], from: &Path, to: &Path) {
    let output = run("qpdf", options, &[from, to]);
    // A warning is no failure.
    let is_made = matches!(output.status.code(), Some(0 | 3));
    assert!(is_made, "{}: {output:?}", to.display());
}

/// Returns whether pdfinfo and qpdf open a PDF without a password and without repairs.
pub fn opens(path: &Path) -> bool {
    let info = run("pdfinfo", &[], &[path]);
    let is_sound = info.status.success() && info.stderr.is_empty();
    is_sound && run("qpdf", &["--show-npages"], &[path]).status.success()
}

/// The lines of pdfinfo.
pub struct Info(String);

/// Reads the facts of a PDF and of its pages with pdfinfo.
pub fn pdf_info(path: &Path, password: &str) -> Info {
    let options = ["-f", "1", "-l", "100000", "-upw", password];
    let output = run("pdfinfo", &options, &[path]);
    assert!(output.status.success(), "{}: {output:?}", path.display());
    Info(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Info {
    /// The value of a line.
    pub fn value(&self, name: &str) -> Option<&str> {
        let lines = self.0.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        values.next().map(str::trim)
    }

    /// The sizes of the pages, after their rotation.
    pub fn sizes(&self) -> Vec<(f64, f64)> {
        let mut sizes = Vec::new();
        for line in self.0.lines().filter(|line| line.starts_with("Page ")) {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["Page", _, "size:", width, "x", height, ..] => {
                    sizes.push((width.parse().unwrap(), height.parse().unwrap()));
                }
                ["Page", _, "rot:", "90" | "270"] => {
                    let (width, height) = sizes.pop().unwrap();
                    sizes.push((height, width));
                }
                _ => {}
            }
        }
        sizes
    }
}

/// Reads the fonts of a PDF with pdffonts: the name of each, and whether it is embedded.
pub fn pdf_fonts(path: &Path) -> Vec<(String, bool)> {
    let output = run("pdffonts", &[], &[path]);
    assert!(output.status.success(), "{}: {output:?}", path.display());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().skip(2).map(font).collect()
}

/// Parses a line of pdffonts: name, type, encoding, `emb`, `sub`, `uni` and the object's id.
fn font(line: &str) -> (String, bool) {
    let mut words = line.split_whitespace().rev();
    // A font that is no object of its own has no id.
    if words.next() != Some("[none]") {
        words.next();
    }
    let is_embedded = words.nth(2) == Some("yes");
    let name: String = line.chars().take(37).collect();
    (name.trim().to_owned(), is_embedded)
}

/// The encryption of a PDF.
pub struct Encryption {
    pub revision: u32,
    pub needs_password: bool,
    pub permissions: PdfPermissions,
}

/// Reads the encryption of a PDF with qpdf; `None` if it has none.
pub fn qpdf_encryption(path: &Path, password: &str) -> Option<Encryption> {
    let password = format!("--password={password}");
    let output = run("qpdf", &["--show-encryption", &password], &[path]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("File is not encrypted") {
        return None;
    }
    let value = |name: &str, separator: &str| {
        let lines = text.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(separator));
        let value = values.next();
        value.unwrap_or_else(|| panic!("{name} of {}: {text}", path.display()))
    };
    let is_allowed = |name: &str| value(name, ": ") == "allowed";
    let flags: i64 = value("P", " = ").parse().unwrap();
    Some(Encryption {
        revision: value("R", " = ").parse().unwrap(),
        // The status for a password that is required.
        needs_password: run("qpdf", &["--requires-password"], &[path]).status.code() == Some(0),
        permissions: PdfPermissions {
            print: is_allowed("print low resolution"),
            copy: is_allowed("extract for any purpose"),
            modify: is_allowed("modify other"),
            // qpdf shows it together with others.
            annotate: flags & (1 << 5) != 0,
        },
    })
}
