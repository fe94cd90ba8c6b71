//! What must hold for any bytes at all.

use std::io::Cursor;

use proptest::prelude::*;

use crate::formats::{analyse, samples};
use crate::watch::testing::Recorder;

fn analysed(bytes: &[u8]) {
    let size = bytes.len() as u64;
    // Any answer will do; a panic will not.
    let _ = analyse(&mut Cursor::new(bytes), "x", size, &mut Recorder::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(
        start in prop::sample::select(vec![&b""[..], b"PK\x03\x04", b"%PDF-1.4\n", b"\xFF\xFE"]),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [start, &rest].concat();
        analysed(&bytes);
    }

    #[test]
    fn no_change_to_an_epub_makes_it_panic(
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
        analysed(&bytes);
    }

    #[test]
    fn no_change_to_a_pdf_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut bytes = samples::pdf(2);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        analysed(&bytes);
    }
}
