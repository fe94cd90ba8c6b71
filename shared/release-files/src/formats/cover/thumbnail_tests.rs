use image::{ImageFormat, Rgb, Rgba, RgbaImage};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::formats::cover::samples::{encoded, image, images, png, turned_jpeg};

fn drawn(bytes: &[u8]) -> RgbImage {
    let thumbnail = draw(bytes).into_thumbnail().unwrap();
    assert!(thumbnail.jpeg.len() <= Thumbnail::MAX_BYTES);
    let image = image::load_from_memory_with_format(&thumbnail.jpeg, ImageFormat::Jpeg).unwrap();
    assert_eq!(image.dimensions(), (thumbnail.width, thumbnail.height));
    image.into_rgb8()
}

fn refused(bytes: &[u8]) -> (Option<(u32, u32)>, Refusal) {
    let answer = draw(bytes);
    (answer.size, answer.drawn.unwrap_err())
}

/// Asserts that a color is this one, but for the loss of a JPEG.
fn assert_is_near(found: Rgb<u8>, expected: [u8; 3]) {
    let near = found
        .0
        .iter()
        .zip(expected)
        .all(|(a, b)| a.abs_diff(b) < 25);
    assert!(near, "{found:?} is not {expected:?}");
}

/// The header of a PNG of this size, without pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let header = [
        &b"IHDR"[..],
        &width.to_be_bytes(),
        &height.to_be_bytes(),
        b"\x08\x02\0\0\0",
    ]
    .concat();
    let crc = crc32fast::hash(&header).to_be_bytes();
    let data = b"\0\0\0\0IDAT\x35\xAF\x06\x1E";
    [&b"\x89PNG\r\n\x1A\n\0\0\0\x0D"[..], &header, &crc, data].concat()
}

#[test]
fn each_format_is_drawn_and_never_enlarged() {
    for bytes in images() {
        let small = drawn(&bytes);
        let (width, height) = small.dimensions();
        assert!(
            [(9, 7), (7, 9)].contains(&(width, height)),
            "{width}, {height}"
        );
    }
    let small = drawn(&png(9, 7));
    assert_eq!(small.dimensions(), (9, 7));
}

#[test]
fn longer_side_has_at_most_400_pixels() {
    for (size, expected) in [
        ((400, 400), (400, 400)),
        ((401, 400), (400, 399)),
        ((600, 800), (300, 400)),
        ((1_000, 3), (400, 1)),
        ((1, 16_384), (1, 400)),
    ] {
        assert_eq!(scaled(size.0, size.1), expected, "{size:?}");
        assert_eq!(
            drawn(&png(size.0, size.1)).dimensions(),
            expected,
            "{size:?}"
        );
    }
    let small = drawn(&png(900, 600));
    assert_is_near(*small.get_pixel(20, 100), [200, 0, 0]);
    assert_is_near(*small.get_pixel(380, 100), [0, 0, 200]);
}

#[test]
fn pixel_between_two_parts_is_shared() {
    assert_eq!(shares(0, 2, 3), [(0, 2), (1, 1)]);
    assert_eq!(shares(1, 2, 3), [(1, 1), (2, 2)]);
    assert_eq!(shares(4, 9, 9), [(4, 9)]);
    for (parts, length) in [(400, 401), (400, 16_384), (1, 3), (7, 7)] {
        for at in 0..parts {
            let sum: u64 = shares(at, parts, length)
                .iter()
                .map(|(_, share)| share)
                .sum();
            assert_eq!(sum, u64::from(length), "{at} of {parts}");
        }
    }
}

#[test]
fn turn_of_a_photo_is_applied() {
    for (turn, size, first, last) in [
        (1, (90, 60), [200, 0, 0], [0, 0, 200]),
        (3, (90, 60), [0, 0, 200], [200, 0, 0]),
        (6, (60, 90), [200, 0, 0], [0, 0, 200]),
        (8, (60, 90), [0, 0, 200], [200, 0, 0]),
    ] {
        let bytes = turned_jpeg(90, 60, turn);
        assert_eq!(draw(&bytes).size, Some((90, 60)));
        let small = drawn(&bytes);
        assert_eq!(small.dimensions(), size, "{turn}");
        assert_is_near(*small.get_pixel(3, 3), first);
        assert_is_near(*small.get_pixel(size.0 - 4, size.1 - 4), last);
    }
}

#[test]
fn transparent_pixels_are_white() {
    let half = RgbaImage::from_pixel(900, 900, Rgba([0, 0, 0, 128]));
    let png = encoded(&half.into(), ImageFormat::Png);
    assert_is_near(*drawn(&png).get_pixel(100, 100), [127, 127, 127]);
    let clear = RgbaImage::from_pixel(9, 9, Rgba([9, 9, 9, 0]));
    let png = encoded(&clear.into(), ImageFormat::Png);
    assert_is_near(*drawn(&png).get_pixel(4, 4), [255, 255, 255]);
}

#[test]
fn noise_is_encoded_until_it_fits_and_always_in_the_same_way() {
    let mut rng = StdRng::seed_from_u64(1);
    let noise = RgbImage::from_fn(400, 400, |_, _| {
        Rgb([rng.random(), rng.random(), rng.random()])
    });
    let bytes = encoded(&noise.into(), ImageFormat::Png);
    drawn(&bytes);
    let jpeg = |answer: Answer| answer.into_thumbnail().unwrap().jpeg;
    assert_eq!(jpeg(draw(&bytes)), jpeg(draw(&bytes)));
}

#[test]
fn huge_image_is_refused_by_its_header() {
    for size in [(40_000, 40_000), (16_385, 1), (8_000, 5_001)] {
        let header = png_header(size.0, size.1);
        assert_eq!(
            refused(&header),
            (Some(size), Refusal::TooLarge),
            "{size:?}"
        );
    }
    // A GIF of 60,000 by 60,000 pixels.
    let mut gif = encoded(&image(9, 7), ImageFormat::Gif);
    gif[6..10].copy_from_slice(b"\x60\xEA\x60\xEA");
    assert_eq!(refused(&gif), (Some((60_000, 60_000)), Refusal::TooLarge));
}

#[test]
fn what_is_no_image_is_refused() {
    assert_eq!(refused(b""), (None, Refusal::Unsupported));
    assert_eq!(refused(b"<svg/>"), (None, Refusal::Unsupported));
    assert_eq!(refused(b"\x89PNG\r\n\x1A\n").1, Refusal::Damaged);
    assert_eq!(refused(&png_header(9, 7)), (Some((9, 7)), Refusal::Damaged));
    let png = png(300, 300);
    assert_eq!(refused(&png[..png.len() / 2]).1, Refusal::Damaged);
}

#[test]
fn cut_image_never_panics() {
    for bytes in images() {
        for end in 0..bytes.len() {
            let _ = draw(&bytes[..end]);
        }
    }
}
