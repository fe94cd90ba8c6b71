//! The encryption of a PDF (ISO 32000-2, 7.6): its entries are readable without a password.

use lopdf::{Dictionary, Document, EncryptionState, Object};
use text::tidy_line;

use crate::formats::{PdfCipher, PdfEncryption, PdfPermissions};

/// The security handler that works by passwords.
const STANDARD: &str = "Standard";

/// Reads the encryption of a document; `None` if it is not encrypted.
pub fn read(document: &Document) -> Option<PdfEncryption> {
    if let Some(state) = &document.encryption_state {
        return Some(of_opened(state));
    }
    let encryption = document.trailer.get_deref(b"Encrypt", document);
    let encryption = encryption.and_then(Object::as_dict).ok()?;
    // The library tries the empty password only if the entries are an object of their own.
    let needs_password = document.is_encrypted().then_some(true);
    Some(entries(document, encryption).describe(needs_password))
}

/// The encryption of a document that the library has opened with an empty password.
fn of_opened(state: &EncryptionState) -> PdfEncryption {
    let filter = state.crypt_filters().get(state.default_stream_filter());
    let cipher = match filter {
        Some(filter) => cipher(filter.method()),
        None if state.version() < 4 => Some(PdfCipher::Rc4),
        None => None,
    };
    let key_bits = state.file_encryption_key().len() * 8;
    PdfEncryption {
        handler: Some(STANDARD.to_owned()),
        revision: u32::try_from(state.revision()).ok(),
        cipher,
        key_bits: u32::try_from(key_bits).ok(),
        needs_password: Some(false),
        permissions: Some(permissions(state.permissions().bits())),
    }
}

/// The entries of an encryption dictionary in use.
#[derive(Debug, Default)]
pub struct Entries {
    /// The security handler (`Filter`).
    pub handler: Option<String>,
    /// The version of the algorithm (`V`).
    pub version: Option<i64>,
    /// The revision of the standard handler (`R`).
    pub revision: Option<i64>,
    /// The length of the key, in bits (`Length`).
    pub length: Option<i64>,
    /// The permissions (`P`).
    pub flags: Option<i64>,
    /// The method of the crypt filter for streams (`CFM`).
    pub method: Option<Vec<u8>>,
}

impl Entries {
    /// Describes the encryption of a document that was not opened.
    pub fn describe(self, needs_password: Option<bool>) -> PdfEncryption {
        let is_standard = self.handler.as_deref() == Some(STANDARD);
        let version = self.version.unwrap_or(0);
        let method = self.method.as_deref();
        let cipher = match version {
            1..=3 => Some(PdfCipher::Rc4),
            4.. => method.and_then(cipher),
            _ => None,
        };
        let key_bits = match version {
            1 => Some(40),
            2 | 3 => Some(self.length.unwrap_or(40)),
            4 if method == Some(b"AESV2") => Some(128),
            4 => self.length.or(Some(128)),
            5 => Some(256),
            _ => None,
        };
        let revision = self.revision.filter(|_| is_standard);
        let flags = self.flags.filter(|_| is_standard);
        PdfEncryption {
            handler: self.handler,
            revision: revision.and_then(|revision| u32::try_from(revision).ok()),
            cipher,
            key_bits: key_bits.and_then(|bits| u32::try_from(bits).ok()),
            needs_password: needs_password.filter(|_| is_standard),
            permissions: flags.map(|flags| permissions(flags.cast_unsigned())),
        }
    }
}

/// Reads the entries of an encryption dictionary.
fn entries(document: &Document, encryption: &Dictionary) -> Entries {
    let name = |dictionary: &Dictionary, key: &[u8]| {
        let name = dictionary
            .get_deref(key, document)
            .and_then(Object::as_name);
        name.ok().map(<[u8]>::to_vec)
    };
    let number = |key: &[u8]| {
        let number = encryption.get_deref(key, document).and_then(Object::as_i64);
        number.ok()
    };
    let handler = name(encryption, b"Filter");
    let filter = crypt_filter(document, encryption);
    Entries {
        handler: handler.and_then(|name| tidy_line(&String::from_utf8_lossy(&name))),
        version: number(b"V"),
        revision: number(b"R"),
        length: number(b"Length"),
        flags: number(b"P"),
        method: filter.and_then(|filter| name(filter, b"CFM")),
    }
}

/// The entries for the streams of a document, of version 4 or later.
fn crypt_filter<'d>(document: &'d Document, encryption: &'d Dictionary) -> Option<&'d Dictionary> {
    let filters = encryption
        .get_deref(b"CF", document)
        .and_then(Object::as_dict);
    let name = encryption
        .get_deref(b"StmF", document)
        .and_then(Object::as_name);
    let filter = filters.ok()?.get_deref(name.ok()?, document);
    filter.and_then(Object::as_dict).ok()
}

fn cipher(method: &[u8]) -> Option<PdfCipher> {
    match method {
        b"V2" => Some(PdfCipher::Rc4),
        b"AESV2" | b"AESV3" => Some(PdfCipher::Aes),
        _ => None,
    }
}

/// Reads the permissions: bits 3 to 6 (ISO 32000-2, table 22).
const fn permissions(flags: u64) -> PdfPermissions {
    PdfPermissions {
        print: flags & (1 << 2) != 0,
        modify: flags & (1 << 3) != 0,
        copy: flags & (1 << 4) != 0,
        annotate: flags & (1 << 5) != 0,
    }
}
