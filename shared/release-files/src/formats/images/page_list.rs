//! The list of pages in a `ComicInfo.xml` (Anansi Project, version 2.1).

use std::io::{Read, Seek};

use jobs::FailureCode;

use crate::WorkError;
use crate::formats::archive::Archive;
use crate::formats::comic;
use crate::formats::xml::{self, Attributes, Node};

/// The file with the list.
const COMIC_INFO: &str = "ComicInfo.xml";
/// The largest number of listed pages that are kept.
const MAX_PAGES: usize = 5_000;
/// The longest number, in bytes.
const MAX_NUMBER_BYTES: usize = 20;

/// What a `ComicInfo.xml` says of the pages. A number below one is not known.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageList {
    /// The number of pages.
    pub page_count: Option<u64>,
    /// The position of the first page with the type `FrontCover`, from 0 in the reading order.
    pub front_cover: Option<usize>,
    /// The first listed pages.
    pub pages: Vec<ListedPage>,
    /// The number of all listed pages.
    pub pages_total: u64,
}

/// A listed page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// Its position in the reading order, from 0.
    pub position: usize,
    /// Its width, in pixels.
    pub width: Option<u64>,
    /// Its height, in pixels.
    pub height: Option<u64>,
    /// The size of its file, in bytes.
    pub size: Option<u64>,
}

fn parse(document: &str) -> PageList {
    let mut list = PageList::default();
    let (mut in_count, mut count) = (false, String::new());
    let walked = xml::walk_careless(
        document,
        FailureCode::ArchiveDamaged,
        &mut |node| match node {
            Node::Open(name, attributes) => {
                in_count = name.eq_ignore_ascii_case("PageCount");
                if name.eq_ignore_ascii_case("Page") {
                    list.add(&attributes);
                }
            }
            Node::Text(text) if in_count && count.len() < MAX_NUMBER_BYTES => count.push_str(text),
            Node::Text(_) => {}
            Node::Close(_) => in_count = false,
        },
    );
    list.page_count = number(&count);
    walked.map_or_else(|_| PageList::default(), |()| list)
}

impl PageList {
    /// Reads the list of a comic; an empty one if it has none, or one that cannot be read.
    pub fn read<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<Self, WorkError> {
        let Some(index) = comic::find_file(archive.entries(), COMIC_INFO) else {
            return Ok(Self::default());
        };
        match archive.read(index, xml::MAX_XML_BYTES) {
            Ok(bytes) => Ok(parse(&xml::decode(&bytes))),
            Err(WorkError::Failed(_)) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, page: &Attributes<'_>) {
        let get = |name: &str| page.get(name);
        let position = get("Image").and_then(|image| image.trim().parse().ok());
        // The type may be a list.
        let types = get("Type").unwrap_or_default();
        if types.split_whitespace().any(|word| word == "FrontCover") {
            self.front_cover = self.front_cover.or(position);
        }
        if self.pages.len() < MAX_PAGES {
            self.pages.push(ListedPage {
                position: position.unwrap_or(self.pages.len()),
                width: get("ImageWidth").and_then(|width| number(&width)),
                height: get("ImageHeight").and_then(|height| number(&height)),
                size: get("ImageSize").and_then(|size| number(&size)),
            });
        }
        self.pages_total += 1;
    }
}

/// Parses a number; `None` for -1 and 0, which programs write for unknown ones.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_their_number_are_read() {
        let list = parse(
            "<ComicInfo><PageCount> 3 </PageCount><Pages>\
             <Page Image='0' Type='FrontCover' ImageWidth='800' ImageHeight='1200' ImageSize='99'/>\
             <Page Image='2' ImageWidth='-1' ImageHeight='0' ImageSize=''/><Page/></Pages></ComicInfo>",
        );
        let cover = ListedPage {
            position: 0,
            width: Some(800),
            height: Some(1200),
            size: Some(99),
        };
        assert_eq!((list.page_count, list.pages_total), (Some(3), 3));
        assert_eq!(list.pages[0], cover);
        let positions: Vec<_> = list.pages.iter().map(|page| page.position).collect();
        assert_eq!(positions, [0, 2, 2]);
        assert_eq!(list.pages[1].width, None);
    }

    #[test]
    fn front_cover_is_the_first_page_of_that_type() {
        for (pages, expected) in [
            (
                "<Page Image='0'/><Page Image='2' Type='FrontCover'/>",
                Some(2),
            ),
            ("<Page Image='1' Type='Other FrontCover'/>", Some(1)),
            ("<Page Image='1' Type='InnerCover'/>", None),
            (
                "<Page Image='-1' Type='FrontCover'/><Page Type='FrontCover'/>",
                None,
            ),
            ("<Page Image='1' Type='FrontCover'>", None),
        ] {
            let document = format!("<ComicInfo><Pages>{pages}</Pages></ComicInfo>");
            assert_eq!(parse(&document).front_cover, expected, "{pages}");
        }
    }

    #[test]
    fn list_of_many_pages_is_cut() {
        let document = format!(
            "<a><PageCount>x</PageCount>{}</a>",
            "<Page/>".repeat(MAX_PAGES + 1)
        );
        let list = parse(&document);
        assert_eq!(list.page_count, None);
        assert_eq!(
            (list.pages.len(), list.pages_total),
            (MAX_PAGES, MAX_PAGES as u64 + 1)
        );
        assert_eq!(parse("<a><Page/>"), PageList::default());
    }
}
