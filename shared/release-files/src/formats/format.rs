//! The file formats that an analysis recognizes.

use serde::{Deserialize, Serialize};

/// Generates [`Format`] from a list of formats: variant, name in an analysis, media type, and usual
/// extensions. With `..`, any other extension is allowed that is not usual for another format.
macro_rules! formats {
    ($($variant:ident = $name:literal, $media_type:literal,
        [$($extension:literal),* $(; $open:tt)?];)+) => {
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

            /// Every format.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The usual extensions of the format.
            #[must_use]
            pub const fn usual_extensions(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($extension),*],)+
                }
            }

            /// Returns whether other extensions than the usual ones are allowed.
            const fn is_open(self) -> bool {
                match self {
                    $(Self::$variant => {
                        let marks: &[&str] = &[$(stringify!($open))?];
                        !marks.is_empty()
                    })+
                }
            }
        }
    };
}

formats! {
    Epub = "epub", "application/epub+zip", ["epub"];
    Pdf = "pdf", "application/pdf", ["pdf"];
    Cbz = "cbz", "application/vnd.comicbook+zip", ["cbz", "zip"];
    Zip = "zip", "application/zip", ["zip"; ..];
    Rar = "rar", "application/vnd.rar", ["rar", "cbr"];
    SevenZip = "7z", "application/x-7z-compressed", ["7z", "cb7"];
    Gzip = "gzip", "application/gzip", ["gz", "tgz"; ..];
    Mobi = "mobi", "application/x-mobipocket-ebook", ["mobi", "azw", "azw3", "prc"];
    Djvu = "djvu", "image/vnd.djvu", ["djvu", "djv"];
    Chm = "chm", "application/vnd.ms-htmlhelp", ["chm"];
    Rtf = "rtf", "application/rtf", ["rtf"];
    Html = "html", "text/html", ["html", "htm", "xhtml"; ..];
    FictionBook = "fb2", "application/x-fictionbook+xml", ["fb2"; ..];
    Xml = "xml", "application/xml", ["xml", "opf", "ncx", "svg"; ..];
    Text = "text", "text/plain", ["txt", "nfo", "diz", "sfv", "md"; ..];
    Jpeg = "jpeg", "image/jpeg", ["jpg", "jpeg", "jpe", "jfif"];
    Png = "png", "image/png", ["png"];
    Gif = "gif", "image/gif", ["gif"];
    Webp = "webp", "image/webp", ["webp"];
    Wav = "wav", "audio/wav", ["wav", "wave"; ..];
    Mp3 = "mp3", "audio/mpeg", ["mp3"; ..];
    Flac = "flac", "audio/flac", ["flac"; ..];
    Ogg = "ogg", "audio/ogg", ["ogg", "oga", "ogv", "opus"; ..];
    Mp4 = "mp4", "video/mp4", ["mp4", "m4a", "m4b", "m4v", "mov"; ..];
    Matroska = "matroska", "video/x-matroska", ["mkv", "mka", "webm"; ..];
    Unknown = "unknown", "application/octet-stream", [; ..];
}

impl Format {
    /// Returns whether a file of this format may have this extension.
    #[must_use]
    pub fn allows_extension(self, extension: &str) -> bool {
        let is_usual = |format: &Self| {
            let usual = format.usual_extensions();
            usual.iter().any(|one| one.eq_ignore_ascii_case(extension))
        };
        let owners = || Self::ALL.iter().filter(|format| is_usual(format));
        // The text formats contain one another: HTML may be XML, and a part of it is text.
        let is_allowed = |owner: &Self| self.is_textual() && owner.is_textual();
        is_usual(&self) || (self.is_open() && owners().all(is_allowed))
    }

    const fn is_textual(self) -> bool {
        matches!(
            self,
            Self::Html | Self::FictionBook | Self::Xml | Self::Text
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_allows_its_usual_extensions() {
        for (format, extension, allowed) in [
            (Format::Cbz, "ZIP", true),
            (Format::Cbz, "rar", false),
            (Format::Text, "nfo", true),
            (Format::Text, "html", true),
            (Format::Text, "anything", true),
            (Format::Text, "pdf", false),
            (Format::Xml, "xhtml", true),
            (Format::Zip, "zip", true),
            (Format::Zip, "jar", true),
            (Format::Zip, "cbz", false),
            (Format::Gzip, "svgz", true),
            (Format::Jpeg, "anything", false),
            (Format::Mp4, "heic", true),
            (Format::Mp4, "mp3", false),
        ] {
            assert_eq!(
                format.allows_extension(extension),
                allowed,
                "{format:?} {extension}"
            );
        }
    }

    #[test]
    fn extension_of_another_format_is_never_allowed() {
        for format in Format::ALL {
            for owner in Format::ALL {
                for extension in owner.usual_extensions() {
                    let is_own = format.usual_extensions().contains(extension);
                    let is_text = format.is_textual() && owner.is_textual();
                    let is_allowed = format.allows_extension(extension);
                    assert_eq!(is_allowed, is_own || is_text, "{format:?} {extension}");
                }
            }
        }
        for format in Format::ALL {
            assert_eq!(
                format.allows_extension("EPUB"),
                *format == Format::Epub,
                "{format:?}"
            );
        }
    }
}
