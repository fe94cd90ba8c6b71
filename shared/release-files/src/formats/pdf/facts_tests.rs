//! The technical facts of PDFs in many forms, and of hostile ones.

use std::io::Cursor;

use lopdf::{EncryptionState, EncryptionVersion, Object, Permissions, dictionary};

use super::*;
use crate::formats::{PdfCipher, PdfEncryption, PdfPermissions, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn facts(bytes: &[u8]) -> PdfFacts {
    let mut cursor = Cursor::new(bytes);
    let mut source = Source::new(&mut cursor, bytes.len() as u64);
    let (mut findings, mut progress) = (FindingList::default(), Recorder::default());
    let pdf = read(&mut source, &in_process, &mut findings, &mut progress).unwrap();
    pdf.facts
}

/// Builds a PDF of a page with these entries, with these of the catalog, and with more objects from
/// number 5.
fn pdf(catalog: &str, page: &str, more: &[&str]) -> Vec<u8> {
    let catalog = format!("<</Type/Catalog/Pages 2 0 R{catalog}>>");
    let page = format!("<</Type/Page/Parent 2 0 R{page}>>");
    let objects = [
        &catalog[..],
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        &page,
        "<<>>",
    ];
    let objects: Vec<&[u8]> = objects
        .iter()
        .chain(more)
        .map(|object| object.as_bytes())
        .collect();
    samples::pdf_of(&objects)
}

/// The number of fonts of a PDF, and the names of those that are not embedded.
fn fonts(page: &str, more: &[&str]) -> (u64, Vec<String>) {
    let facts = facts(&pdf("", page, more));
    (facts.fonts.unwrap(), facts.fonts_not_embedded)
}

const HELVETICA: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";

#[test]
fn plain_pdf_has_plain_facts() {
    let expected = PdfFacts {
        page_width: Some(612.0),
        page_height: Some(792.0),
        mixed_page_sizes: Some(false),
        tagged: Some(false),
        has_outline: Some(false),
        fonts: Some(0),
        ..PdfFacts::default()
    };
    assert_eq!(facts(&samples::pdf(2)), expected);
}

#[test]
fn facts_may_be_references() {
    let found = facts(&pdf(
        "/MarkInfo 5 0 R",
        "/MediaBox 7 0 R/Rotate 9 0 R/Resources 10 0 R",
        &[
            "<</Marked 6 0 R>>",
            "true",
            "[0 0 8 0 R 200]",
            "100.456",
            "270",
            "<</Font 11 0 R>>",
            "<</F1 12 0 R/F2 13 0 R>>",
            HELVETICA,
            "<</Type/Font/Subtype/TrueType/BaseFont/ABCDEF+Arial/FontDescriptor 14 0 R>>",
            "<</Type/FontDescriptor/FontFile2 15 0 R>>",
            "<</Length 4>>stream\nFONT\nendstream",
        ],
    ));
    assert_eq!(
        (found.page_width, found.page_height),
        (Some(200.0), Some(100.46))
    );
    assert_eq!(found.tagged, Some(true));
    assert_eq!(found.fonts, Some(2));
    assert_eq!(found.fonts_not_embedded, ["Helvetica"]);
}

#[test]
fn pages_of_several_sizes_are_mixed() {
    for (second, is_mixed) in [
        ("/MediaBox[0 0 100 200]", false),
        ("/MediaBox[0 0 100.9 199.1]", false),
        ("/MediaBox[0 0 102 200]", true),
        ("/MediaBox[0 0 200 100]/Rotate 90", false),
        ("/MediaBox[0 0 100 200]/Rotate 90", true),
        ("/MediaBox[0 0 200 400]/CropBox[100 100 200 300]", false),
    ] {
        let page = format!("<</Type/Page/Parent 2 0 R{second}>>");
        let bytes = samples::pdf_of(&[
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 200]>>",
            b"<<>>",
            page.as_bytes(),
        ]);
        assert_eq!(facts(&bytes).mixed_page_sizes, Some(is_mixed), "{second}");
    }
}

