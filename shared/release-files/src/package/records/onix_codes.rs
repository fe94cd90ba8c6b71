//! Codes of the ONIX code lists (issue 75) for what the metadata and the schema.org
//! vocabulary say. Those for accessibility follow the crosswalk of the W3C's Accessibility
//! Discoverability Vocabulary community group.

use isolang::Language;

use crate::formats::DeclaredAccessibility;

/// The contributor roles of list 17, by their MARC codes.
const ROLES: [(&str, &str); 23] = [
    ("aut", "A01"),
    ("aft", "A19"),
    ("ann", "A20"),
    ("adp", "B05"),
    ("art", "A07"),
    ("aui", "A24"),
    ("clr", "A47"),
    ("cmp", "A06"),
    ("com", "C01"),
    ("cov", "A36"),
    ("ctb", "A32"),
    ("ctg", "A39"),
    ("dsr", "A11"),
    ("edt", "B01"),
    ("ill", "A12"),
    ("ins", "A46"),
    ("ltr", "A48"),
    ("nrt", "E07"),
    ("pht", "A13"),
    ("prd", "D01"),
    ("red", "B01"),
    ("rev", "B02"),
    ("trl", "B06"),
];

/// The role of another contributor.
const OTHER_ROLE: &str = "Z99";

/// The languages whose code in ISO 639-2/B differs from that in ISO 639-3.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("bod", "tib"),
    ("ces", "cze"),
    ("cym", "wel"),
    ("deu", "ger"),
    ("ell", "gre"),
    ("eus", "baq"),
    ("fas", "per"),
    ("fra", "fre"),
    ("hye", "arm"),
    ("isl", "ice"),
    ("kat", "geo"),
    ("mkd", "mac"),
    ("mri", "mao"),
    ("msa", "may"),
    ("mya", "bur"),
    ("nld", "dut"),
    ("ron", "rum"),
    ("slk", "slo"),
    ("sqi", "alb"),
    ("zho", "chi"),
];

/// The codes of list 196 for values of `schema:accessibilityFeature`.
const FEATURES: [(&str, &str); 25] = [
    ("ARIA", "30"),
    ("audioDescription", "28"),
    ("alternativeText", "14"),
    ("ChemML", "18"),
    ("describedMath", "53"),
    ("displayTransformability", "36"),
    ("highContrastAudio", "27"),
    ("highContrastDisplay", "26"),
    ("index", "12"),
    ("latex", "35"),
    ("latex-chemistry", "54"),
    ("longDescription", "15"),
    ("longDescriptions", "15"),
    ("MathML", "17"),
    ("MathML-chemistry", "34"),
    ("none", "09"),
    ("pageBreakMarkers", "19"),
    ("pageNavigation", "41"),
    ("printPageNumbers", "19"),
    ("readingOrder", "13"),
    ("structuralNavigation", "29"),
    ("synchronizedAudioText", "20"),
    ("tableOfContents", "11"),
    ("ttsMarkup", "21"),
    ("unlocked", "10"),
];

/// The codes of list 143 for values of `schema:accessibilityHazard`.
const HAZARDS: [(&str, &[&str]); 11] = [
    ("none", &["00"]),
    ("flashing", &["13"]),
    ("noFlashingHazard", &["14"]),
    ("sound", &["15"]),
    ("noSoundHazard", &["16"]),
    ("motionSimulation", &["17"]),
    ("noMotionSimulationHazard", &["18"]),
    ("unknown", &["24", "25", "26"]),
    ("unknownFlashingHazard", &["24"]),
    ("unknownSoundHazard", &["25"]),
    ("unknownMotionSimulationHazard", &["26"]),
];

/// The e-publication formats of list 175, by the formats of the analysis.
const FORMATS: [(&str, &str); 10] = [
    ("cbz", "E149"),
    ("chm", "E100"),
    ("djvu", "E100"),
    ("epub", "E101"),
    ("html", "E105"),
    ("mobi", "E127"),
    ("pdf", "E107"),
    ("rtf", "E109"),
    ("text", "E112"),
    ("azw", "E116"),
];

fn code_of<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let mut rows = table.iter();
    rows.find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, code)| *code)
}

/// Returns the role of a contributor, in list 17.
pub fn role(marc: &str) -> &'static str {
    code_of(&ROLES, marc).unwrap_or(OTHER_ROLE)
}

/// Returns the format of a file, in list 175.
pub fn format(format: &str) -> Option<&'static str> {
    code_of(&FORMATS, format)
}

/// Returns the code of a language in ISO 639-2/B (list 74) for a BCP 47 tag. A language without a
/// code of two letters has none here, since not every code of ISO 639-3 is in the list.
pub fn language(tag: &str) -> Option<&'static str> {
    let primary = tag.split(['-', '_']).next()?.trim().to_ascii_lowercase();
    let language = match primary.len() {
        2 => Language::from_639_1(&primary)?,
        3 => Language::from_639_3(&primary)
            .or_else(|| from_bibliographic(&primary))
            .filter(|language| language.to_639_1().is_some())?,
        _ => return None,
    };
    let code = language.to_639_3();
    Some(code_of(&BIBLIOGRAPHIC, code).unwrap_or(code))
}

