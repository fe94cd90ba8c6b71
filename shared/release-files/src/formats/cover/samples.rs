//! Sample images, for tests.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Builds an image whose left half is red and whose right half is blue.
pub fn image(width: u32, height: u32) -> DynamicImage {
    let color = |x, _| {
        if x < width / 2 {
            Rgb([200, 0, 0])
        } else {
            Rgb([0, 0, 200])
        }
    };
    RgbImage::from_fn(width, height, color).into()
}

/// Encodes an image.
pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Builds a PNG of this size.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&image(width, height), ImageFormat::Png)
}

/// Builds a PNG of some 100 KB that is hardly compressed.
pub fn noise_png() -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut color = |_, _| Rgb([rng.random(), rng.random(), rng.random()]);
    let noise = RgbImage::from_fn(200, 200, &mut color);
    encoded(&noise.into(), ImageFormat::Png)
}

/// Builds a JPEG of this size with a turn by its Exif data (1 to 8).
pub fn turned_jpeg(width: u32, height: u32, turn: u8) -> Vec<u8> {
    let jpeg = encoded(&image(width, height), ImageFormat::Jpeg);
    let exif = [
        &b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
        &[turn, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

/// One image of each format that is drawn.
pub fn images() -> Vec<Vec<u8>> {
    let image = image(9, 7);
    let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif];
    let mut images: Vec<_> = formats.map(|format| encoded(&image, format)).into();
    images.push(encoded(&image.to_rgba8().into(), ImageFormat::WebP));
    images.push(encoded(&image.to_luma_alpha16().into(), ImageFormat::Png));
    images.push(turned_jpeg(9, 7, 6));
    images
}
