//! Previews of pictures: smaller ones in WebP, within bounds of size and memory.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits, imageops::FilterType,
};

/// The widths that are made.
pub(crate) const WIDTHS: &[u32] = &[96, 320, 1_024];
/// Bytes of the largest picture that is read for it.
pub(crate) const LARGEST: u64 = 32 << 20;
/// Memory that a decoder may ask for, and sides that a picture may have: small files can claim to be huge.
const MOST_MEMORY: u64 = 160 << 20;
const LONGEST_SIDE: u32 = 16_384;

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
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    let mut reader = ImageReader::with_format(Cursor::new(picture), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut whole = DynamicImage::from_decoder(decoder)?;
    whole.apply_orientation(orientation);
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

#[cfg(test)]
mod tests {
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
        let mut bomb = png(8, 8);
        // Width and height in the header, and the header's checksum.
        bomb[16..24].copy_from_slice(&[0, 0, 0x3f, 0, 0, 0, 0x3f, 0]);
        let crc = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(make(&bomb, ImageFormat::Png).is_err());
        assert!(make(b"no picture", ImageFormat::Jpeg).is_err());
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |mut crc, byte| {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xedb8_8320
                } else {
                    crc >> 1
                };
            }
            crc
        })
    }
}
