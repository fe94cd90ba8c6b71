use std::io::Cursor;

use lopdf::{EncryptionState, EncryptionVersion, Object, Permissions, dictionary, text_string};

use super::*;
use crate::formats::findings::write_log;
use crate::formats::samples;
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

/// Reads a PDF, and logs the findings.
fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    run: Run<'_>,
    progress: &mut dyn Progress,
) -> Result<Pdf, WorkError> {
    let mut list = FindingList::default();
    let result = super::read(source, run, &mut list, progress);
    write_log(&list.finish().0, progress);
    result
}

pub fn read_all(bytes: &[u8]) -> (Result<(Metadata, MediaInfo), WorkError>, Recorder) {
    let mut progress = Recorder::default();
    let mut cursor = Cursor::new(bytes);
    let result = read(
        &mut Source::new(&mut cursor, bytes.len() as u64),
        &in_process,
        &mut progress,
    );
    (result.map(|pdf| (pdf.metadata, pdf.info)), progress)
}

#[test]
fn metadata_and_pages_are_read() {
    let (result, progress) = read_all(&samples::pdf(3));
    let (metadata, info) = result.unwrap();
    assert_eq!(metadata.title.as_deref(), Some("Le Détour"));
    assert_eq!(metadata.authors, ["Anne Écrit", "Paul Dessin"]);
    assert_eq!(metadata.isbn.as_deref(), Some("9780306406157"));
    assert_eq!(metadata.year, Some(2019));
    assert_eq!(metadata.language.as_deref(), Some("fr-FR"));
    assert_eq!(metadata.subjects[0], "Voyage");
    assert_eq!(
        (info.version.as_deref(), info.pages),
        (Some("1.5"), Some(3))
    );
    assert_eq!(info.producer.as_deref(), Some("Maker"));
    assert!(!info.encrypted && !info.damaged && progress.warnings.is_empty());
}

#[test]
fn objects_in_compressed_streams_are_read() {
    let mut document = samples::pdf_document(4, samples::pdf_info());
    document.catalog_mut().unwrap().set("Version", "1.7");
    let mut bytes = Vec::new();
    document.save_modern(&mut bytes).unwrap();
    let (metadata, info) = read_all(&bytes).0.unwrap();
    assert_eq!(
        (info.version.as_deref(), info.pages),
        (Some("1.7"), Some(4))
    );
    assert_eq!(metadata.title.as_deref(), Some("Le Détour"));
}

#[test]
fn outline_is_kept_while_the_document_is_loaded() {
    let mut document = samples::pdf_document(2, samples::pdf_info());
    let [root, one, below, two] = [(); 4].map(|()| document.new_object_id());
    for (id, title, links) in [
        (one, "One", dictionary! { "First" => below, "Next" => two }),
        (below, "Below", dictionary! {}),
        (two, "Zwei – 2", dictionary! {}),
    ] {
        let mut item = links;
        item.set("Title", text_string(title));
        item.set("Parent", root);
        document.objects.insert(id, item.into());
    }
    let outline = dictionary! { "Type" => "Outlines", "First" => one, "Count" => 3 };
    document.objects.insert(root, outline.into());
    document.catalog_mut().unwrap().set("Outlines", root);
    let mut bytes = Vec::new();
    document.save_modern(&mut bytes).unwrap();
    let mut cursor = Cursor::new(&bytes);
    let mut source = Source::new(&mut cursor, bytes.len() as u64);
    let pdf = read(&mut source, &in_process, &mut Recorder::default()).unwrap();
    let contents = pdf.contents;
    assert_eq!((pdf.info.pages, contents.entries_total), (Some(2), 3));
    assert_eq!(pdf.facts.has_outline, Some(true));
    let titles: Vec<_> = contents.entries.iter().map(|entry| &entry.title).collect();
    assert_eq!(titles, ["One", "Zwei – 2"]);
    assert_eq!(contents.entries[0].entries[0].title, "Below");
}

#[test]
fn encrypted_pdf_is_reported() {
    let mut document = samples::pdf_document(2, samples::pdf_info());
    let id = Object::string_literal("0123456789abcdef");
    document.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: "user",
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    let (result, progress) = read_all(&bytes);
    let (metadata, info) = result.unwrap();
    assert!(info.encrypted, "{info:?}");
    assert_eq!(metadata.title, None);
    assert_eq!(progress.infos, ["The PDF is encrypted"]);
}

#[test]
fn damaged_pdf_is_read_as_far_as_possible() {
    let whole = samples::pdf(3);
    // Cut before the page tree's root and the cross-references.
    let at = whole.windows(5).position(|w| w == b"/Page").unwrap();
    let (result, _) = read_all(&whole[..whole.len() - 40]);
    assert!(result.is_ok());
    let (result, progress) = read_all(&whole[..at + 60]);
    let (_, info) = result.unwrap();
    assert!(info.damaged);
    assert_eq!(info.version.as_deref(), Some("1.5"));
    assert!(progress.warnings[0].contains("damaged"));
}

#[test]
fn pdf_without_objects_fails() {
    let (result, _) = read_all(b"%PDF-1.4\nnothing of use");
    assert!(matches!(result, Err(WorkError::Failed(f)) if f.code == FailureCode::PdfDamaged));
}

#[test]
fn large_pdf_is_read_only_at_its_ends() {
    let info = dictionary! { "Title" => text_string("Large"), "Producer" => text_string("Maker") };
    let mut document = samples::pdf_document(2, info);
    let filler = vec![b' '; usize::try_from(MAX_WHOLE_BYTES).unwrap()];
    let mut small = Vec::new();
    document.save_to(&mut small).unwrap();
    let cut = b"%PDF-1.5".len();
    let bytes = [&small[..cut], b"\n", &filler, &small[cut..]].concat();
    let mut progress = Recorder::default();
    let mut cursor = Cursor::new(&bytes);
    let mut source = Source::new(&mut cursor, bytes.len() as u64);
    let Pdf {
        metadata,
        info,
        facts,
        ..
    } = read(&mut source, &in_process, &mut progress).unwrap();
    assert!(progress.warnings[0].contains("too large"));
    assert_eq!(facts, PdfFacts::default());
    assert_eq!(metadata.title.as_deref(), Some("Large"));
    assert_eq!(
        (info.pages, info.version.as_deref()),
        (Some(2), Some("1.5"))
    );
}

#[test]
fn object_stream_that_repeats_an_offset_is_not_parsed() {
    for (name, bomb) in samples::pdf_bombs() {
        let (result, progress) = read_all(&bomb);
        let (metadata, info) = result.unwrap();
        assert_eq!(metadata.title.as_deref(), Some("T"), "{name}");
        assert_eq!((info.pages, info.damaged), (Some(1), true), "{name}");
        assert!(progress.warnings[0].contains("damaged"), "{name}");
    }
}

#[test]
fn object_stream_with_many_members_is_read_up_to_the_limit() {
    for (members, is_read) in [(20_000, true), (20_001, false)] {
        let index = samples::pdf_index(members, |at| at * 2);
        let pdf = samples::pdf_with_object_stream(&index, &b"0 ".repeat(members));
        let (_, info) = read_all(&pdf).0.unwrap();
        assert_eq!(info.damaged, !is_read, "{members}");
    }
}
