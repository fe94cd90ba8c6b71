use proptest::prelude::*;

use super::*;

/// The letters of the languages of the European Union beyond `a` to `z`, each with its spelling.
const EUROPEAN_UNION: [(&str, &str, &str); 23] = [
    (
        "Bulgarian",
        "а б в г д е ж з и й к л м н о п р с т у ф х ц ч ш щ ю я",
        "a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch iu ia",
    ),
    ("Croatian", "č ć dž đ lj nj š ž", "c c dz d lj nj s z"),
    (
        "Czech",
        "á č ď é ě í ň ó ř š ť ú ů ý ž",
        "a c d e e i n o r s t u u y z",
    ),
    ("Danish", "æ ø å", "ae o a"),
    ("Dutch", "ë ï ó ĳ", "e i o ij"),
    ("Estonian", "ä ö õ ü š ž", "a o o u s z"),
    ("Finnish", "å ä ö š ž", "a a o s z"),
    (
        "French",
        "à â æ ç é è ê ë î ï ô œ ù û ü ÿ",
        "a a ae c e e e e i i o oe u u u y",
    ),
    ("German", "ä ö ü ß", "a o u ss"),
    (
        "Greek",
        "α β γ δ ε ζ η θ ι κ λ μ ν ξ ο π ρ σ ς τ υ φ χ ψ ω ά έ ή ί ό ύ ώ ϊ ϋ ΐ ΰ",
        "a b g d e z e th i k l m n x o p r s s t u ph kh ps o a e e i o u o i u i u",
    ),
    ("Hungarian", "á é í ó ö ő ú ü ű", "a e i o o o u u u"),
    (
        "Irish",
        "á é í ó ú ḃ ċ ḋ ḟ ġ ṁ ṗ ṡ ṫ",
        "a e i o u b c d f g m p s t",
    ),
    ("Italian", "à è é ì í ò ó ù ú", "a e e i i o o u u"),
    (
        "Latvian",
        "ā č ē ģ ī ķ ļ ņ ō ŗ š ū ž",
        "a c e g i k l n o r s u z",
    ),
    ("Lithuanian", "ą č ę ė į š ų ū ž", "a c e e i s u u z"),
    ("Maltese", "ċ ġ ħ ż à è ì ò ù", "c g h z a e i o u"),
    ("Polish", "ą ć ę ł ń ó ś ź ż", "a c e l n o s z z"),
    (
        "Portuguese",
        "á â ã à ç é ê í ó ô õ ú ü",
        "a a a a c e e i o o o u u",
    ),
    ("Romanian", "ă â î ș ț ş ţ", "a a i s t s t"),
    (
        "Slovak",
        "á ä č ď é í ĺ ľ ň ó ô ŕ š ť ú ý ž",
        "a a c d e i l l n o o r s t u y z",
    ),
    ("Slovene", "č š ž ć đ", "c s z c d"),
    (
        "Spanish and Catalan",
        "á é í ñ ó ú ü à ç è ï ò ŀ ª º",
        "a e i n o u u a c e i o l a o",
    ),
    (
        "Swedish and Sami",
        "å ä ö á č đ ŋ š ŧ ž",
        "a a o a c d ng s t z",
    ),
];

