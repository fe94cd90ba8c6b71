//! How much there is of a work.

use super::model::Analysis;

/// How much there is of a work, for people. What is not known is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The number of pages.
    pub pages: Option<u64>,
    /// The number of words of its text, without those that are counted as characters.
    pub words: Option<u64>,
    /// The number of characters of the scripts that do not separate words.
    pub characters: Option<u64>,
    /// The titles at the first level of its table of contents.
    pub chapters: Vec<String>,
    /// The width and height of its cover, in pixels.
    pub cover: Option<(u32, u32)>,
}

impl Extent {
    /// Takes the extent from an analysis.
    pub(super) fn from_analysis(analysis: &Analysis) -> Self {
        let contents = &analysis.contents;
        let counted = |count: Option<u64>| count.filter(|count| *count > 0);
        let cover = analysis.cover.as_ref();
        Self {
            pages: counted(analysis.mediainfo.pages),
            words: counted(contents.words),
            characters: counted(contents.characters),
            chapters: contents
                .entries
                .iter()
                .map(|entry| entry.title.clone())
                .collect(),
            cover: cover.and_then(|cover| cover.width.zip(cover.height)),
        }
    }
}
