//! Draws the thumbnail of a cover, in the process of a reader.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::{Engine, engine::general_purpose::STANDARD};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, GenericImageView, ImageDecoder, ImageReader, Limits, RgbImage,
};
use serde::{Deserialize, Serialize};

use super::Thumbnail;

/// The largest image that is drawn, in bytes. The process holds it twice.
pub const MAX_IMAGE_BYTES: u64 = 20 * 1024 * 1024;
/// The longest side of an image that is drawn, in pixels.
const MAX_SIDE: u32 = 16_384;
/// The largest image that is drawn, in pixels. A page of a comic has some ten million.
const MAX_PIXELS: u64 = 40_000_000;
/// The most memory of a decoded image, in bytes: four for each pixel. With the file it fits the
/// 256 MiB of the process.
const MAX_DECODED_BYTES: u64 = 4 * MAX_PIXELS;
/// The qualities of the JPEG that are tried until it is small enough, from 1 to 100.
const QUALITIES: [u8; 9] = [85, 75, 65, 55, 45, 35, 25, 15, 5];

/// The answer to an image.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The width and the height in its header; `None` if it has none that can be read.
    pub size: Option<(u32, u32)>,
    drawn: Result<Drawn, Refusal>,
}

/// A thumbnail.
#[derive(Debug, Serialize, Deserialize)]
struct Drawn {
    width: u32,
    height: u32,
    /// The JPEG, in Base64.
    jpeg: String,
}

/// The reason for which an image is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is none of the formats that are drawn, or a rare kind of one.
    #[error("only JPEG, PNG, GIF and WebP are drawn")]
    Unsupported,
    /// It has too many pixels.
    #[error("it has more than 40 million pixels, or more than 16,384 on a side")]
    TooLarge,
    /// It cannot be decoded.
    #[error("it is damaged")]
    Damaged,
}

impl Answer {
    /// Returns the thumbnail, or why there is none.
    pub fn into_thumbnail(self) -> Result<Thumbnail, String> {
        let drawn = self.drawn.map_err(|refusal| refusal.to_string())?;
        let jpeg = STANDARD
            .decode(&drawn.jpeg)
            .map_err(|_| Refusal::Damaged.to_string())?;
        Ok(Thumbnail {
            width: drawn.width,
            height: drawn.height,
            size: jpeg.len() as u64,
            jpeg,
        })
    }
}

/// Draws the thumbnail of an image.
pub fn draw(bytes: &[u8]) -> Answer {
    let mut size = None;
    // A panic of the library means that the image is damaged.
    let drawing = catch_unwind(AssertUnwindSafe(|| decode_and_draw(bytes, &mut size)));
    Answer {
        drawn: drawing.unwrap_or(Err(Refusal::Damaged)),
        size,
    }
}

fn decode_and_draw(bytes: &[u8], size: &mut Option<(u32, u32)>) -> Result<Drawn, Refusal> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.limits(limits.clone());
    let reader = reader.with_guessed_format().map_err(|_| Refusal::Damaged)?;
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    *size = Some((width, height));
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > MAX_SIDE || pixels > MAX_PIXELS {
        return Err(Refusal::TooLarge);
    }
    limits
        .reserve(decoder.total_bytes())
        .map_err(|error| refusal(&error))?;
    decoder
        .set_limits(limits)
        .map_err(|error| refusal(&error))?;
    // Exif data that cannot be read say nothing of a turn.
    let turn = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    let mut small = DynamicImage::from(scale_down(&image).ok_or(Refusal::Damaged)?);
    drop(image);
    small.apply_orientation(turn);
    encode(&small.into_rgb8())
}

fn refusal(error: &image::ImageError) -> Refusal {
    match error {
        image::ImageError::Unsupported(_) => Refusal::Unsupported,
        image::ImageError::Limits(_) => Refusal::TooLarge,
        _ => Refusal::Damaged,
    }
}

/// Returns the size of the thumbnail of an image of this size, with the same proportions.
fn scaled(width: u32, height: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= Thumbnail::MAX_SIDE {
        return (width, height);
    }
    // At most MAX_SIDE, since no side is longer than the longer one.
    let side = |side: u32| {
        let exact = u64::from(side) * u64::from(Thumbnail::MAX_SIDE);
        let rounded = (exact + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(rounded).unwrap_or(Thumbnail::MAX_SIDE).max(1)
    };
    (side(width), side(height))
}

/// Averages the pixels of an image, on white, into those of its thumbnail. Unlike the library's
/// filters, it needs no second copy of the image, and a transparent pixel has no color.
fn scale_down(image: &DynamicImage) -> Option<RgbImage> {
    let (width, height) = image.dimensions();
    let (columns, rows) = scaled(width, height);
    let across: Vec<Vec<(u32, u64)>> = (0..columns).map(|at| shares(at, columns, width)).collect();
    let mut pixels = Vec::with_capacity(columns as usize * rows as usize * 3);
    for row in 0..rows {
        let down = shares(row, rows, height);
        for columns in &across {
            pixels.extend(average(image, columns, &down));
        }
    }
    RgbImage::from_raw(columns, rows, pixels)
}

/// Returns the pixels of a side of `length` that belong to part `at` of `parts`, each with its
/// share: as much of it as lies in the part, of `parts`. Together they are `length`.
fn shares(at: u32, parts: u32, length: u32) -> Vec<(u32, u64)> {
    let (parts, start) = (u64::from(parts), u64::from(at) * u64::from(length));
    let end = start + u64::from(length);
    let pixels = start / parts..end.div_ceil(parts);
    let share = |pixel: u64| end.min((pixel + 1) * parts) - start.max(pixel * parts);
    pixels
        .filter_map(|pixel| Some((u32::try_from(pixel).ok()?, share(pixel))))
        .collect()
}

/// Averages these columns and rows. The sums fit: at most 2^28 shares of 2^16.
fn average(image: &DynamicImage, columns: &[(u32, u64)], rows: &[(u32, u64)]) -> [u8; 3] {
    let (mut sums, mut whole) = ([0_u64; 3], 0_u64);
    for (y, height) in rows {
        for (x, width) in columns {
            let [red, green, blue, alpha] = image.get_pixel(*x, *y).0;
            let (share, alpha) = (width * height, u64::from(alpha));
            for (sum, color) in sums.iter_mut().zip([red, green, blue]) {
                *sum += share * (u64::from(color) * alpha + 255 * (255 - alpha));
            }
            whole += 255 * share;
        }
    }
    let whole = whole.max(1);
    sums.map(|sum| u8::try_from((sum + whole / 2) / whole).unwrap_or(u8::MAX))
}

/// Encodes a thumbnail in the highest quality with which it is small enough.
fn encode(small: &RgbImage) -> Result<Drawn, Refusal> {
    let (width, height) = small.dimensions();
    for quality in QUALITIES {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, quality)
            .encode(small.as_raw(), width, height, ExtendedColorType::Rgb8)
            .map_err(|error| refusal(&error))?;
        if jpeg.len() <= Thumbnail::MAX_BYTES {
            return Ok(Drawn {
                width,
                height,
                jpeg: STANDARD.encode(jpeg),
            });
        }
    }
    Err(Refusal::TooLarge)
}

#[cfg(test)]
#[path = "thumbnail_tests.rs"]
mod tests;
