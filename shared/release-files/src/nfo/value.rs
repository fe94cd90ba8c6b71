//! Parses the value of a label.

use text::tidy_line;

use super::{field::fold, markup::strip_marks, placeholder::is_placeholder};
use crate::metadata::unquote;

/// The words for a value that is not known, folded.
const UNKNOWN: [&str; 35] = [
    "0000",
    "aucun",
    "aucune",
    "auteurinconnu",
    "editeurinconnu",
    "inconnu",
    "inconnue",
    "indisponible",
    "nil",
    "noncommunique",
    "nondisponible",
    "none",
    "nonprecise",
    "nonrenseigne",
    "nonspecifie",
    "notapplicable",
    "notavailable",
    "notfound",
    "notgiven",
    "notknown",
    "notspecified",
    "null",
    "pasdisponible",
    "sansobjet",
    "tba",
    "tbc",
    "tbd",
    "tobeannounced",
    "tobeconfirmed",
    "tobedetermined",
    "undefined",
    "unknown",
    "unknownauthor",
    "unknownpublisher",
    "unspecified",
];
/// Like [`UNKNOWN`], but only in capitals or with a sign: `N/A`, `n.c.`, `ND`.
const UNKNOWN_INITIALS: [&str; 3] = ["na", "nc", "nd"];
/// Like [`UNKNOWN`], but only with a full stop: `s.n.` (no name), `s.d.` (no date), `s.l.` (no place).
const UNKNOWN_WITH_STOPS: [&str; 3] = ["sd", "sl", "sn"];
/// The characters that say nothing.
const FILLERS: &str = "-–—?._*/\\~=#…·:;,|<>()[]{} ";

/// Parses a value. A quoted value is taken as it is; any other loses its markup. Returns `None` if
/// the value says that it is not known, or is an unfilled placeholder.
#[must_use]
pub fn parse_value(text: &str) -> Option<String> {
    let text = tidy_line(text)?;
    if let Some(quoted) = unquote(&text) {
        return tidy_line(&quoted);
    }
    let value = strip_marks(&text);
    (!is_unknown(value)).then(|| value.to_owned())
}

/// Returns whether a value says that it is not known: `N/A`, `-`, `????`, or a placeholder.
#[must_use]
pub fn is_unknown(value: &str) -> bool {
    let value = value.trim();
    if value.chars().all(|c| FILLERS.contains(c)) || is_placeholder(value) {
        return true;
    }
    let folded = fold(value);
    if folded.len() != value.chars().filter(|c| c.is_alphanumeric()).count() {
        return false;
    }
    let has_only_initials =
        value.contains(['/', '.', '\\']) || !value.contains(|c: char| c.is_ascii_lowercase());
    UNKNOWN.contains(&folded.as_str())
        || has_only_initials && UNKNOWN_INITIALS.contains(&folded.as_str())
        || value.contains('.') && UNKNOWN_WITH_STOPS.contains(&folded.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_that_is_not_known_is_nothing() {
        for value in [
            "",
            "-",
            "--",
            "????",
            "???",
            "...",
            "_____",
            "N/A",
            "n/a",
            "NA",
            "N.A.",
            "(none)",
            "None",
            "unknown",
            "[Unknown]",
            "Unknown Author",
            "Inconnu",
            "Non communiqué",
            "Non spécifié",
            "Not Found",
            "s.n.",
            "[s.d.]",
            "0000",
            "n\\a",
            "TBA",
            "n.c.",
            "ND",
            "null",
            "<none>",
            "**N/A**",
            "[TITLE]",
            "{{ title }}",
            "%AUTHOR%",
            "{{ mood }}",
            "\"\"",
            "…",
            "–",
        ] {
            assert_eq!(parse_value(value), None, "{value}");
        }
    }

    #[test]
    fn value_that_looks_unknown_is_kept() {
        for value in [
            "Salt",
            "na",
            "Na",
            "Nd",
            "SN",
            "sd",
            "0001",
            "None of This",
            "The Unknown",
            "!!!",
            "1984",
            "[REC]",
            "-5",
            "日本",
            "€",
            "%",
            "Tba x",
        ] {
            assert_eq!(parse_value(value).as_deref(), Some(value));
        }
        for quoted in ["None", "????", "[TITLE]", "**X**", "\"X\"", "N/A"] {
            let value = crate::metadata::quote(quoted);
            assert_eq!(parse_value(&value).as_deref(), Some(quoted));
        }
    }
}
