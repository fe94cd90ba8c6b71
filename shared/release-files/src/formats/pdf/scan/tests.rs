use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use super::*;

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(content).unwrap();
    zlib.finish().unwrap()
}

/// An object that is a packed stream.
fn stream(number: u32, entries: &str, content: &[u8]) -> Vec<u8> {
    let packed = deflate(content);
    let length = packed.len();
    let head = format!("{number} 0 obj <<{entries}/Filter/FlateDecode/Length {length}>>stream\r\n");
    [head.as_bytes(), &packed, b"\nendstream endobj\n"].concat()
}

fn title(pdf: &[u8]) -> Option<String> {
    scan(&[pdf], true).info("Title")
}

#[test]
fn objects_are_found_without_cross_references() {
    let pdf = b"%PDF-1.4\n1 0 obj <</Type/Catalog/Lang(fr)>> endobj\n\
        2 0 obj <</Type /Pages /Count 12>> endobj 3 0 obj <</Type/Page>> endobj\n\
        4 0 obj <</Title(Chapter 1)/Parent 9 0 R>> endobj\n\
        5 0 obj <</Title(The Book)/Producer(Maker)>> endobj 6 0 obj <</Length 3>> stream /Count";
    let findings = scan(&[pdf], true);
    assert_eq!(findings.objects, 6);
    assert_eq!(findings.pages, Some(12));
    assert_eq!(findings.language.as_deref(), Some("fr"));
    assert_eq!(findings.info("Title").as_deref(), Some("The Book"));
    let pages = b"1 0 obj <</Type/Page>> endobj 2 0 obj <</Parent 3 0 R/MediaBox[0 0 1 1]>> endobj";
    assert_eq!(scan(&[pages], true).pages, Some(2));
    assert_eq!(scan(&[pages], false).pages, None);
}

#[test]
fn encrypted_strings_are_dropped() {
    for pdf in [
        &b"5 0 obj <</Title(x)/Author(y)>> endobj trailer <</Encrypt 7 0 R>>"[..],
        b"5 0 obj <</Title(x)/Author(y)>> endobj 6 0 obj<</Type/XRef/Encrypt 7 0 R>>stream",
        b"5 0 obj <</Title(x)/Author(y)>> endobj tr <</Encrypt 7 0 R>>",
    ] {
        let findings = scan(&[pdf], true);
        assert!(findings.encrypted);
        assert_eq!(findings.info("Title"), None);
    }
    let mention = b"5 0 obj <</Title(/Encrypt)/Author(y)>> endobj trailer <</Root 1 0 R>>";
    assert!(!scan(&[mention], true).encrypted);
}

#[test]
fn trailer_names_the_info_dictionary() {
    let info = "5 0 obj <</Title(Old)/Author(x)>> endobj 6 0 obj <</Title(Draft)/Author(x)>> endobj\n\
        5 0 obj <</Title(New)>> endobj 7 0 obj <</Title(Other)/Author(x)>> endobj\n";
    for trailer in [
        "trailer <</Info 5 0 R>> startxref",
        "trailer <</Info 6 0 R>> trailer <</Root 1 0 R/Info 5 0 R>>",
        "9 0 obj <</Type/XRef/Info 5 0 R/Root 1 0 R>>stream",
        "trailer <</Info<</Title(New)>>>>",
    ] {
        assert_eq!(
            title(format!("{info}{trailer}").as_bytes()).as_deref(),
            Some("New")
        );
    }
    assert_eq!(title(info.as_bytes()).as_deref(), Some("Other"));
    let lost = format!("{info}trailer <</Info 99 0 R>>");
    assert_eq!(title(lost.as_bytes()).as_deref(), Some("Other"));
}