#[test]
fn fonts_of_every_kind_are_found() {
    for (page, more, expected) in [
        (
            "/Resources<</Font<</A 5 0 R/B 5 0 R>>>>",
            vec![HELVETICA],
            (1, vec!["Helvetica"]),
        ),
        (
            "/Resources<</Font<</A 5 0 R/B 6 0 R>>>>",
            vec![HELVETICA; 2],
            (2, vec!["Helvetica"]),
        ),
        (
            "/Resources<</Font<</A<</Type/Font/Subtype/Type1/BaseFont/A#20B>>>>>>",
            vec![],
            (1, vec!["A B"]),
        ),
        (
            "/Resources<</Font<</A 5 0 R>>>>",
            vec!["<</Type/Font/Subtype/Type3>>"],
            (1, vec![]),
        ),
        (
            "/Resources<</Font<</A 5 0 R/B 7 0 R/C 8 0 R>>>>",
            vec![
                "<</Type/Font/Subtype/Type0/BaseFont/Deep/DescendantFonts[6 0 R]>>",
                "<</Type/Font/Subtype/CIDFontType2/BaseFont/Deep/FontDescriptor<</FontFile2 9 0 R>>>>",
                "<</Type/Font/Subtype/Type0/BaseFont/Flat/DescendantFonts[<</Subtype/CIDFontType0/BaseFont/Flat>>]>>",
                "<</Type/Font/Subtype/Type0/BaseFont/None>>",
            ],
            (2, vec!["Flat"]),
        ),
        // A form within a form, a pattern, and the appearances of annotations.
        (
            "/Resources<</XObject<</X 5 0 R>>/Pattern 8 0 R>>/Annots[11 0 R<</AP<</N 13 0 R>>>>]",
            vec![
                "<</Subtype/Form/Resources<</XObject<</Y 6 0 R>>>>/Length 1>>stream\nq\nendstream",
                "<</Subtype/Form/Resources 7 0 R/Length 0>>stream\n\nendstream",
                "<</Font<</A<</Type/Font/BaseFont/Form>>>>>>",
                "<</P 9 0 R>>",
                "<</PatternType 1/Resources<</Font 10 0 R>>/Length 1>>stream\nq\nendstream",
                "<</A<</Type/Font/BaseFont/Pattern>>>>",
                "<</Subtype/Widget/Parent 4 0 R/AP 12 0 R/AS/On>>",
                "<</N<</On 13 0 R/Off 14 0 R>>>>",
                "<</Resources<</Font<</A<</Type/Font/BaseFont/On>>>>>>/Length 1>>stream\nq\nendstream",
                "<</Resources<</Font<</A<</Type/Font/BaseFont/Off>>>>>>/Length 1>>stream\nq\nendstream",
            ],
            (3, vec!["Form", "On", "Pattern"]),
        ),
    ] {
        let (count, names) = fonts(page, &more);
        assert_eq!(
            (count, &names[..]),
            (
                expected.0,
                &expected
                    .1
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>()[..]
            ),
            "{page}"
        );
    }
}

#[test]
fn resources_are_inherited() {
    let bytes = samples::pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1/Resources<</Font<</A 5 0 R>>>>/CropBox[0 0 10 20]>>",
        b"<</Type/Page/Parent 2 0 R>>",
        b"<<>>",
        HELVETICA.as_bytes(),
    ]);
    let found = facts(&bytes);
    assert_eq!((found.fonts, found.page_width), (Some(1), Some(10.0)));
}

#[test]
fn circles_end() {
    let form = "<</Subtype/Form/Resources<</XObject<</X 5 0 R/Y 6 0 R>>/Font<</F 7 0 R>>>>/Length 1>>stream\nq\nendstream";
    let font =
        "<</Type/Font/Subtype/Type0/BaseFont 7 0 R/DescendantFonts[7 0 R]/FontDescriptor 7 0 R>>";
    let page = "/Resources 8 0 R/Parent 3 0 R/MediaBox 9 0 R/Annots 10 0 R";
    let found = fonts(
        page,
        &[
            form,
            form,
            font,
            "<</XObject<</X 5 0 R>>/Font 8 0 R/Pattern 8 0 R>>",
            "9 0 R",
            "[10 0 R 11 0 R]",
            "<</AP<</N 11 0 R>>/AS/N>>",
        ],
    );
    assert_eq!(found.0, 1);
    let kids = samples::pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[2 0 R 3 0 R 5 0 R]/Parent 5 0 R/MediaBox[0 0 7 7]>>",
        b"<</Type/Page/Parent 2 0 R>>",
        b"<<>>",
        b"<</Type/Pages/Kids[2 0 R 5 0 R 3 0 R]/Parent 2 0 R/Rotate 5 0 R>>",
    ]);
    assert_eq!(facts(&kids).page_width, Some(7.0));
}

