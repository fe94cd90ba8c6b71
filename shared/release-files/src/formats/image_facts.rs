//! The images of a comic or a book, in the shape of their JSON.

use serde::{Deserialize, Serialize};

/// The images in a CBZ or an EPUB, by their names and headers. No image is decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Images {
    /// The number of images.
    pub count: u64,
    /// The image with the most pixels, and of several the one with the most bytes.
    pub largest: Option<LargestImage>,
    /// The number of images whose size was not found: they are damaged, encrypted, or of a kind that
    /// is not known. Of more than [`Images::MAX_READ`], only the first are read.
    pub unreadable: u64,
    /// The number of images with a side of more than [`Images::MAX_SIDE`] pixels, or with more than
    /// [`Images::MAX_PIXELS`].
    pub too_large: u64,
    /// The first [`Images::MAX_PAGES`] pages of a comic in their reading order.
    pub pages: Vec<ImagePage>,
    /// The number of all pages of a comic.
    pub pages_total: u64,
    /// Whether the pages of a comic have several sizes, without spreads; `None` for a book.
    pub mixed_sizes: Option<bool>,
    /// The first [`Images::MAX_DUPLICATES`] pages with the content of an earlier one.
    pub duplicates: Vec<DuplicatePage>,
    /// The number of all such pages.
    pub duplicates_total: u64,
    /// The first [`Images::MAX_DIFFERENCES`] differences between the `ComicInfo.xml` and the files.
    pub page_list_differences: Vec<PageListDifference>,
}

impl Images {
    /// The largest number of images whose headers are read, in the order of the archive.
    pub const MAX_READ: usize = 5_000;
    /// The longest side, in pixels.
    pub const MAX_SIDE: u32 = 16_384;
    /// The largest number of pixels.
    pub const MAX_PIXELS: u64 = 100_000_000;
    /// The largest number of listed pages.
    pub const MAX_PAGES: usize = 500;
    /// The largest number of listed duplicates.
    pub const MAX_DUPLICATES: usize = 50;
    /// The largest number of listed differences.
    pub const MAX_DIFFERENCES: usize = 20;
}

/// The largest image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargestImage {
    /// The path in the container.
    pub path: String,
    /// The width, in pixels.
    pub width: u32,
    /// The height, in pixels.
    pub height: u32,
    /// The size of the file, in bytes.
    pub size: u64,
}

/// A page of a comic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePage {
    /// The path in the container.
    pub path: String,
    /// The width, in pixels; `None` if it was not found, or is too large.
    pub width: Option<u32>,
    /// The height, in pixels; `None` as before.
    pub height: Option<u32>,
}

/// A page with the content of an earlier one, by its size and CRC-32.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicatePage {
    /// The path in the container.
    pub path: String,
    /// The path of the earlier page.
    pub duplicate_of: String,
}

/// A difference between the list of pages in a `ComicInfo.xml` and the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageListDifference {
    /// What differs.
    pub field: PageListField,
    /// The path of the page; `None` if it is about all of them.
    pub path: Option<String>,
    /// The number in the list.
    pub listed: u64,
    /// The number found.
    pub found: u64,
}

/// A number in the list of pages of a `ComicInfo.xml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageListField {
    /// `PageCount`.
    PageCount,
    /// The number of pages in `Pages`.
    Pages,
    /// `ImageWidth`, in pixels.
    Width,
    /// `ImageHeight`, in pixels.
    Height,
    /// `ImageSize`, in bytes.
    Size,
}
