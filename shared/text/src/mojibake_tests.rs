use oem_cp::{
    code_table::DECODING_TABLE_CP437, decode_string_complete_table, encode_string_checked,
};

use super::*;

const ART: &str = "▄▄▄▄███▀▀▀ ░▒▓ GREY ▓▒░ ▀▀▀███▄▄▄▄\r\n║ Title....: The Grey Harbour     ║\r\n║ Author...: Mara Quill           ║\r\n╚═════════════════════════════════╝\r\n";

fn as_cp437(bytes: &[u8]) -> String {
    decode_string_complete_table(bytes, &DECODING_TABLE_CP437)
}

fn as_windows_1252(bytes: &[u8]) -> String {
    WINDOWS_1252
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

fn as_latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn cp437(text: &str) -> Vec<u8> {
    encode_string_checked(text, &ENCODING_TABLE_CP437).unwrap()
}

fn undone(text: &str) -> Option<String> {
    let (undone, kinds) = undo(text)?;
    assert!(!kinds.is_empty());
    assert_eq!(undo(&undone), None, "{undone}");
    Some(undone)
}

#[test]
fn utf8_decoded_in_another_encoding_is_decoded_again() {
    for text in [
        ART,
        "█ x",
        "Résumé : l'été où Zoé s'égara.\r\nÉditeur : Éditions de la Mer\r\n",
        "one café",
        "It’s “quoted” – and dashed…",
        "Title: Серая гавань\r\n",
        "Title: 灰色の港と塩と海\r\n",
    ] {
        for decode_wrongly in [as_cp437, as_windows_1252, as_latin1] {
            let wrong = decode_wrongly(text.as_bytes());
            assert_eq!(undone(&wrong).as_deref(), Some(text), "{wrong}");
        }
    }
}

#[test]
fn accented_letter_after_a_first_capital_is_decoded_again() {
    for text in [
        "Author: Heinrich Müller",
        "São Paulo, coração",
        "König Brüder",
    ] {
        for decode_wrongly in [as_windows_1252, as_latin1] {
            let wrong = decode_wrongly(text.as_bytes());
            assert_eq!(undone(&wrong).as_deref(), Some(text), "{wrong}");
        }
    }
}

#[test]
fn invisible_character_hides_no_wrong_decoding() {
    for (wrong, text) in [("ΓûêΓûê\u{2028}", "██\u{2028}"), ("\u{85}ÃœÃœ", "\u{85}ÜÜ")]
    {
        assert_eq!(undone(wrong).as_deref(), Some(text));
    }
}

#[test]
fn what_was_undone_is_told() {
    let kinds = |text: &str| undo(text).unwrap().1;
    let one = |encoding, decoded_as| {
        vec![Mojibake {
            encoding,
            decoded_as,
        }]
    };
    assert_eq!(kinds("ΓûêΓûê"), one(Encoding::Utf8, Charset::Cp437));
    assert_eq!(kinds("caf Ã©"), one(Encoding::Utf8, Charset::Windows1252));
    assert_eq!(
        kinds("ÜÜÜÜÛÛÛÛ GREY ÛÛÛÛÜÜÜÜ"),
        one(Encoding::Cp437, Charset::Windows1252)
    );
}

#[test]
fn drawing_decoded_as_western_letters_is_decoded_again() {
    for decode_wrongly in [as_windows_1252, as_latin1] {
        for text in [
            ART,
            "┌──────────┐\r\n│ déjà vu  │\r\n└──────────┘\r\n",
            "════════\r\n",
        ] {
            let wrong = decode_wrongly(&cp437(text));
            assert_eq!(undone(&wrong).as_deref(), Some(text), "{wrong}");
        }
    }
}

#[test]
fn text_decoded_wrongly_twice_is_undone() {
    let twice = as_windows_1252(as_windows_1252(ART.as_bytes()).as_bytes());
    assert_eq!(undone(&twice).as_deref(), Some(ART));
    let mixed = as_cp437(as_latin1(&cp437(ART)).as_bytes());
    assert_eq!(undone(&mixed).as_deref(), Some(ART));
}

#[test]
fn drawing_with_a_correct_word_is_undone_around_it() {
    let wrong = format!("{}Zoé … été\r\n", as_windows_1252(ART.as_bytes()));
    assert_eq!(undone(&wrong), Some(format!("{ART}Zoé … été\r\n")));
}

#[test]
fn correct_text_is_kept() {
    for text in [
        ART,
        "",
        "plain",
        "Résumé : l'été où Zoé s'égara à l'île déserte.",
        "«CAFÉ» — “IRMÔ … HYVÄ… Ünlü Größe",
        "HYVÄ…",
        "HYVÄ…nyt",
        "AMANHÃ…",
        "CAFÉ®",
        "CAFÉ\u{a0}!",
        "café…»",
        "NÄÄÄÄÄÄÄÄÄÄÄÄÄÄ sagte er",
        "¯¯¯¯¯¯¯¯¯¯ ¬¬ ·······°°°°°°° ±±±± ²²²² ºººº ØØØØØØØØ ××××××",
        "╔═╗ █▓ ─┐ ┬░ ├┤",
        "┬│",
        "Серая гавань",
        "Τίτλος Γειά σου",
        "日本語",
        "5° à 10° ½ ¼ £5 §3",
        "Ñandú ÁRBOL",
    ] {
        assert_eq!(undo(text), None, "{text}");
    }
}

#[test]
fn any_single_byte_text_is_undone_to_a_fixed_point() {
    for high in 0x80..=0xFF_u8 {
        for next in 0x80..=0xFF_u8 {
            let bytes = [b'a', b' ', high, next, b' ', high, next, next, b'.'];
            for text in [as_cp437(&bytes), as_windows_1252(&bytes), as_latin1(&bytes)] {
                if let Some((undone, _)) = undo(&text) {
                    assert_eq!(undo(&undone), None, "{text} {undone}");
                }
            }
        }
    }
}
