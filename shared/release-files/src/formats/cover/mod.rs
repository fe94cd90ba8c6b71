//! The cover of a book: which file it is, and its thumbnail.

mod comic;
mod epub;
mod media_type;
mod page;
mod thumbnail;

use std::io::{Read, Seek};

use serde::{Deserialize, Serialize};

pub(super) use self::comic::read as of_comic;
pub(super) use self::epub::{Hints, read as of_epub};
pub(crate) use self::thumbnail::draw;
use self::thumbnail::{Answer, MAX_IMAGE_BYTES};
use super::archive::Archive;
use super::findings::{FindingId, FindingList, Spot};
use super::images::header::{self, Header};
use crate::WorkError;
use crate::isolation::{self, Reader, Run};
use crate::progress::Progress;

/// The cover of a book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// The path of the image in the container.
    pub path: String,
    /// The media type, detected from the content.
    pub media_type: String,
    /// The width in the image's header, in pixels; `None` if it is not known.
    pub width: Option<u32>,
    /// The height in the image's header, in pixels; `None` if it is not known.
    pub height: Option<u32>,
    /// A small picture of it; `None` if it was not drawn.
    pub thumbnail: Option<Thumbnail>,
}

/// A small JPEG of a cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// The width, in pixels.
    pub width: u32,
    /// The height, in pixels.
    pub height: u32,
    /// The size, in bytes.
    pub size: u64,
    /// The JPEG, which is no part of the result.
    #[serde(skip)]
    pub jpeg: Vec<u8>,
}

/// The largest beginning of an image in which its size is looked for, in bytes: a JPEG may have its
/// EXIF and color profile before it.
const MAX_HEADER_BYTES: u64 = 256 * 1024;

impl Thumbnail {
    /// The longer side of the largest thumbnail, in pixels.
    pub const MAX_SIDE: u32 = 400;
    /// The largest thumbnail, in bytes.
    pub const MAX_BYTES: usize = 60_000;
}

/// An image in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Image {
    /// The position of its entry.
    index: usize,
    media_type: &'static str,
}

/// Finds out whether an entry is an image, by its first bytes. An entry that cannot be read is none.
fn image_at<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    index: usize,
) -> Result<Option<Image>, WorkError> {
    let head = archive.read_with(index, |reader| {
        let mut head = Vec::new();
        let mut reader = reader.take(media_type::HEAD_BYTES);
        match reader.read_to_end(&mut head).map_err(WorkError::from) {
            // The bytes before the damage tell its type.
            Ok(_) | Err(WorkError::Failed(_)) => Ok(head),
            Err(error) => Err(error),
        }
    });
    match head {
        Ok(head) => Ok(media_type::find(&head).map(|media_type| Image { index, media_type })),
        Err(WorkError::Failed(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Describes the cover and draws its thumbnail by `painter`. A cover that cannot be drawn is listed
/// all the same, with a warning. Without a painter, only the header tells its size.
fn describe<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    image: Image,
    painter: Option<Run<'_>>,
    findings: &mut FindingList,
    progress: &dyn Progress,
) -> Result<Cover, WorkError> {
    let entry = &archive.entries()[image.index];
    let (path, size) = (entry.path.clone(), entry.size);
    let mut cover = Cover {
        path,
        media_type: image.media_type.to_owned(),
        width: None,
        height: None,
        thumbnail: None,
    };
    let Some(run) = painter else {
        (cover.width, cover.height) = header_size(archive, image.index)?.unzip();
        return Ok(cover);
    };
    let drawn = if size > MAX_IMAGE_BYTES {
        Err(format!("it has more than {MAX_IMAGE_BYTES} bytes"))
    } else {
        let asked = archive.read_with(image.index, |reader| {
            // A reader of the entry may have more bytes than its directory says.
            isolation::ask::<Answer>(run, Reader::Thumbnail, &mut reader.take(size), progress)
        });
        match asked {
            Ok(answer) => {
                (cover.width, cover.height) = answer.size.unzip();
                answer.into_thumbnail()
            }
            // It is damaged, or takes too much memory or time.
            Err(WorkError::Failed(failure)) => Err(failure.log_line().to_owned()),
            Err(error) => return Err(error),
        }
    };
    match drawn {
        Ok(thumbnail) => cover.thumbnail = Some(thumbnail),
        Err(reason) => {
            let message = format!("The cover has no thumbnail: {reason}.");
            findings.add(FindingId::Img001, Spot::file(&cover.path), message);
        }
    }
    Ok(cover)
}

/// Reads the width and height of an image in its header.
fn header_size<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    index: usize,
) -> Result<Option<(u32, u32)>, WorkError> {
    let start = archive.read_with(index, |reader| {
        let mut start = Vec::new();
        reader.take(MAX_HEADER_BYTES).read_to_end(&mut start)?;
        Ok(start)
    });
    match start {
        Ok(start) => Ok(match header::read(&start) {
            Header::Size(width, height) => Some((width, height)),
            Header::TooLarge | Header::Short | Header::Unknown => None,
        }),
        Err(WorkError::Failed(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
