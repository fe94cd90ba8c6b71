//! The technical facts of a PDF, in the shape of their JSON.

use serde::{Deserialize, Serialize};

/// The technical facts of a PDF. A fact is `None` if it was not read: of a PDF without
/// cross-references, one of more than 16 MiB, or one that needs a password. Of these, the encryption
/// and the claim of PDF/A may be known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PdfFacts {
    /// The width of the first page as a reader shows it, in points with two decimals: that of its
    /// crop box, after its rotation.
    pub page_width: Option<f64>,
    /// The height of the first page, as `page_width`.
    pub page_height: Option<f64>,
    /// Whether one of the first [`PdfFacts::MAX_PAGES`] pages differs from the first by more than a
    /// point.
    pub mixed_page_sizes: Option<bool>,
    /// Whether the catalog says that the document is tagged.
    pub tagged: Option<bool>,
    /// Whether it has an outline with entries.
    pub has_outline: Option<bool>,
    /// The number of distinct fonts in the resources of the first [`PdfFacts::MAX_PAGES`] pages.
    pub fonts: Option<u64>,
    /// The names of the fonts that are not embedded, in alphabetical order: at most
    /// [`PdfFacts::MAX_NAMES`].
    pub fonts_not_embedded: Vec<String>,
    /// The part and level of PDF/A that its XMP claims, such as `PDF/A-2b`.
    pub pdf_a: Option<String>,
    /// The encryption; `None`, too, if it is not encrypted.
    pub encryption: Option<PdfEncryption>,
}

impl PdfFacts {
    /// The largest number of pages that are read.
    pub const MAX_PAGES: usize = 10_000;
    /// The largest number of listed names.
    pub const MAX_NAMES: usize = 50;
}

/// The encryption of a PDF, according to its encryption dictionary (ISO 32000-2, 7.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PdfEncryption {
    /// The security handler: `Standard`, which works by passwords, or the name of another.
    pub handler: Option<String>,
    /// The revision of the standard handler, from 2 to 6.
    pub revision: Option<u32>,
    /// The cipher of the content; `None` if it is another, or none.
    pub cipher: Option<PdfCipher>,
    /// The length of the key, in bits.
    pub key_bits: Option<u32>,
    /// Whether a password is needed to open it; `None` if that was not found out.
    pub needs_password: Option<bool>,
    /// What it permits to a reader without the owner's password.
    pub permissions: Option<PdfPermissions>,
}

/// The cipher of an encrypted PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PdfCipher {
    /// RC4.
    Rc4,
    /// AES in CBC mode.
    Aes,
}

/// What an encrypted PDF permits to a reader without the owner's password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a bit of the encryption dictionary"
)]
pub struct PdfPermissions {
    /// To print it, possibly only in a low quality.
    pub print: bool,
    /// To copy text and images.
    pub copy: bool,
    /// To modify it in ways other than the other permissions say.
    pub modify: bool,
    /// To annotate it and to fill in its forms.
    pub annotate: bool,
}