/// Letters of other languages, each with its spelling.
const OTHERS: [(&str, &str, &str); 19] = [
    ("Icelandic", "á ð é í ó ú ý þ æ ö", "a d e i o u y th ae o"),
    ("Turkish and Azerbaijani", "ç ğ ı ö ş ü ə", "c g i o s u a"),
    ("Esperanto", "ĉ ĝ ĥ ĵ ŝ ŭ", "c g h j s u"),
    ("Welsh", "â ê î ô û ŵ ŷ ẁ ẃ ẅ ỳ", "a e i o u w y w w w y"),
    ("Serbian", "ђ ј љ њ ћ џ", "dj j lj nj tsh dzh"),
    (
        "Russian",
        "а б в г д е ё ж з и й к л м н о п р с т у ф х ц ч ш щ ы э ю я",
        "a b v g d e io zh z i i k l m n o p r s t u f kh ts ch sh shch y e iu ia",
    ),
    ("Ukrainian and Belarusian", "ґ і ї ў", "g i yi u"),
    ("Kazakh", "ә ғ қ ң ө ұ ү һ і", "a g k n o u u h i"),
    (
        "Vietnamese",
        "ă â đ ê ô ơ ư ạ ả ấ ầ ẩ ẫ ậ ắ ằ ẳ ẵ ặ ẹ ẻ ẽ ế ề ể ễ ệ ỉ ị ọ ỏ ố ồ ổ ỗ ộ ớ ờ ở ỡ ợ ụ ủ ứ ừ ử ữ ự ỳ ỵ ỷ ỹ",
        "a a d e o o u a a a a a a a a a a a a e e e e e e e e i i o o o o o o o o o o o o u u u u u u u y y y y",
    ),
    (
        "pinyin",
        "ā á ǎ à ē é ě è ī í ǐ ì ō ó ǒ ò ū ú ǔ ù ǖ ǘ ǚ ǜ ü ń ň ǹ ḿ",
        "a a a a e e e e i i i i o o o o u u u u u u u u u n n n m",
    ),
    (
        "hiragana",
        "あ い う え お か き く け こ さ し す せ そ た ち つ て と な に ぬ ね の は ひ ふ へ ほ ま み む め も や ゆ よ ら り る れ ろ わ を ん が ば ぱ",
        "a i u e o ka ki ku ke ko sa si su se so ta ti tu te to na ni nu ne no ha hi hu he ho ma mi mu me mo ya yu yo ra ri ru re ro wa wo n ga ba pa",
    ),
    (
        "katakana",
        "ア カ サ タ ナ ハ マ ヤ ラ ワ ン ガ パ ｱ ｶ",
        "a ka sa ta na ha ma ya ra wa n ga pa a ka",
    ),
    (
        "hangul",
        "가 나 다 라 마 바 사 아 자 차 카 타 파 하 한 국",
        "ga na da ra ma ba sa a ja ca ka ta pa ha han gug",
    ),
    (
        "Arabic",
        "ا ب ت ث ج ح خ د ذ ر ز س ش ص ض ط ظ ع غ ف ق ك ل م ن ه و ي آ أ إ ة ى پ چ ژ گ",
        "a b t th j h kh d dh r z s sh s d t z a gh f q k l m n h w y a a i h a p ch j g",
    ),
    (
        "Hebrew",
        "א ב ג ד ה ו ז ח ט י כ ך ל מ ם נ ן ס ע פ ף צ ץ ק ר ש ת",
        "a b g d h v z kh t y k k l m m n n s a p p ts ts q r sh t",
    ),
    (
        "Thai",
        "ก ข ค ง จ ฉ ช ซ ญ ด ต ถ ท น บ ป ผ ฝ พ ฟ ม ย ร ล ว ศ ส ห ฬ อ ฮ",
        "k kh kh ng cch ch ch ch y d t th th n b p ph f ph f m y r l w s s h l o h",
    ),
    ("Armenian", "ա բ գ դ ե", "a b g d e"),
    ("Georgian", "ა ბ გ დ თ ქ", "a b g d t k"),
    (
        "forms of Latin letters",
        "Ａ ｂ １ ﬁ ﬀ ﬃ ﬆ ǆ ĳ 𝐁 ᵃ ſ",
        "A b 1 fi ff ffi st dz ij B a s",
    ),
];