#[test]
fn claim_of_pdf_a_is_found() {
    let xmp = "<?xpacket begin=''?><x:xmpmeta><rdf:RDF><rdf:Description><pdfaid:part>3</pdfaid:part>\
        <pdfaid:conformance>A</pdfaid:conformance></rdf:Description></rdf:RDF></x:xmpmeta>";
    let stream = format!(
        "<</Type/Metadata/Length {}>>stream\n{xmp}\nendstream",
        xmp.len()
    );
    let found = facts(&pdf("/Metadata 5 0 R", "", &[&stream]));
    assert_eq!(found.pdf_a.as_deref(), Some("PDF/A-3a"));
}

fn encrypted(user_password: &str) -> PdfFacts {
    let mut document = samples::pdf_document(2, samples::pdf_info());
    let id = Object::string_literal("0123456789abcdef");
    document.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password,
        key_length: 128,
        permissions: Permissions::PRINTABLE | Permissions::ANNOTABLE,
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    facts(&bytes)
}

#[test]
fn encryption_is_read_with_and_without_the_password() {
    let encryption = |needs_password| PdfEncryption {
        handler: Some("Standard".to_owned()),
        revision: Some(3),
        cipher: Some(PdfCipher::Rc4),
        key_bits: Some(128),
        needs_password: Some(needs_password),
        permissions: Some(PdfPermissions {
            print: true,
            annotate: true,
            ..PdfPermissions::default()
        }),
    };
    let found = encrypted("");
    assert_eq!(found.encryption, Some(encryption(false)));
    assert_eq!((found.fonts, found.page_width), (Some(0), Some(612.0)));
    let expected = PdfFacts {
        encryption: Some(encryption(true)),
        ..PdfFacts::default()
    };
    assert_eq!(encrypted("user"), expected);
}

#[test]
fn unknown_encryption_is_described_as_far_as_it_goes() {
    let mut document = samples::pdf_document(1, samples::pdf_info());
    let entries = dictionary! { "Filter" => "Adobe.PubSec", "V" => 4, "P" => -4, "StmF" => "F",
    "CF" => dictionary! { "F" => dictionary! { "CFM" => "AESV2" } } };
    let id = document.add_object(entries);
    document.trailer.set("Encrypt", id);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    let expected = PdfEncryption {
        handler: Some("Adobe.PubSec".to_owned()),
        cipher: Some(PdfCipher::Aes),
        key_bits: Some(128),
        ..PdfEncryption::default()
    };
    assert_eq!(facts(&bytes).encryption, Some(expected));
}

#[test]
fn sample_with_fonts_has_facts() {
    let found = facts(&samples::pdf_with_fonts());
    assert_eq!(
        (found.page_width, found.page_height),
        (Some(490.0), Some(690.0))
    );
    assert_eq!(found.mixed_page_sizes, Some(true));
    assert_eq!((found.fonts, found.tagged), (Some(2), Some(true)));
    assert_eq!(found.fonts_not_embedded, ["Courier"]);
}

#[test]
fn encryption_of_a_scanned_pdf_is_read() {
    let encrypted = |entries: &str| {
        let text = format!("%PDF-1.7\n5 0 obj\n{entries}\nendobj\ntrailer <</Encrypt 5 0 R>>\n");
        scan::scan(&[text.as_bytes()], false)
            .facts
            .encryption
            .unwrap()
    };
    let expected = PdfEncryption {
        handler: Some("Standard".to_owned()),
        revision: Some(4),
        cipher: Some(PdfCipher::Aes),
        key_bits: Some(128),
        needs_password: None,
        permissions: Some(PdfPermissions {
            print: true,
            copy: true,
            ..PdfPermissions::default()
        }),
    };
    let entries = "<</Filter/Standard/V 4/R 4/P -1068/StmF/StdCF/CF<</StdCF<</CFM/AESV2>>>>>>";
    assert_eq!(encrypted(entries), expected);
    let old = PdfEncryption {
        revision: Some(2),
        cipher: Some(PdfCipher::Rc4),
        key_bits: Some(40),
        ..expected
    };
    assert_eq!(encrypted("<</Filter/Standard/V 1/R 2/P 4294966228>>"), old);
    assert_eq!(encrypted("<</V -9/Length -1>>"), PdfEncryption::default());
}
