//! Previews of pictures: smaller ones in WebP, within bounds of size and memory.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
    error::{LimitError, LimitErrorKind},
    imageops::FilterType,
};

/// The widths that are made.
pub(crate) const WIDTHS: &[u32] = &[96, 320, 1_024];
/// Bytes of the largest picture that is read for it.
pub(crate) const LARGEST: u64 = 32 << 20;
/// Memory that a picture and its decoder may take together, and what a picture may have of sides and pixels: small files can
/// be huge when they are unpacked.
const MOST_MEMORY: u64 = 160 << 20;
const LONGEST_SIDE: u32 = 16_384;
const MOST_PIXELS: u64 = 40_000_000;

/// What can be decoded.
pub(crate) fn format(mime_type: &str) -> Option<ImageFormat> {
    match mime_type {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Previews with the widths that they are for. Blocks: for a thread of its own.
pub(crate) fn make(picture: &[u8], format: ImageFormat) -> ImageResult<Vec<(u32, Bytes)>> {
    let mut whole = unpack(picture, format, MOST_MEMORY)?;
    let mut made = Vec::new();
    for (index, &width) in WIDTHS.iter().enumerate().rev() {
        // The smallest is made of every picture, the others only where they are smaller than it.
        if whole.width() <= width && index > 0 {
            continue;
        }
        if whole.width() > width || whole.height() > 4 * width {
            whole = whole.resize(width, 4 * width, FilterType::Triangle);
        }
        let mut file = Vec::new();
        // Eight bits with alpha are what the encoder takes.
        let pixels = DynamicImage::ImageRgba8(whole.to_rgba8());
        pixels.write_to(&mut Cursor::new(&mut file), ImageFormat::WebP)?;
        made.push((width, Bytes::from(file)));
    }
    made.reverse();
    Ok(made)
}

/// The picture as it is to be seen, if it fits.
fn unpack(picture: &[u8], format: ImageFormat, most_memory: u64) -> ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(most_memory);
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    let mut reader = ImageReader::with_format(Cursor::new(picture), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let kind = LimitErrorKind::DimensionError;
        return Err(ImageError::Limits(LimitError::from_kind(kind)));
    }
    // Decoders count what they need for themselves, never the picture: that is for whoever asks for it.
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut whole = DynamicImage::from_decoder(decoder)?;
    whole.apply_orientation(orientation);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut file = Vec::new();
        DynamicImage::new_rgb8(width, height)
            .write_to(&mut Cursor::new(&mut file), ImageFormat::Png)
            .unwrap();
        file
    }

    #[test]
    fn a_picture_gets_the_previews_that_are_smaller_than_it() {
        for (width, expected) in [
            (2_000, vec![96, 320, 1_024]),
            (500, vec![96, 320]),
            (10, vec![96]),
        ] {
            let made = make(&png(width, 20), ImageFormat::Png).unwrap();
            let widths: Vec<u32> = made.iter().map(|(width, _)| *width).collect();
            assert_eq!(widths, expected);
            let small = image::load_from_memory(&made[0].1).unwrap();
            assert_eq!(small.width(), width.min(96));
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_not_unpacked() {
        // All of it is there, in some kilobytes, and no side is too long.
        let mut bomb = Vec::new();
        let grey = DynamicImage::new_luma8(LONGEST_SIDE, 2_442);
        let encoder = PngEncoder::new_with_quality(
            Cursor::new(&mut bomb),
            CompressionType::Fast,
            FilterType::NoFilter,
        );
        grey.write_with_encoder(encoder).unwrap();
        assert!(bomb.len() < 1 << 20);
        let refused = make(&bomb, ImageFormat::Png).unwrap_err();
        assert!(matches!(refused, ImageError::Limits(_)), "{refused}");
        assert!(make(b"no picture", ImageFormat::Jpeg).is_err());
    }

    #[test]
    fn a_picture_takes_no_more_memory_than_it_may() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut file = Vec::new();
            DynamicImage::new_rgb8(1_000, 1_000)
                .write_to(&mut Cursor::new(&mut file), format)
                .unwrap();
            assert!(unpack(&file, format, 4_000_000).is_ok(), "{format:?}");
            let refused = unpack(&file, format, 2_999_999);
            assert!(matches!(refused, Err(ImageError::Limits(_))), "{format:?}");
        }
    }
}
