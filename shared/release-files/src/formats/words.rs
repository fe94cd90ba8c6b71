//! Counts the words of a text.

use std::ops::AddAssign;

use unicode_segmentation::UnicodeSegmentation;

/// Words and characters that a person reads in a minute: the means of English, and of Chinese and
/// Japanese, in Trauzettel-Klosinski and Dietz, "Standardized assessment of reading performance"
/// (2012), rounded.
const WORDS_PER_MINUTE: u64 = 230;
const CHARACTERS_PER_MINUTE: u64 = 300;

/// The length of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Length {
    /// The number of words (Unicode Standard Annex 29), without those of `characters`.
    pub words: u64,
    /// The number of characters of the scripts that do not separate words.
    pub characters: u64,
    /// The number of those characters whose reading time is not known.
    untimed: u64,
}

impl Length {
    /// Counts a text.
    pub fn count(text: &str) -> Self {
        let mut length = Self::default();
        for word in text.unicode_words() {
            if !word.contains(is_unseparated) {
                length.words += 1;
                continue;
            }
            // A letter with its marks is one character.
            let starts = word.graphemes(true).filter_map(|one| one.chars().next());
            let (mut characters, mut untimed) = (0, 0);
            for start in starts.filter(|&c| is_unseparated(c)) {
                characters += 1;
                untimed += u64::from(start < FIRST_TIMED);
            }
            length.words += u64::from(characters == 0);
            length.characters += characters;
            length.untimed += untimed;
        }
        length
    }

    /// The time to read the text, in minutes, rounded up; `None` if most of it is in a script for
    /// which it is not known.
    pub fn minutes(self) -> Option<u64> {
        let timed = self.characters - self.untimed;
        let words = self.words * CHARACTERS_PER_MINUTE;
        let minutes =
            (words + timed * WORDS_PER_MINUTE).div_ceil(WORDS_PER_MINUTE * CHARACTERS_PER_MINUTE);
        (self.untimed <= self.words + timed).then_some(minutes)
    }
}

impl AddAssign for Length {
    fn add_assign(&mut self, other: Self) {
        self.words += other.words;
        self.characters += other.characters;
        self.untimed += other.untimed;
    }
}

/// Where kana and Han begin, below which the reading time of [`is_unseparated`] is not known.
const FIRST_TIMED: char = '\u{3005}';

/// Whether a letter is of a script that writes words without spaces: Thai, Lao, Burmese, Khmer,
/// kana, Han.
const fn is_unseparated(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_is_a_letter_with_its_marks() {
        for (text, characters) in [("か\u{3099}", 1), ("ที่นี่", 2), ("漢字", 2), ("한국", 0)]
        {
            assert_eq!(Length::count(text).characters, characters, "{text}");
        }
    }

    #[test]
    fn reading_takes_a_minute_for_each_230_words_or_300_characters() {
        let minutes = |words: usize, characters: usize| {
            let text = format!("{}{}", "word ".repeat(words), "字".repeat(characters));
            Length::count(&text).minutes()
        };
        let found = [
            minutes(0, 0),
            minutes(1, 0),
            minutes(230, 0),
            minutes(231, 0),
        ];
        assert_eq!(found, [0, 1, 1, 2].map(Some));
        assert_eq!([minutes(0, 300), minutes(230, 300)], [1, 2].map(Some));
        assert_eq!(Length::count("ที่นี่").minutes(), None);
    }
}