fn from_bibliographic(code: &str) -> Option<Language> {
    let mut codes = BIBLIOGRAPHIC.iter();
    let (code, _) = codes.find(|(_, bibliographic)| *bibliographic == code)?;
    Language::from_639_3(code)
}

/// A feature of a product: its type in list 79, its code, and its description.
pub type Feature<'a> = (&'static str, &'static str, Option<&'a str>);

/// The type of a code of list 196.
const ACCESSIBILITY: &str = "09";
/// The type of a code of list 143.
const HAZARD: &str = "12";

/// Returns what a book says of its accessibility, each feature once.
pub fn accessibility(declared: &DeclaredAccessibility) -> Vec<Feature<'_>> {
    let mut found: Vec<Feature<'_>> = Vec::new();
    let mut codes: Vec<_> = standards(declared);
    codes.extend(sufficient(declared));
    let features = declared.features.iter();
    codes.extend(features.filter_map(|feature| code_of(&FEATURES, feature)));
    found.extend(codes.into_iter().map(|code| (ACCESSIBILITY, code, None)));
    let hazards = declared.hazards.iter();
    let hazards = hazards.filter_map(|hazard| code_of(&HAZARDS, hazard));
    found.extend(hazards.flatten().map(|code| (HAZARD, *code, None)));
    found.extend(described(declared));
    let mut seen = Vec::new();
    found.retain(|(kind, code, _)| {
        let is_new = !seen.contains(&(*kind, *code));
        seen.push((*kind, *code));
        is_new
    });
    found
}

/// The specifications that the book conforms to: EPUB Accessibility and the level of WCAG.
fn standards(declared: &DeclaredAccessibility) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for standard in &declared.conforms_to {
        let standard = standard.to_lowercase();
        if let Some((_, level)) = standard.split_once("accessibility-20170105.html#wcag-") {
            codes.push(if level == "a" { "02" } else { "03" });
        } else if standard.starts_with("epub accessibility 1.1") {
            codes.push("04");
            codes.extend(wcag(&standard));
        }
    }
    codes
}

/// The version and the level in `EPUB Accessibility 1.1 - WCAG 2.1 Level AA`.
fn wcag(standard: &str) -> impl Iterator<Item = &'static str> + use<> {
    let has = |text: &str| standard.contains(text);
    let version = [("wcag 2.0", "80"), ("wcag 2.1", "81"), ("wcag 2.2", "82")];
    let level = [("level aaa", "86"), ("level aa", "85"), ("level a", "84")];
    let code = |table: [(&str, &'static str); 3]| {
        let mut rows = table.into_iter();
        rows.find(|(text, _)| has(text)).map(|(_, code)| code)
    };
    code(version).into_iter().chain(code(level))
}

/// The ways of perceiving the book that are enough by themselves.
fn sufficient(declared: &DeclaredAccessibility) -> impl Iterator<Item = &'static str> + use<'_> {
    let modes = declared.access_modes_sufficient.iter();
    modes.filter_map(|mode| code_of(&[("auditory", "51"), ("textual", "52")], mode.trim()))
}

/// The features that have a description.
fn described(declared: &DeclaredAccessibility) -> impl Iterator<Item = Feature<'_>> {
    let is_address = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    let credential = declared.certifier_credential.as_deref();
    let credential_code = credential.map(|text| if is_address(text) { "89" } else { "88" });
    let report = declared.certifier_report.as_deref();
    [
        (Some("00"), declared.summary.as_deref()),
        (Some("90"), declared.certified_by.as_deref()),
        (credential_code, credential),
        (Some("94"), report.filter(|text| is_address(text))),
    ]
    .into_iter()
    .filter_map(|(code, text)| Some((ACCESSIBILITY, code?, Some(text?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_their_bibliographic_codes() {
        for (tag, expected) in [
            ("en", Some("eng")),
            ("de-AT", Some("ger")),
            ("fr_CA", Some("fre")),
            ("zh-Hant-TW", Some("chi")),
            ("nob", Some("nob")),
            ("ger", Some("ger")),
            ("deu", Some("ger")),
            ("yue", None),
            ("English", None),
            ("xx", None),
            ("", None),
        ] {
            assert_eq!(language(tag), expected, "{tag:?}");
        }
    }

    #[test]
    fn declared_accessibility_has_the_codes_of_the_crosswalk() {
        let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let declared = DeclaredAccessibility {
            conforms_to: list(&[
                "EPUB Accessibility 1.1 - WCAG 2.2 Level AAA",
                "http://www.idpf.org/epub/a11y/accessibility-20170105.html#wcag-aa",
            ]),
            features: list(&[
                "tableOfContents",
                "tableOfContents",
                "alternativeText",
                "made-up",
            ]),
            hazards: list(&["noFlashingHazard", "unknown"]),
            access_modes_sufficient: list(&["textual,visual", "textual"]),
            certifier_credential: Some("https://example.com/credential".to_owned()),
            summary: Some("Much.".to_owned()),
            ..DeclaredAccessibility::default()
        };
        let codes: Vec<_> = accessibility(&declared)
            .into_iter()
            .map(|(kind, code, _)| format!("{kind}:{code}"))
            .collect();
        let expected =
            "09:04 09:82 09:86 09:03 09:52 09:11 09:14 12:14 12:24 12:25 12:26 09:00 09:89";
        assert_eq!(codes.join(" "), expected);
    }
}
