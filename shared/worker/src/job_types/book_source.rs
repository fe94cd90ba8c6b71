//! Finds the source file that is the book, which completes the release's metadata.

use release_files::{
    formats::Format,
    paths::{file_name, has_extension},
};

/// Maximum source files to read in search of the book. Each costs a request or two.
const MAX_PROBED: usize = 8;

/// The extensions of books, which are read first.
const BOOK_EXTENSIONS: [&str; 18] = [
    "epub", "kepub", "pdf", "cbz", "cbr", "cb7", "cbt", "mobi", "azw", "azw3", "prc", "fb2", "fbz",
    "djvu", "djv", "chm", "lit", "rtf",
];
/// The extensions of files that accompany a book, which are not read.
const OTHER_EXTENSIONS: [&str; 32] = [
    "txt", "nfo", "diz", "sfv", "md5", "sha1", "sha256", "crc", "par2", "md", "url", "log", "cue",
    "m3u", "m3u8", "opf", "xml", "json", "htm", "html", "css", "jpg", "jpeg", "png", "gif", "webp",
    "bmp", "tif", "tiff", "mp3", "flac", "m4b",
];

/// Selects the files to read in search of the book, by the positions of their paths: those with a
/// book's extension, then those that may be anything, each in order. The first file is always among
/// them, since its format describes a release without a book.
pub(super) fn candidates(paths: &[&str]) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..paths.len())
        .filter(|at| !has_any_extension(paths[*at], &OTHER_EXTENSIONS))
        .collect();
    positions.sort_by_key(|at| !has_any_extension(paths[*at], &BOOK_EXTENSIONS));
    positions.truncate(MAX_PROBED);
    if !paths.is_empty() && !positions.contains(&0) {
        positions.truncate(MAX_PROBED - 1);
        positions.push(0);
    }
    positions
}

/// Returns whether a file has a book's extension.
pub(super) fn may_be_book(path: &str) -> bool {
    has_any_extension(path, &BOOK_EXTENSIONS)
}

/// Returns whether a file is a book by its content. An archive is one by its extension, too: `.cbr`.
pub(super) fn is_book(path: &str, format: Format) -> bool {
    match format {
        Format::Epub
        | Format::Pdf
        | Format::Cbz
        | Format::Mobi
        | Format::Djvu
        | Format::Chm
        | Format::FictionBook => true,
        format => {
            let mut usual = format.usual_extensions().iter();
            usual.any(|usual| BOOK_EXTENSIONS.contains(usual) && has_extension(path, usual))
        }
    }
}

fn has_any_extension(path: &str, extensions: &[&str]) -> bool {
    let name = file_name(path);
    extensions
        .iter()
        .any(|extension| has_extension(name, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_are_read_before_unknown_files_and_others_not_at_all() {
        for (paths, expected) in [
            (&["book.epub", "other.pdf"][..], &[0, 1][..]),
            (&["00-readme.txt", "book.epub"], &[1, 0]),
            (&["a", "b.NFO", "c.PDF", "d.bin"], &[2, 0, 3]),
            (&["a.jpg", "b.jpg", "c.nfo"], &[0]),
            (&["dir.epub/cover.jpg", "x.txt"], &[0]),
            (&[], &[]),
        ] {
            assert_eq!(candidates(paths), expected, "{paths:?}");
        }
        let many = vec!["chapter.pdf"; 100];
        assert_eq!(candidates(&many), (0..MAX_PROBED).collect::<Vec<_>>());
        let many = [vec!["a.txt"], vec!["chapter.pdf"; 100]].concat();
        assert_eq!(candidates(&many), [1, 2, 3, 4, 5, 6, 7, 0]);
    }

    #[test]
    fn book_is_told_by_its_content() {
        for (path, format, expected) in [
            ("book", Format::Epub, true),
            ("book.txt", Format::FictionBook, true),
            ("comic.CBR", Format::Rar, true),
            ("backup.rar", Format::Rar, false),
            ("letter.rtf", Format::Rtf, true),
            ("fake.epub", Format::Text, false),
            ("fake.epub", Format::Zip, false),
            ("cover.jpg", Format::Jpeg, false),
        ] {
            assert_eq!(is_book(path, format), expected, "{path}");
        }
    }
}
