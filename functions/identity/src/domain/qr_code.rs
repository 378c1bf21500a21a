//! QR codes.

use qrcode::{Color, QrCode};

/// Pixels per module.
const PIXELS_PER_MODULE: usize = 4;
/// White margin in modules, required by ISO/IEC 18004.
const QUIET_ZONE_MODULES: usize = 4;

/// Why the QR code could not be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrError {
    /// The text is too long.
    #[error("QR code: {0}")]
    Code(#[from] qrcode::types::QrError),
    /// The PNG could not be written.
    #[error("PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// Encodes the text as a PNG, one byte per pixel.
pub(crate) fn to_png(text: &str) -> Result<Vec<u8>, QrError> {
    let code = QrCode::new(text)?;
    let (width, modules) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET_ZONE_MODULES) * PIXELS_PER_MODULE;
    let mut pixels = vec![u8::MAX; side * side];
    for (index, _) in modules
        .iter()
        .enumerate()
        .filter(|(_, colour)| **colour == Color::Dark)
    {
        let (left, top) = (
            index % width + QUIET_ZONE_MODULES,
            index / width + QUIET_ZONE_MODULES,
        );
        for row in pixels
            .chunks_exact_mut(side)
            .skip(top * PIXELS_PER_MODULE)
            .take(PIXELS_PER_MODULE)
        {
            for pixel in row
                .iter_mut()
                .skip(left * PIXELS_PER_MODULE)
                .take(PIXELS_PER_MODULE)
            {
                *pixel = 0;
            }
        }
    }
    let mut file = Vec::new();
    let edge = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut file, edge, edge);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_png_contains_the_modules_of_the_code() {
        let text = "otpauth://totp/Demo:ada?secret=GEZDGNBVGY3TQOJQ";
        let file = to_png(text).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let side = reader.next_frame(&mut pixels).unwrap().width as usize;
        let code = QrCode::new(text).unwrap();
        assert_eq!(side, (code.width() + 8) * 4);
        for y in 0..side {
            for x in 0..side {
                let module = |at: usize| (at / PIXELS_PER_MODULE).checked_sub(QUIET_ZONE_MODULES);
                let inside = module(x)
                    .zip(module(y))
                    .filter(|(x, y)| *x < code.width() && *y < code.width());
                let dark = inside.is_some_and(|at| code[at] == Color::Dark);
                assert_eq!(pixels[y * side + x], if dark { 0 } else { 255 }, "{x} {y}");
            }
        }
    }
}
