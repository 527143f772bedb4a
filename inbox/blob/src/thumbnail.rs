//! Small pictures of large ones: JPEG, PNG, WebP and GIF (its first frame).
//!
//! Pure, and hungry: callers run it where blocking is allowed (`spawn_blocking`), few at a time. A picture that says to be larger than
//! [`MAX_PIXELS`] is refused before a dot of it is unpacked.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

/// Longest side of a thumbnail, in pixels.
pub const SIDE: u32 = 320;
/// Longest side of a picture, in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// Most dots of a picture: a phone's camera makes 50 million.
pub const MAX_PIXELS: u64 = 64_000_000;
/// What may be allocated for one picture, in bytes.
const MAX_ALLOC: u64 = 256 * 1024 * 1024;
/// Of JPEG.
const QUALITY: u8 = 80;

/// A small picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The file.
    pub bytes: Vec<u8>,
    /// `image/jpeg`; `image/webp` where the picture lets something shine through.
    pub mime: &'static str,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Width and height of the picture itself as it is seen, turned as its EXIF says. A page that knows them does not jump.
    pub original: (u32, u32),
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThumbnailError {
    /// It is no picture of the four formats.
    #[error("not a picture in JPEG, PNG, WebP or GIF")]
    Format,
    /// It would take too much to unpack.
    #[error("the picture has more than {MAX_PIXELS} dots, or a side of more than {MAX_SIDE}")]
    TooLarge,
    /// It is one of them, and broken.
    #[error("the picture is broken: {0}")]
    Broken(String),
}

/// Makes a small picture.
pub fn thumbnail(bytes: &[u8]) -> Result<Thumbnail, ThumbnailError> {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    let format = image::guess_format(bytes).map_err(|_| ThumbnailError::Format)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif) {
        return Err(ThumbnailError::Format);
    }
    reader.set_format(format);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| told(&error))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_ALLOC {
        return Err(ThumbnailError::TooLarge);
    }
    if pixels == 0 {
        return Err(ThumbnailError::Broken("it has no dots".to_owned()));
    }
    // A broken orientation is none.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| told(&error))?;
    let mut small = if width > SIDE || height > SIDE { picture.thumbnail(SIDE, SIDE) } else { picture };
    small.apply_orientation(orientation);
    let turned = matches!(orientation.to_exif(), 5..=8);
    let original = if turned { (height, width) } else { (width, height) };
    write(&small, original)
}

fn write(small: &DynamicImage, original: (u32, u32)) -> Result<Thumbnail, ThumbnailError> {
    let mut bytes = Vec::new();
    let seen_through = small.color().has_alpha().then(|| small.to_rgba8());
    let seen_through = seen_through.filter(|picture| picture.pixels().any(|dot| dot.0[3] != u8::MAX));
    let (written, mime) = match seen_through {
        Some(picture) => (picture.write_with_encoder(WebPEncoder::new_lossless(&mut bytes)), "image/webp"),
        None => (JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&small.to_rgb8()), "image/jpeg"),
    };
    written.map_err(|error| told(&error))?;
    Ok(Thumbnail { bytes, mime, width: small.width(), height: small.height(), original })
}