#[test]
fn annotations_and_outlines_are_not_info() {
    let pdf = b"1 0 obj <</Title(Right)/Producer(x)/Type/Info>> endobj\n\
        2 0 obj <</Type/Annot/Title(No)/CreationDate(x)>> endobj\n\
        3 0 obj <</Subtype/Text/Title(No)/CreationDate(x)>> endobj\n\
        4 0 obj <</Parent 9 0 R/Title(No)/Author(x)>> endobj\n\
        5 0 obj <</X<</Title(No)/Author(x)>>>> endobj";
    assert_eq!(title(pdf).as_deref(), Some("Right"));
}

#[test]
fn members_of_object_streams_are_found() {
    let members = b"5 0 6 22 %x\n<</Title 6 0 R/Author(x)>> (Packed)";
    let first = members.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let at = members[first..]
        .iter()
        .rposition(|byte| *byte == b'(')
        .unwrap();
    let members = String::from_utf8_lossy(members).replace("22", &at.to_string());
    let entries = format!("/Type/ObjStm/N 2/First {first}");
    let packed = stream(9, &entries, members.as_bytes());
    assert_eq!(title(&packed).as_deref(), Some("Packed"));
    // An object outside of a stream replaces one inside.
    let newer = [&packed[..], b"6 0 obj (Newer) endobj"].concat();
    assert_eq!(title(&newer).as_deref(), Some("Newer"));
    // The end of the stream is missing.
    let long = [members.as_bytes(), " ".repeat(100_000).as_bytes()].concat();
    let cut = stream(9, &entries, &long);
    assert_eq!(title(&cut[..cut.len() - 60]).as_deref(), Some("Packed"));
}

#[test]
fn hostile_object_streams_are_bounded() {
    let index = "9 0 ".repeat(300_000);
    let array = [&b"["[..], &b"1 0 R ".repeat(400_000)].concat();
    let entries = format!("/Type/ObjStm/N 300000/First {}", index.len());
    let bomb = stream(9, &entries, &[index.as_bytes(), &array].concat());
    let info = b"1 0 obj <</Title(T)/Author(x)>> endobj\n";
    let findings = scan(&[&[&info[..], &bomb.repeat(20)].concat()], true);
    assert_eq!(findings.info("Title").as_deref(), Some("T"));
    let large = stream(9, "/Type/ObjStm/N 1/First 4", &vec![b' '; 5 * 1024 * 1024]);
    assert_eq!(scan(&[&large], true).objects, 1);
    let many = b"trailer <<".repeat(100_000);
    assert_eq!(scan(&[&many], true).objects, 0);
}

#[test]
fn xmp_is_found_without_a_catalog() {
    let xmp = |format: &str, title: &str| {
        let description = format!("<Description format='{format}' title='{title}'/>");
        stream(
            3,
            "/Type/Metadata",
            format!("<RDF>{description}</RDF>").as_bytes(),
        )
    };
    let pdf = [xmp("image/jpeg", "No"), xmp("application/pdf", "Right")].concat();
    let findings = scan(&[&pdf], false);
    assert_eq!(findings.xmp.first(&["title"]).as_deref(), Some("Right"));
    let catalog = [&pdf[..], b"1 0 obj <</Type/Catalog>> endobj"].concat();
    assert_eq!(scan(&[&catalog], false).xmp, Xmp::default());
}

#[test]
fn stream_ends_at_its_length_or_at_its_keyword() {
    let text = "<RDF><Description title='T'/></RDF>";
    let right = format!("/Length {}", text.len());
    for (length, filter) in [
        (&right[..], ""),
        ("/Length 5", "/Filter[]"),
        ("/Length 9 0 R", ""),
        ("", ""),
    ] {
        let pdf = format!(
            "1 0 obj <</Type/Catalog/Metadata 2 0 R>> endobj\n\
             2 0 obj <<{length}{filter}>> stream\n{text}\nendstream endobj"
        );
        let findings = scan(&[pdf.as_bytes()], true);
        assert_eq!(
            findings.xmp.first(&["title"]).as_deref(),
            Some("T"),
            "{length}"
        );
    }
}
