//! The file formats that an analysis recognizes.

use serde::{Deserialize, Serialize};

/// Generates [`Format`] from a list of formats: variant, name in an analysis, media type, and usual
/// extensions (empty if any is allowed).
macro_rules! formats {
    ($($variant:ident = $name:literal, $media_type:literal, [$($extension:literal),*];)+) => {
        /// A file format, detected from the content.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Format {
            $(#[doc = concat!("`", $media_type, "`")] #[serde(rename = $name)] $variant,)+
        }

        impl Format {
            /// The name in an analysis.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The media type.
            #[must_use]
            pub const fn media_type(self) -> &'static str {
                match self {
                    $(Self::$variant => $media_type,)+
                }
            }

            /// The usual extensions of the format; empty if any is allowed.
            #[must_use]
            pub const fn usual_extensions(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($extension),*],)+
                }
            }
        }
    };
}

formats! {
    Epub = "epub", "application/epub+zip", ["epub"];
    Pdf = "pdf", "application/pdf", ["pdf"];
    Cbz = "cbz", "application/vnd.comicbook+zip", ["cbz", "zip"];
    Zip = "zip", "application/zip", [];
    Rar = "rar", "application/vnd.rar", ["rar", "cbr"];
    SevenZip = "7z", "application/x-7z-compressed", ["7z", "cb7"];
    Gzip = "gzip", "application/gzip", [];
    Mobi = "mobi", "application/x-mobipocket-ebook", ["mobi", "azw", "azw3", "prc"];
    Djvu = "djvu", "image/vnd.djvu", ["djvu", "djv"];
    Chm = "chm", "application/vnd.ms-htmlhelp", ["chm"];
    Rtf = "rtf", "application/rtf", ["rtf"];
    Html = "html", "text/html", [];
    FictionBook = "fb2", "application/x-fictionbook+xml", [];
    Xml = "xml", "application/xml", [];
    Text = "text", "text/plain", [];
    Jpeg = "jpeg", "image/jpeg", ["jpg", "jpeg", "jfif"];
    Png = "png", "image/png", ["png"];
    Gif = "gif", "image/gif", ["gif"];
    Webp = "webp", "image/webp", ["webp"];
    Wav = "wav", "audio/wav", [];
    Mp3 = "mp3", "audio/mpeg", [];
    Flac = "flac", "audio/flac", [];
    Ogg = "ogg", "audio/ogg", [];
    Mp4 = "mp4", "video/mp4", [];
    Matroska = "matroska", "video/x-matroska", [];
    Unknown = "unknown", "application/octet-stream", [];
}

impl Format {
    /// Returns whether this extension is usual for the format.
    #[must_use]
    pub fn allows_extension(self, extension: &str) -> bool {
        let usual = self.usual_extensions();
        usual.is_empty() || usual.iter().any(|one| one.eq_ignore_ascii_case(extension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_allows_its_usual_extensions() {
        assert_eq!(Format::Cbz.usual_extensions(), ["cbz", "zip"]);
        assert!(Format::Text.usual_extensions().is_empty());
        for (format, extension, allowed) in [
            (Format::Cbz, "ZIP", true),
            (Format::Cbz, "rar", false),
            (Format::Text, "nfo", true),
        ] {
            assert_eq!(format.allows_extension(extension), allowed, "{extension}");
        }
    }
}
