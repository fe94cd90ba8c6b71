//! The size of an image by the beginning of its file.

use std::io;

use imagesize::ImageError;

use crate::formats::Images;

/// What the beginning of an image tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// Its width and height, in pixels. A rotation by its EXIF does not count.
    Size(u32, u32),
    /// Its size is over the limits.
    TooLarge,
    /// More of it is needed.
    Short,
    /// It is damaged or of an unknown kind.
    Unknown,
}

/// Reads the beginning of an image.
pub fn read(start: &[u8]) -> Header {
    match imagesize::blob_size(start) {
        Ok(size) => match (u32::try_from(size.width), u32::try_from(size.height)) {
            (Ok(0), _) | (_, Ok(0)) => Header::Unknown,
            (Ok(width), Ok(height)) if is_allowed(width, height) => Header::Size(width, height),
            _ => Header::TooLarge,
        },
        Err(ImageError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Header::Short
        }
        Err(_) => Header::Unknown,
    }
}

fn is_allowed(width: u32, height: u32) -> bool {
    width.max(height) <= Images::MAX_SIDE
        && u64::from(width) * u64::from(height) <= Images::MAX_PIXELS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::samples;

    #[test]
    fn size_is_read_of_every_kind() {
        for image in [
            samples::png(640, 480),
            samples::jpeg(640, 480, 0),
            samples::gif(640, 480),
            samples::webp(640, 480),
        ] {
            assert_eq!(read(&image), Header::Size(640, 480), "{image:?}");
            assert_eq!(read(&image[..10]), Header::Short);
        }
        assert_eq!(
            read(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            Header::Unknown
        );
        assert_eq!(read(b""), Header::Short);
    }

    #[test]
    fn claims_over_the_limits_are_too_large() {
        for (width, height, expected) in [
            (16_384, 6_000, Header::Size(16_384, 6_000)),
            (16_385, 1, Header::TooLarge),
            (1, 16_385, Header::TooLarge),
            (10_000, 10_000, Header::Size(10_000, 10_000)),
            (10_001, 10_000, Header::TooLarge),
            (u32::MAX, u32::MAX, Header::TooLarge),
            (0, 5, Header::Unknown),
        ] {
            assert_eq!(
                read(&samples::png(width, height)),
                expected,
                "{width} {height}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(
            mark in prop::sample::select(vec![
                &b"\x89PNG\r\n\x1A\n"[..], b"\xFF\xD8\xFF", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X",
                b"BM", b"II*\0", b"MM\0*", b"MM\0+", b"\0\0\0\x0CJXL \r\n\x87\n", b"\xFF\x0A",
                b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypmif1",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            read(&[mark, &rest].concat());
        }
    }
}