#[test]
fn every_letter_of_the_tables_is_spelled_with_letters() {
    let mut wrong = Vec::new();
    for (language, letters, expected) in EUROPEAN_UNION.into_iter().chain(OTHERS) {
        for (letter, expected) in letters.split(' ').zip(expected.split(' ')) {
            let found = spell(letter);
            if found.as_deref() != Some(expected) {
                wrong.push(format!("{language}: {letter} is {found:?}, not {expected}"));
            }
            let upper = spell(&letter.to_uppercase()).unwrap_or_default();
            if !upper.eq_ignore_ascii_case(expected) {
                wrong.push(format!("{language}: capital {letter} is {upper:?}"));
            }
        }
        assert_eq!(
            letters.split(' ').count(),
            expected.split(' ').count(),
            "{language}"
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn words_are_spelled_in_order() {
    for (text, expected) in [
        (
            "L’été à Besançon… Œuvre, Straße, e\u{301}",
            "L'ete a Besancon... OEuvre, Strasse, e",
        ),
        ("Dvořák à Łódź ąę şğ ő", "Dvorak a Lodz ae sg o"),
        ("Ｗｅｂ２ guide", "Web2 guide"),
        ("The ﬁne ﬂeet", "The fine fleet"),
        ("Серая гавань", "Seraia gavan"),
        ("Ελλάδα", "Ellada"),
        ("Tiếng Việt", "Tieng Viet"),
        ("한국어 서울", "hangugeo seoul"),
        ("كتاب", "ktab"),
        ("עברית", "abryt"),
        ("ქართული", "kartuli"),
        ("Heydər Əliyev", "Heydar Aliyev"),
        ("col·lecció", "colleccio"),
        ("8½ Weeks", "8 1/2 Weeks"),
    ] {
        assert_eq!(spell(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn each_ideograph_is_a_word() {
    for (text, expected) in [
        ("第一巻", "Di Yi Juan"),
        ("灰色の港 2", "Hui Se no Gang 2"),
        ("第2巻（上）", "Di 2 Juan(Shang)"),
        ("日本 ok", "Ri Ben ok"),
        ("佐々木", "Zuo Zuo Mu"),
        ("ハリー・ポッター", "hari potuta"),
    ] {
        assert_eq!(transliterate(text), expected, "{text}");
    }
}

#[test]
fn signs_within_a_word_are_not_written() {
    for (text, expected) in [
        // The soft sign, the hard sign, and the vowel of the same shape.
        ("мышь объезд Войнъ", "mysh obezd Voin"),
        ("България път", "Balgariia pat"),
        // Tatweel, hamza, shadda and the mark for no vowel.
        ("كتـــاب ماء مُحَمَّد مِنْ", "ktab ma muhamad min"),
        // A written vowel point is a letter, and sheva is not.
        ("שְׁלוֹם", "shlvom"),
        // The long vowel of katakana.
        ("ラーメン", "ramen"),
        ("Salt\u{ad}wa\u{200b}ter\u{200d}", "Saltwater"),
    ] {
        assert_eq!(spell(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn sign_that_stands_alone_leaves_the_other_words() {
    for (text, words) in [
        ("и Ъ ь", "i"),
        ("Книга ь море", "Kniga more"),
        ("スター ー 港の物語", "suta Gang no Wu Yu"),
        ("كتاب ـ البحر", "ktab albhr"),
        ("ماء ء بحر", "ma bhr"),
        ("Salt ʺ and ˮ Sea ʔ", "Salt and Sea"),
        ("ー 港", "Gang"),
    ] {
        let spelled = spell(text).unwrap_or_default();
        let found: Vec<&str> = spelled.split_whitespace().collect();
        assert_eq!(found.join(" "), words, "{text}");
    }
}

#[test]
fn halfwidth_and_square_forms_are_spelled_like_their_text() {
    for (text, expected) in [
        ("ﾊﾟﾋﾟﾌﾟ ｶﾞｷﾞｸﾞ", "papipu gagigu"),
        ("ｳﾞｨｰﾅｽ･ﾊﾘｰ", "vuinasu hari"),
        ("ｱﾞ", "a"),
        ("㈱ガイア", "(Zhu)gaia"),
        ("㍿", "Zhu Shi Hui She"),
        ("5㎏ ㌔ ㏂", "5kg kiro a.m."),
        ("㋿㊤ ㉑ ⒜", "Ling He Shang 21 (a)"),
        // The same letters in full width, with their marks apart.
        ("ハ\u{309a} カ\u{3099}", "pa ga"),
    ] {
        assert_eq!(spell(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn quote_within_a_hebrew_word_is_an_apostrophe() {
    for (text, expected) in [
        ("צה״ל ורמב״ם", "tsh'l vrmb'm"),
        ("צה\"ל צה”ל ג׳ ג'ון", "tsh'l tsh'l g' g'vn"),
        // A point of the letter before it.
        ("רַ\"ל", "ra'l"),
        // Quotes around words.
        ("״של״ \"של\" של", "\"shl\" \"shl\" shl"),
        ("é\"a", "e\"a"),
    ] {
        assert_eq!(spell(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn every_blank_is_a_space_and_every_apostrophe_an_apostrophe() {
    for blank in "\u{a0}\u{1680}\u{2000}\u{2003}\u{2009}\u{2028}\u{202f}\u{205f}\u{3000}".chars() {
        assert_eq!(transliterate(&format!("a{blank}b")), "a b", "{blank:?}");
    }
    for apostrophe in "’‘‛ʼʻʹ′´＇ꞌ".chars() {
        assert_eq!(
            transliterate(&format!("O{apostrophe}Mara")),
            "O'Mara",
            "{apostrophe:?}"
        );
    }
}

#[test]
fn letters_without_a_spelling_are_reported() {
    for (text, ascii) in [
        ("\u{13000} Egypt", "? Egypt"),
        ("a\u{f0000}b \u{12000}", "ab ?"),
        ("々", "?"),
    ] {
        assert_eq!(
            (transliterate(text).as_str(), spell(text)),
            (ascii, None),
            "{text}"
        );
    }
    // A text of signs only.
    for signs in ["Ъ ь", "ー", "ـ", "ء!", "ʺ ˮ"] {
        assert_eq!(spell(signs), None, "{signs}");
    }
    // Symbols are no letters.
    assert_eq!(spell("Why? \u{1f600}\u{2603}©").as_deref(), Some("Why? "));
}

#[test]
fn no_letter_of_unicode_vanishes_or_grows_without_bound() {
    for c in '\0'..=char::MAX {
        let spelling = transliterate(&c.to_string());
        assert!(
            spelling.len() <= MAX_SPELLING_BYTES,
            "{c:?} is {spelling:?}"
        );
        assert!(spelling.is_ascii(), "{c:?} is {spelling:?}");
        let spelled = spell(&format!("a{c}"));
        let is_mark = unicode_normalization::char::is_combining_mark(c);
        let is_letter = c.is_alphabetic() && !is_mark && !c.is_ascii();
        let is_sign = Spelling::from_char(c, (None, None)) == Spelling::Sign;
        let is_repetition = Spelling::from_char(c, (None, None)) == Spelling::Repetition;
        if is_letter && !is_sign && !is_repetition && spelled.is_some() {
            let has_letter = spelling.bytes().any(|byte| byte.is_ascii_alphanumeric());
            let is_typography = ["'", " "].contains(&spelling.as_str());
            assert!(
                has_letter || is_typography,
                "{c:?} U+{:04X} is {spelling:?}",
                c as u32
            );
        }
    }
}

proptest! {
    #[test]
    fn composed_and_decomposed_text_is_spelled_alike(text in "[a-zÀ-žа-яёїґÿǎǜếộặがぱ한국어שׁἀ ]{0,20}") {
        let (nfc, nfd): (String, String) = (text.nfc().collect(), text.nfd().collect());
        prop_assert_eq!(transliterate(&nfc), transliterate(&nfd));
    }

    #[test]
    fn spelled_text_is_plain_and_stays_as_it_is(text in "\\PC{0,40}") {
        let ascii = transliterate(&text);
        prop_assert!(ascii.is_ascii());
        prop_assert_eq!(transliterate(&ascii), ascii);
    }
}
