//! Transliteration to ASCII, for names and for DOS text files.

/// Characters outside ASCII, and their replacements.
const REPLACEMENTS: [(&str, &str); 46] = [
    ("àáâãäåāăą", "a"),
    ("ÀÁÂÃÄÅĀĂĄ", "A"),
    ("æ", "ae"),
    ("Æ", "AE"),
    ("çćč", "c"),
    ("ÇĆČ", "C"),
    ("ďđð", "d"),
    ("ĎĐÐ", "D"),
    ("èéêëēęě", "e"),
    ("ÈÉÊËĒĘĚ", "E"),
    ("ğ", "g"),
    ("Ğ", "G"),
    ("ìíîïīı", "i"),
    ("ÌÍÎÏĪİ", "I"),
    ("ł", "l"),
    ("Ł", "L"),
    ("ñńň", "n"),
    ("ÑŃŇ", "N"),
    ("òóôõöøōő", "o"),
    ("ÒÓÔÕÖØŌŐ", "O"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("ř", "r"),
    ("Ř", "R"),
    ("śšşș", "s"),
    ("ŚŠŞȘ", "S"),
    ("ß", "ss"),
    ("ťţț", "t"),
    ("ŤŢȚ", "T"),
    ("þ", "th"),
    ("Þ", "Th"),
    ("ùúûüūůű", "u"),
    ("ÙÚÛÜŪŮŰ", "U"),
    ("ýÿ", "y"),
    ("ÝŸ", "Y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
    (
        "\u{300}\u{301}\u{302}\u{303}\u{308}\u{30a}\u{30c}\u{327}",
        "",
    ),
    ("‘’‚′", "'"),
    ("“”„″«»", "\""),
    ("‐‑‒–—―", "-"),
    ("…", "..."),
    ("•·", "*"),
    ("×", "x"),
    ("€", "EUR"),
    ("\u{a0}\u{2009}\u{202f}", " "),
];

/// Replaces each character by its closest equivalent in ASCII, or by `?` if it has none.
#[must_use]
pub fn transliterate(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        match REPLACEMENTS.iter().find(|(from, _)| from.contains(c)) {
            Some((_, to)) => ascii.push_str(to),
            None => ascii.push('?'),
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_are_dropped_and_other_scripts_become_question_marks() {
        assert_eq!(
            transliterate("L’été à Besançon… Œuvre, Straße, e\u{301}"),
            "L'ete a Besancon... OEuvre, Strasse, e"
        );
        assert_eq!(transliterate("日本 ok"), "?? ok");
    }
}
