//! The ASCII spelling of a character.
//!
//! `deunicode` knows most letters. This module corrects the ones that it leaves out or spells with
//! a symbol, and keeps the typography of plain text.

use deunicode::deunicode_char;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// The spelling of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// An ASCII character, as it is.
    Ascii(char),
    /// The letters and digits of a text; its other characters do not count.
    Letters(&'static str),
    /// The same in lower case: the library tells letters of a script without capitals apart by
    /// their case.
    LowerCase(&'static str),
    /// A word of its own.
    Word(&'static str),
    /// A sign that has no sound of its own.
    Sign,
    /// The last letter again.
    Repetition,
    /// Punctuation, a blank or a symbol, and its equivalent. It ends a word.
    Symbol(&'static str),
    /// Nothing: an invisible character, or the mark of a letter.
    Nothing,
    /// A letter without a spelling.
    Unknown,
}

impl Spelling {
    /// Returns the spelling of a character between two others.
    pub(super) fn from_char(c: char, (previous, next): (Option<char>, Option<char>)) -> Self {
        // Hebrew marks an abbreviation before its last letter: `צה״ל`.
        if is_double_quote(c) && is_hebrew(previous) && is_hebrew(next) {
            return Self::Symbol("'");
        }
        if c.is_ascii() {
            return Self::Ascii(c);
        }
        if c.is_whitespace() {
            return Self::Symbol(" ");
        }
        match c {
            // Bulgarian has a vowel where Russian has a sign, which occurs only before a vowel or
            // at the end of a word.
            'ъ' if is_hard_vowel(next) => Self::Letters("a"),
            'Ъ' if is_hard_vowel(next) => Self::Letters("A"),
            // Catalan: `col·lecció`.
            '·' if is_l(previous) && is_l(next) => Self::Nothing,
            '々' | '〻' | 'ゝ' | 'ゞ' | 'ヽ' | 'ヾ' => Self::Repetition,
            _ => corrected(c)
                .or_else(|| typographic(c))
                .unwrap_or_else(|| Self::from_library(c)),
        }
    }

    fn from_library(c: char) -> Self {
        let found = deunicode_char(c);
        let spelling = found.filter(|found| found.bytes().any(|byte| byte.is_ascii_alphanumeric()));
        if !c.is_alphanumeric() {
            return match found {
                _ if is_combining_mark(c) || is_joiner(c) => Self::Nothing,
                // The name of a symbol is not part of the text.
                Some(symbol) if spelling.is_none() => Self::Symbol(symbol),
                _ => Self::Symbol(""),
            };
        }
        match spelling {
            Some(word) if is_ideograph(c) || word.contains('/') => Self::Word(word),
            Some(letters) if c.is_uppercase() => Self::Letters(letters),
            Some(letters) => Self::LowerCase(letters),
            None if is_sign(c) || is_combining_mark(c) => Self::Sign,
            None => Self::from_compatible(c),
        }
    }

    /// Returns the spelling of the letter that this one is a form of.
    fn from_compatible(c: char) -> Self {
        let mut parts = Vec::new();
        decompose_compatible(c, |part| parts.push(part));
        match parts.as_slice() {
            [part, ..] if *part != c => Self::from_char(*part, (None, None)),
            _ => Self::Unknown,
        }
    }
}

/// Returns the spelling of letters that the library confuses, omits or spells with a symbol.
fn corrected(c: char) -> Option<Spelling> {
    let letters = match c {
        'ŋ' | 'ㅇ' => "ng",
        'Ŋ' => "Ng",
        // Azerbaijani, Kazakh and Tatar.
        'ə' | 'ә' | 'ӛ' | 'ʌ' => "a",
        'Ə' | 'Ә' | 'Ӛ' | 'Ӑ' | 'Ʌ' => "A",
        'ǝ' => "e",
        'ɚ' => "er",
        'ԧ' | 'ة' | 'ۃ' => "h",
        'Ԧ' => "H",
        'إ' => "i",
        'ٳ' => "u",
        'غ' => "gh",
        'อ' | 'ອ' => "o",
        'Ξ' => "X",
        // Marks without a vowel: sheva, the dots of shin and sin, and the doubling of a letter.
        '\u{5b0}' | '\u{5c1}' | '\u{5c2}' | '\u{651}' => return Some(Spelling::Sign),
        _ if is_vowel_carrier(c) => "a",
        _ => return None,
    };
    Some(Spelling::Letters(letters))
}

/// Returns the equivalents of quotes, dashes and other typography, as plain text has them.
fn typographic(c: char) -> Option<Spelling> {
    let symbol = match c {
        '‘' | '’' | '‚' | '‛' | '′' | '´' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | 'ʾ' | 'ʿ' | 'ˈ' | '՚' | '׳'
        | '\u{1fbd}' | '\u{1fbf}' | 'ꞌ' | 'Ꞌ' | '＇' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' | '״' => "\"",
        '\u{2010}'..='\u{2015}' | '−' => "-",
        '…' => "...",
        '•' | '·' => "*",
        '・' | '･' | '\u{3164}' => " ",
        '×' => "x",
        '€' => "EUR",
        '№' => "No",
        _ => return None,
    };
    Some(Spelling::Symbol(symbol))
}

/// Returns whether a letter is only a sign: it softens, hardens, lengthens or joins its neighbors,
/// is a stop that English does not write, or marks an omission.
const fn is_sign(c: char) -> bool {
    matches!(
        c,
        'ъ' | 'Ъ' | 'ь' | 'Ь' | 'ҍ' | 'Ҍ' | 'Ӏ' | 'ꙏ' | 'Ꙏ' | 'ʔ' | 'ʕ' | 'ɂ' | 'Ɂ' | '\u{2b9}'
            ..='\u{2ee}' | '\u{374}' | '\u{559}'
        // Arabic: hamza and tatweel. Syriac is written like it.
        | 'ء' | '\u{640}' | '\u{6e5}' | '\u{6e6}'
        // Thaana and Gurmukhi: the bearers of a written vowel.
        | 'އ' | 'ޢ' | 'ੲ' | 'ੳ'
        // Indian scripts: an omitted vowel.
        | 'ऽ' | 'ॱ' | 'ঽ' | 'ઽ' | 'ଽ' | 'ఽ' | 'ಽ' | 'ഽ'
        // Thai, Lao and Khmer: abbreviation, and the last word again.
        | 'ฯ' | 'ๆ' | 'ຯ' | 'ໆ' | 'ៗ' | 'ៜ'
        | 'འ' | 'ᡃ' | 'ჸ' | 'ჺ'
        // Kana: the long vowel, and the marks of halfwidth kana. Hangul: the silent consonant and the fillers.
        | 'ー' | '\u{ff9e}' | '\u{ff9f}' | 'ᄋ' | '\u{115f}' | '\u{1160}' | '\u{ffa0}'
    )
}

/// Returns whether a Semitic or Burmese letter carries a vowel: it is silent or an `a`.
const fn is_vowel_carrier(c: char) -> bool {
    matches!(
        c,
        'א' | 'ﬡ' | 'ע' | 'ﬠ' | 'ا' | 'أ' | 'ٱ' | 'ٲ' | 'ى' | 'ع' | 'ܐ' | 'ܥ' | 'ဢ'
    )
}

/// Returns whether a hard sign before this character is the Bulgarian vowel.
fn is_hard_vowel(next: Option<char>) -> bool {
    next.is_some_and(|next| next.is_alphabetic() && !"еёюяиіїєЕЁЮЯИІЇЄ".contains(next))
}

const fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '״' | '“' | '”' | '„' | '‟' | '″')
}

/// Returns whether a character is a Hebrew letter, or a point of one.
const fn is_hebrew(c: Option<char>) -> bool {
    matches!(
        c,
        Some(
            '\u{591}'..='\u{5bd}'
            | '\u{5bf}'
            | '\u{5c1}'..='\u{5c2}'
            | '\u{5c4}'..='\u{5c5}'
            | '\u{5c7}'..='\u{5f2}'
            | '\u{fb1d}'..='\u{fb4f}',
        )
    )
}

fn is_l(c: Option<char>) -> bool {
    matches!(c, Some('l' | 'L'))
}

/// Returns whether a character has no width: a joiner, a mark of direction, or a place to break.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// Returns whether a character is a Han ideograph, which is a word of its own.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}
