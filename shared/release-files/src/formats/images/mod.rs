//! The images of comics and books: their sizes, by their headers.

pub(super) mod header;
mod page_list;
mod pages;
mod scan;

use std::io::{Read, Seek};

use self::header::Header;
pub(super) use self::page_list::PageList;
use self::scan::{Image, Scan};
use super::archive::Archive;
use super::comic;
use super::image_facts::{Images, LargestImage};

/// The images of an archive. Their headers are read while the whole file is.
#[derive(Debug)]
pub(super) struct Reading {
    scan: Scan,
    /// What the metadata of a comic say of its pages; `None` for a book.
    page_list: Option<PageList>,
}

impl Reading {
    /// Starts to read the images of a book.
    pub(super) fn of_book<R: Read + Seek>(archive: &Archive<'_, R>) -> Self {
        let images = comic::pages(archive.entries());
        Self {
            scan: Scan::new(images.into_iter().map(|index| &archive.entries()[index])),
            page_list: None,
        }
    }

    /// Starts to read the images of a comic with this list of pages.
    pub(super) fn of_comic<R: Read + Seek>(archive: &Archive<'_, R>, page_list: PageList) -> Self {
        let entries = archive.entries();
        let pages = comic::pages_in_order(entries);
        Self {
            scan: Scan::new(pages.into_iter().map(|index| &entries[index])),
            page_list: Some(page_list),
        }
    }

    /// Takes the next bytes of the file.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.scan.push(chunk);
    }

    /// Sums up the images after the last byte of the file.
    pub(super) fn finish(self) -> Images {
        let images = self.scan.finish();
        let count = |header| {
            images
                .iter()
                .filter(|one| one.header == Some(header))
                .count()
        };
        let mut summary = Images {
            count: images.len() as u64,
            largest: largest(&images),
            unreadable: count(Header::Unknown) as u64,
            too_large: count(Header::TooLarge) as u64,
            ..Images::default()
        };
        if let Some(page_list) = self.page_list {
            pages::describe(&images, &page_list, &mut summary);
        }
        summary
    }
}

fn largest(images: &[Image]) -> Option<LargestImage> {
    let sized = images.iter().filter_map(|image| match image.header {
        Some(Header::Size(width, height)) => Some((image, width, height)),
        _ => None,
    });
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    // Of equal ones the first.
    let largest = sized
        .rev()
        .max_by_key(|&(image, width, height)| (pixels(width, height), image.size));
    largest.map(|(image, width, height)| LargestImage {
        path: image.path.clone(),
        width,
        height,
        size: image.size,
    })
}

#[cfg(test)]
mod tests;
