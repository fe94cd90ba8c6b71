//! Properties that hold for any input.

use std::io::Cursor;

use proptest::prelude::*;

use crate::formats::{analyze, samples};
use crate::isolation::in_process;
use crate::progress::testing::Recorder;

fn analyze_bytes(bytes: &[u8]) {
    let size = bytes.len() as u64;
    // Any result is fine unless it panics.
    let _ = analyze(
        &mut Cursor::new(bytes),
        "x",
        size,
        &in_process,
        &mut Recorder::default(),
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(
        start in prop::sample::select(vec![&b""[..], b"PK\x03\x04", b"%PDF-1.4\n", b"\xFF\xFE"]),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [start, &rest].concat();
        analyze_bytes(&bytes);
    }

    #[test]
    fn changed_epub_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = samples::epub(samples::OPF3, &[]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        analyze_bytes(&bytes);
    }

    #[test]
    fn changed_pdf_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut bytes = samples::pdf(2);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        analyze_bytes(&bytes);
    }
}
