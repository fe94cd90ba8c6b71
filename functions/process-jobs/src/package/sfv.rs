//! The SFV: a line a file, its name and its CRC-32.

use super::PackageFile;

/// The SFV of `files`, in the order of their names.
#[must_use]
pub fn render(files: &[PackageFile]) -> String {
    let mut files: Vec<&PackageFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.iter().flat_map(|file| [file.path.as_str(), " ", file.crc32.as_str(), "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_a_line_with_its_crc32() {
        let files = [PackageFile::of("b.nfo", b""), PackageFile::of("a.zip", b"123456789")];
        assert_eq!(render(&files), "a.zip CBF43926\r\nb.nfo 00000000\r\n");
    }
}
