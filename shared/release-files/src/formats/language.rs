//! The language of a book's text.

use std::collections::BTreeMap;

use isolang::Language;

use super::chapter::{HIDDEN, INLINE};
use super::xml::{self, Node};

/// The largest number of documents that are sampled, spread over the reading order.
const MAX_DOCUMENTS: usize = 40;
/// The part of a document that is searched for text, in bytes.
const MAX_SEARCHED_BYTES: usize = 128 * 1024;
/// The most text of a document, and of a book, in characters.
const MAX_TEXT: (usize, usize) = (4_000, 20_000);
/// The shortest block of text, in characters. A heading says little, and names even less.
const MIN_BLOCK: usize = 20;
/// The least text whose language is detected, in characters.
const MIN_TEXT: usize = 500;
/// The size of the pieces whose language is detected, in characters. A language that the detector
/// does not know often seems to be another in each piece, or none.
const PIECE: usize = 500;
/// The least part of the text that must be in the language, and the largest in others, in percent.
const MIN_SHARE: usize = 60;
const MAX_OTHERS: usize = 10;

/// Other tags of the languages that the detector knows: the codes of bibliographies in ISO 639-2, old
/// codes, and macrolanguages with their members.
const SAME: [(&[&str], &str); 25] = [
    (&["arb", "arz"], "ar"),
    (&["arm"], "hy"),
    (&["azb", "azj"], "az"),
    (
        &["bos", "bs", "cnr", "hbs", "hr", "hrv", "sh", "sr", "srp"],
        "hr",
    ),
    (&["bur"], "my"),
    (&["chi", "zho", "hak", "nan", "wuu", "yue"], "zh"),
    (&["cze"], "cs"),
    (&["dut"], "nl"),
    (&["ekk"], "et"),
    (&["fas", "per", "prs"], "fa"),
    (&["fil"], "tl"),
    (&["fre"], "fr"),
    (&["geo"], "ka"),
    (&["ger"], "de"),
    (&["gre"], "el"),
    (&["in", "may", "ms", "msa", "zsm"], "id"),
    (&["iw"], "he"),
    (&["ji", "ydd"], "yi"),
    (&["lvs"], "lv"),
    (&["mac"], "mk"),
    (&["mo", "mol", "rum"], "ro"),
    (&["nn", "nno", "no", "nor"], "nb"),
    (&["npi"], "ne"),
    (&["slo"], "sk"),
    (&["wel"], "cy"),
];

/// Collects samples of a book's text, document by document, and detects their language.
#[derive(Debug)]
pub struct Sampler {
    /// The documents that are sampled.
    chosen: Vec<usize>,
    samples: Vec<String>,
}

impl Sampler {
    /// Starts for the documents of a book, in their reading order.
    pub fn new(documents: &[usize]) -> Self {
        let step = documents.len().div_ceil(MAX_DOCUMENTS).max(1);
        Self {
            chosen: documents.iter().copied().step_by(step).collect(),
            samples: Vec::new(),
        }
    }

    /// Takes a sample of a document, unless enough others are taken.
    pub fn add(&mut self, index: usize, document: &str) {
        if self.chosen.contains(&index) {
            let end = document.floor_char_boundary(MAX_SEARCHED_BYTES);
            self.samples.push(text_of(&document[..end]));
        }
    }

    /// The language of the text: a primary tag of BCP 47; `None` if it is not clear.
    pub fn finish(&self) -> Option<String> {
        let (_, all) = MAX_TEXT;
        let samples = self.samples.iter().filter(|sample| !sample.is_empty());
        let share = all / samples.clone().count().max(1);
        let text: Vec<char> = samples
            .flat_map(|sample| sample.chars().take(share))
            .collect();
        detect(&text)
    }
}

fn detect(text: &[char]) -> Option<String> {
    if text.len() < MIN_TEXT {
        return None;
    }
    let mut counts = BTreeMap::new();
    for piece in text.chunks(PIECE) {
        let found = whatlang::detect(&String::from_iter(piece));
        if let Some(found) = found.filter(whatlang::Info::is_reliable) {
            *counts.entry(found.lang().code()).or_insert(0) += piece.len();
        }
    }
    let reliable: usize = counts.values().sum();
    let (code, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    let percent = |count: usize| count * 100 / text.len();
    let is_clear = percent(count) >= MIN_SHARE && percent(reliable - count) <= MAX_OTHERS;
    is_clear.then(|| tag_of(code).map(str::to_owned))?
}

/// The primary tag of a language that the detector names by its code in ISO 639-3.
fn tag_of(code: &str) -> Option<&'static str> {
    match code {
        "cmn" => Some("zh"),
        "pes" => Some("fa"),
        _ => Language::from_639_3(code)?.to_639_1(),
    }
}

/// Returns whether a declared language differs from the detected one. Only the primary tags count.
/// Members of a macrolanguage, such as Bokmål and Nynorsk, or Serbian and Croatian, do not differ. A
/// language that the detector does not know, such as Basque, and a tag that is none, such as `und`, do
/// not differ from any: their text may seem to be in a language that is like them.
#[must_use]
pub fn language_differs(declared: &str, detected: &str) -> bool {
    let languages = known_language(declared).zip(known_language(detected));
    languages.is_some_and(|(declared, detected)| declared != detected)
}

/// The primary tag of a language that the detector knows, the same one for all members of a
/// macrolanguage.
fn known_language(tag: &str) -> Option<&'static str> {
    let primary = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let same = SAME.iter().find(|(tags, _)| tags.contains(&&primary[..]));
    if let Some((_, language)) = same {
        return Some(language);
    }
    let mut detected = whatlang::Lang::all().iter().map(whatlang::Lang::code);
    detected.find_map(|code| tag_of(code).filter(|tag| primary == code || primary == *tag))
}

/// The blocks of text of a document, up to the limit.
fn text_of(document: &str) -> String {
    let mut text = Text::default();
    xml::walk_html(document, &mut |node| text.visit(&node));
    text.end_block();
    text.kept
}

#[derive(Default)]
struct Text {
    kept: String,
    /// The number of characters that are kept.
    count: usize,
    block: String,
    /// The number of open elements that are hidden.
    hidden: usize,
}

impl Text {
    fn visit(&mut self, node: &Node<'_>) {
        match node {
            Node::Open(name, _) | Node::Close(name) if !INLINE.contains(name) => {
                self.end_block();
                let is_hidden = HIDDEN.contains(name);
                match node {
                    Node::Open(..) if is_hidden => self.hidden += 1,
                    Node::Close(_) if is_hidden => self.hidden = self.hidden.saturating_sub(1),
                    _ => {}
                }
            }
            Node::Text(text) if self.hidden == 0 && self.count < MAX_TEXT.0 => {
                self.block.push_str(text);
            }
            _ => {}
        }
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let length = block.chars().count();
        let left = MAX_TEXT.0 - self.count;
        if length >= MIN_BLOCK && left > 0 {
            self.kept.extend(block.chars().take(left));
            self.kept.push('\n');
            self.count += length.min(left);
        }
    }
}

#[cfg(test)]
#[path = "language_tests.rs"]
mod tests;