fn told(error: &image::ImageError) -> ThumbnailError {
    match error {
        image::ImageError::Limits(_) => ThumbnailError::TooLarge,
        error => ThumbnailError::Broken(error.to_string().chars().take(200).collect()),
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};
    use proptest::prelude::*;

    use super::*;

    const FORMATS: [ImageFormat; 4] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];

    fn write_as(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// The left half red, the right half blue.
    fn flag(width: u32, height: u32) -> DynamicImage {
        RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) }).into()
    }

    fn dot(thumbnail: &Thumbnail, x: u32, y: u32) -> &'static str {
        let picture = image::load_from_memory(&thumbnail.bytes).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (thumbnail.width, thumbnail.height));
        let [red, _, blue] = picture.get_pixel(x, y).0;
        if red > blue { "red" } else { "blue" }
    }

    #[test]
    fn each_format_becomes_a_small_picture_of_the_same_shape() {
        for format in FORMATS {
            let small = thumbnail(&write_as(&flag(800, 400), format)).unwrap();
            assert_eq!((small.width, small.height, small.mime, small.original), (320, 160, "image/jpeg", (800, 400)));
            assert_eq!((dot(&small, 10, 80), dot(&small, 310, 80)), ("red", "blue"), "{format:?}");
        }
    }

    #[test]
    fn a_small_picture_stays_as_large_as_it_is() {
        let small = thumbnail(&write_as(&flag(20, 10), ImageFormat::Png)).unwrap();
        assert_eq!((small.width, small.height), (20, 10));
    }

    #[test]
    fn a_strip_keeps_at_least_one_dot_of_its_width() {
        let small = thumbnail(&write_as(&flag(8000, 1), ImageFormat::Png)).unwrap();
        assert_eq!((small.width, small.height), (320, 1));
    }

    #[test]
    fn what_shines_through_still_does() {
        let picture = RgbaImage::from_pixel(400, 400, Rgba([0, 255, 0, 128]));
        let small = thumbnail(&write_as(&picture.into(), ImageFormat::Png)).unwrap();
        assert_eq!(small.mime, "image/webp");
        let opaque = RgbaImage::from_pixel(400, 400, Rgba([0, 255, 0, 255]));
        assert_eq!(thumbnail(&write_as(&opaque.into(), ImageFormat::Png)).unwrap().mime, "image/jpeg");
    }

    /// A JPEG with an EXIF segment that holds the orientation alone.
    fn turned(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
        let jpeg = write_as(picture, ImageFormat::Jpeg);
        let tiff = [b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], &[0; 6]].concat();
        let length = (2 + 6 + tiff.len()) as u16;
        [&jpeg[..2], b"\xFF\xE1", &length.to_be_bytes(), b"Exif\0\0", &tiff, &jpeg[2..]].concat()
    }

    #[test]
    fn a_picture_is_turned_as_its_camera_was() {
        for (orientation, shape, first, last) in [
            (1, (320, 160), "red", "blue"),
            (2, (320, 160), "blue", "red"),
            (3, (320, 160), "blue", "red"),
            (6, (160, 320), "red", "blue"),
            (8, (160, 320), "blue", "red"),
        ] {
            let small = thumbnail(&turned(&flag(800, 400), orientation)).unwrap();
            assert_eq!((small.width, small.height), shape, "{orientation}");
            assert_eq!(small.original, if orientation > 4 { (400, 800) } else { (800, 400) });
            let end = (small.width - 10, small.height - 10);
            assert_eq!((dot(&small, 10, 10), dot(&small, end.0, end.1)), (first, last), "{orientation}");
        }
    }

    /// A PNG of a few bytes that says to have these sides.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut png = write_as(&flag(2, 2), ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let sum = crc(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        png
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 })
        })
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        for (width, height) in [(60_000, 60_000), (16_384, 16_384), (1, 20_000), (u32::MAX / 2, 1), (8_001, 8_000)] {
            assert_eq!(thumbnail(&bomb(width, height)), Err(ThumbnailError::TooLarge), "{width} x {height}");
        }
        assert!(matches!(thumbnail(&bomb(200, 200)), Err(ThumbnailError::Broken(_))));
    }

    #[test]
    fn what_is_no_picture_of_ours_is_told() {
        for bytes in [b"".as_slice(), b"hello", b"<svg/>", b"BM\0\0\0\0", b"II*\0\x08\0\0\0", b"\0\0\0\x18ftypavif"] {
            assert_eq!(thumbnail(bytes), Err(ThumbnailError::Format));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_broken_picture_is_an_error_or_a_picture(
            format in prop::sample::select(FORMATS.to_vec()),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<prop::sample::Index>(),
            whole: bool,
        ) {
            let mut bytes = write_as(&flag(40, 30), format);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if !whole {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Ok(small) = thumbnail(&bytes) {
                prop_assert!(small.width <= SIDE && small.height <= SIDE && !small.bytes.is_empty());
            }
        }

        #[test]
        fn random_bytes_behind_a_true_beginning_are_survived(
            begin in prop::sample::select(vec![
                b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".as_slice(), b"\xFF\xD8\xFF\xE0", b"GIF89a", b"RIFF\xFF\0\0\0WEBPVP8L", b"RIFF\xFF\0\0\0WEBPVP8 ", b"RIFF\xFF\0\0\0WEBPVP8X",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = thumbnail(&[begin, &rest].concat());
        }
    }
}
