//! WebP previews of images, with limits on size and memory.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
    error::{LimitError, LimitErrorKind},
    imageops::FilterType,
};

/// The widths of previews in pixels.
pub(crate) const WIDTHS: &[u32] = &[96, 320, 1_024];
/// Maximum size in bytes of an image file that gets previews.
pub(crate) const MAX_FILE_SIZE: u64 = 32 << 20;
/// Limits on decoding, because a small file can decode to a huge image: memory of image and decoder together in bytes, length
/// of a side, and number of pixels.
const MAX_MEMORY: u64 = 160 << 20;
const MAX_SIDE: u32 = 16_384;
const MAX_PIXELS: u64 = 40_000_000;

/// The decoder for a media type, if previews of it are supported.
pub(crate) fn image_format(mime_type: &str) -> Option<ImageFormat> {
    match mime_type {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Generates previews with their widths. CPU-bound: call it on a blocking thread.
pub(crate) fn generate(image: &[u8], format: ImageFormat) -> ImageResult<Vec<(u32, Bytes)>> {
    let mut image = decode(image, format, MAX_MEMORY)?;
    let mut previews = Vec::new();
    for (index, &width) in WIDTHS.iter().enumerate().rev() {
        // Every image gets the smallest preview; the others must be smaller than the image.
        if image.width() <= width && index > 0 {
            continue;
        }
        if image.width() > width || image.height() > 4 * width {
            image = image.resize(width, 4 * width, FilterType::Triangle);
        }
        let mut file = Vec::new();
        // The encoder needs eight bits per channel, with alpha.
        let pixels = DynamicImage::ImageRgba8(image.to_rgba8());
        pixels.write_to(&mut Cursor::new(&mut file), ImageFormat::WebP)?;
        previews.push((width, Bytes::from(file)));
    }
    previews.reverse();
    Ok(previews)
}

/// Decodes an image within the limits and applies its orientation.
fn decode(file: &[u8], format: ImageFormat, max_memory: u64) -> ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(max_memory);
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        let kind = LimitErrorKind::DimensionError;
        return Err(ImageError::Limits(LimitError::from_kind(kind)));
    }
    // Decoders only account for their own memory, so the decoded image is reserved here.
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
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
    fn an_image_gets_previews_smaller_than_itself() {
        for (width, expected) in [
            (2_000, vec![96, 320, 1_024]),
            (500, vec![96, 320]),
            (10, vec![96]),
        ] {
            let previews = generate(&png(width, 20), ImageFormat::Png).unwrap();
            let widths: Vec<u32> = previews.iter().map(|(width, _)| *width).collect();
            assert_eq!(widths, expected);
            let small = image::load_from_memory(&previews[0].1).unwrap();
            assert_eq!(small.width(), width.min(96));
        }
    }

    #[test]
    fn a_decompression_bomb_is_not_decoded() {
        // A valid image of a few kilobytes whose sides are within the limits.
        let mut bomb = Vec::new();
        let grey = DynamicImage::new_luma8(MAX_SIDE, 2_442);
        let encoder = PngEncoder::new_with_quality(
            Cursor::new(&mut bomb),
            CompressionType::Fast,
            FilterType::NoFilter,
        );
        grey.write_with_encoder(encoder).unwrap();
        assert!(bomb.len() < 1 << 20);
        let refused = generate(&bomb, ImageFormat::Png).unwrap_err();
        assert!(matches!(refused, ImageError::Limits(_)), "{refused}");
        assert!(generate(b"not an image", ImageFormat::Jpeg).is_err());
    }

    #[test]
    fn decoding_is_limited_in_memory() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut file = Vec::new();
            DynamicImage::new_rgb8(1_000, 1_000)
                .write_to(&mut Cursor::new(&mut file), format)
                .unwrap();
            assert!(decode(&file, format, 4_000_000).is_ok(), "{format:?}");
            let refused = decode(&file, format, 2_999_999);
            assert!(matches!(refused, Err(ImageError::Limits(_))), "{format:?}");
        }
    }
}
