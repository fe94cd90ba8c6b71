//! The SFV: a line a file, its name and its CRC-32.

use super::PackageFile;

/// The SFV of `files`, in the order of their names.
#[must_use]
pub fn render(files: &[PackageFile]) -> String {
    let mut files: Vec<&PackageFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.iter().flat_map(|file| [file.path.as_str(), " ", file.crc32.as_str(), "\r\n"]).collect()
}

/// The SFV `text` with the CRC-32 of the file `name` set to `crc32`: in its line, or in a new
/// one at the end. All other lines, comments too, stay as they are.
#[must_use]
pub fn with_crc32(text: &str, name: &str, crc32: &str) -> String {
    let is_its = |line: &str| line.rsplit_once(' ').is_some_and(|(file, _)| file.trim_end().eq_ignore_ascii_case(name));
    let mut found = false;
    let new = format!("{name} {crc32}");
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        let its = is_its(line.trim_end());
        found |= its;
        lines.push(if its { &new } else { line });
    }
    if !found {
        lines.push(&new);
    }
    lines.into_iter().flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_files_crc32_changes_and_the_rest_stays() {
        let sfv = "; made by hand\r\na.zip CBF43926\r\nb c.nfo 00000000\r\n";
        let expected = "; made by hand\r\na.zip CBF43926\r\nb c.nfo 12345678\r\n";
        assert_eq!(with_crc32(sfv, "b c.nfo", "12345678"), expected);
        assert_eq!(with_crc32("a.zip CBF43926", "b.nfo", "12345678"), "a.zip CBF43926\r\nb.nfo 12345678\r\n");
    }

    #[test]
    fn each_file_has_a_line_with_its_crc32() {
        let files = [PackageFile::of("b.nfo", b""), PackageFile::of("a.zip", b"123456789")];
        assert_eq!(render(&files), "a.zip CBF43926\r\nb.nfo 00000000\r\n");
    }
}
