//! The pages of a comic: their sizes, the duplicates among them, and what its metadata say of them.

use std::collections::{BTreeMap, HashMap};

use super::header::Header;
use super::page_list::PageList;
use super::scan::Image;
use crate::formats::image_facts::{
    DuplicatePage, ImagePage, Images, PageListDifference, PageListField,
};

/// The largest difference between two lengths that count as equal, in percent. The pages of a scanned
/// book are never equal to the pixel.
const TOLERANCE: u64 = 5;

/// Describes the pages, which are in their reading order.
pub fn describe(pages: &[Image], list: &PageList, summary: &mut Images) {
    let listed = pages.iter().take(Images::MAX_PAGES);
    summary.pages = listed.map(image_page).collect();
    summary.pages_total = pages.len() as u64;
    summary.mixed_sizes = Some(has_mixed_sizes(pages));
    let mut duplicates = duplicates(pages);
    summary.duplicates_total = duplicates.len() as u64;
    duplicates.truncate(Images::MAX_DUPLICATES);
    summary.duplicates = duplicates
        .into_iter()
        .map(|(page, first)| DuplicatePage {
            path: page.path.clone(),
            duplicate_of: first.path.clone(),
        })
        .collect();
    summary.page_list_differences = differences(pages, list)
        .take(Images::MAX_DIFFERENCES)
        .collect();
}

fn size(page: &Image) -> Option<(u32, u32)> {
    match page.header {
        Some(Header::Size(width, height)) => Some((width, height)),
        _ => None,
    }
}

fn image_page(page: &Image) -> ImagePage {
    let size = size(page);
    ImagePage {
        path: page.path.clone(),
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
    }
}

/// Returns whether a page has another size than most pages, and is not a spread of two of these.
fn has_mixed_sizes(pages: &[Image]) -> bool {
    let mut counts = BTreeMap::new();
    for size in pages.iter().filter_map(size) {
        *counts.entry(size).or_insert(0_usize) += 1;
    }
    let most = counts.iter().max_by_key(|(_, count)| **count);
    let Some((&(width, height), _)) = most else {
        return false;
    };
    let (width, height) = (u64::from(width), u64::from(height));
    counts.keys().any(|&(other_width, other_height)| {
        let (other_width, other_height) = (u64::from(other_width), u64::from(other_height));
        let is_as_wide = is_about(other_width, width) || is_about(other_width, 2 * width);
        !is_as_wide || !is_about(other_height, height)
    })
}

fn is_about(length: u64, expected: u64) -> bool {
    length.abs_diff(expected) * 100 <= expected * TOLERANCE
}

/// The pages with the content of an earlier one, each with the earliest of these.
fn duplicates(pages: &[Image]) -> Vec<(&Image, &Image)> {
    let mut first = HashMap::new();
    let mut duplicates = Vec::new();
    for page in pages.iter().filter(|page| page.size > 0) {
        let earlier = first.entry((page.size, page.crc32)).or_insert(page);
        if !std::ptr::eq(*earlier, page) {
            duplicates.push((page, *earlier));
        }
    }
    duplicates
}

fn differences(pages: &[Image], list: &PageList) -> impl Iterator<Item = PageListDifference> {
    let total = pages.len() as u64;
    let listed = (list.pages_total > 0).then_some(list.pages_total);
    let counts = [
        (PageListField::PageCount, list.page_count),
        (PageListField::Pages, listed),
    ];
    let counts = counts
        .into_iter()
        .filter_map(move |(field, listed)| difference(field, None, listed, Some(total)));
    let of_pages = list.pages.iter().flat_map(|listed| {
        let page = pages.get(listed.position);
        let size = page.and_then(size);
        let numbers = [
            (
                PageListField::Width,
                listed.width,
                size.map(|(width, _)| width.into()),
            ),
            (
                PageListField::Height,
                listed.height,
                size.map(|(_, height)| height.into()),
            ),
            (PageListField::Size, listed.size, page.map(|page| page.size)),
        ];
        numbers
            .into_iter()
            .filter_map(move |(field, listed, found)| difference(field, page, listed, found))
    });
    counts.chain(of_pages)
}

/// Returns the difference between two numbers, if both are known.
fn difference(
    field: PageListField,
    page: Option<&Image>,
    listed: Option<u64>,
    found: Option<u64>,
) -> Option<PageListDifference> {
    let (listed, found) = listed.zip(found)?;
    (listed != found).then(|| PageListDifference {
        field,
        path: page.map(|page| page.path.clone()),
        listed,
        found,
    })
}
