//! The roles of a book's contributors: MARC relator codes, and the words that tools write instead.

/// The role of an author.
pub const AUTHOR: &str = "aut";
/// The role of the program that created a file.
pub const BOOK_PRODUCER: &str = "bkp";

/// Further MARC codes of people who are no authors, such as colorists, designers and proofreaders.
const OTHER_CODES: [&str; 12] = [
    "ann", "bkd", "clr", "cph", "csl", "dsr", "ltr", "pfr", "prt", "red", "rev", "trc",
];

/// Words for roles, in lower case, and their MARC codes. Those such as `a01` are of ONIX code list 17.
const WORDS: [(&str, &[&str]); 14] = [
    (
        AUTHOR,
        &[
            "author",
            "authors",
            "writer",
            "writers",
            "creator",
            "cre",
            "auteur",
            "autor",
            "autora",
            "autore",
            "auteure",
            "auteur du texte",
            "autorin",
            "verfasser",
            "verfasserin",
            "co-author",
            "coauthor",
            "main author",
            "forfatter",
            "författare",
            "kirjailija",
            "schrijver",
            "szerző",
            "yazar",
            "συγγραφέας",
            "автор",
            "作者",
            "著",
            "著者",
            "a01",
        ],
    ),
    (
        "ill",
        &[
            "illustrator",
            "illustrations",
            "illustrateur",
            "illustratrice",
            "ilustrador",
            "illustratore",
            "иллюстратор",
            "художник",
            "イラスト",
            "a12",
        ],
    ),
    (
        "trl",
        &[
            "translator",
            "translation",
            "traducteur",
            "traductrice",
            "traductor",
            "traduttore",
            "übersetzer",
            "переводчик",
            "訳者",
            "译者",
            "b06",
        ],
    ),
    (
        "edt",
        &["editor", "editors", "herausgeber", "curatore", "b01"],
    ),
    ("art", &["artist"]),
    (
        "cov",
        &["cover", "cover artist", "cover design", "cover designer"],
    ),
    ("nrt", &["narrator"]),
    ("pht", &["photographer"]),
    (
        "aui",
        &["author of introduction", "introduction", "foreword"],
    ),
    ("aft", &["author of afterword", "afterword"]),
    ("com", &["compiler"]),
    ("ctb", &["contributor"]),
    ("pbl", &["publisher"]),
    (BOOK_PRODUCER, &["book producer"]),
];

/// Returns whether a role of [`parse_roles`] is known to be no author's.
#[must_use]
pub fn is_of_no_author(role: &str) -> bool {
    let mut codes = WORDS.iter().map(|(code, _)| code).chain(&OTHER_CODES);
    role != AUTHOR && codes.any(|code| *code == role)
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_lowercase())
}

/// Parses the roles in one value: a MARC code or the URL of one, in any case, or a word for it, or
/// several of these. Any other value is one role, as written.
#[must_use]
pub fn parse_roles(value: &str) -> Vec<String> {
    let value = value.trim();
    if value.is_empty() {
        return Vec::new();
    }
    if let Some(code) = code_of(value) {
        return vec![code];
    }
    for separators in [&[',', ';', '|', '/', '&'][..], &[' ']] {
        let parts = value.split(separators).map(str::trim);
        let codes: Option<Vec<_>> = parts.filter(|part| !part.is_empty()).map(code_of).collect();
        if let Some(codes) = codes.filter(|codes| !codes.is_empty()) {
            return codes;
        }
    }
    vec![value.to_owned()]
}

/// Returns the MARC code that a value is, ends with as a URL, or means as a word.
fn code_of(value: &str) -> Option<String> {
    let value = value.to_lowercase();
    // As in `aut.`, and the page of `http://id.loc.gov/vocabulary/relators/aut.html`.
    let value = value.trim_end_matches(".html").trim_end_matches('.');
    let means = |(_, words): &&(&str, &[&str])| words.contains(&value);
    if let Some((code, _)) = WORDS.iter().find(means) {
        return Some((*code).to_owned());
    }
    // As in `http://id.loc.gov/vocabulary/relators/aut` and `marc:aut`.
    let code = match value.rsplit_once([':', '/', '#']) {
        Some((before, code)) if !is_code(before) => code,
        Some(_) => return None,
        None => value,
    };
    is_code(code).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_careless_tools_are_codes() {
        for (value, expected) in [
            ("aut", &["aut"][..]),
            (" AUT ", &["aut"]),
            ("Author", &["aut"]),
            ("Illustrator", &["ill"]),
            ("TRANSLATOR", &["trl"]),
            ("Übersetzer", &["trl"]),
            ("cre", &["aut"]),
            ("http://id.loc.gov/vocabulary/relators/aut", &["aut"]),
            ("http://id.loc.gov/vocabulary/relators/ILL", &["ill"]),
            ("marc:trl", &["trl"]),
            ("aut ill", &["aut", "ill"]),
            ("ill,aut", &["ill", "aut"]),
            ("ill/aut", &["ill", "aut"]),
            ("Author; Cover artist", &["aut", "cov"]),
            ("Author of introduction", &["aui"]),
            ("Map maker", &["Map maker"]),
            ("A01", &["aut"]),
            ("A12", &["ill"]),
            ("b06", &["trl"]),
            ("B01", &["edt"]),
            ("A99", &["A99"]),
            ("Автор", &["aut"]),
            ("著者", &["aut"]),
            ("Co-Author", &["aut"]),
            ("FÖRFATTARE", &["aut"]),
            ("aut.", &["aut"]),
            ("http://id.loc.gov/vocabulary/relators/aut.html", &["aut"]),
            ("Auteur / Illustratrice", &["aut", "ill"]),
            (
                "https://example.com/made-up",
                &["https://example.com/made-up"],
            ),
            ("", &[]),
            (" ", &[]),
            (",", &[","]),
        ] {
            assert_eq!(parse_roles(value), expected, "{value:?}");
        }
    }
}
