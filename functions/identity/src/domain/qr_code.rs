//! A text as a picture that a telephone reads.

use qrcode::{Color, QrCode};

/// Pixels a module.
const SCALE: usize = 4;
/// Modules of white around it, which ISO/IEC 18004 wants.
const QUIET: usize = 4;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrError {
    /// More than fits.
    #[error("QR code: {0}")]
    Code(#[from] qrcode::types::QrError),
    /// The picture can't be written.
    #[error("PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// The picture as a PNG, a byte a pixel.
pub(crate) fn to_png(text: &str) -> Result<Vec<u8>, QrError> {
    let code = QrCode::new(text)?;
    let (width, modules) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET) * SCALE;
    let mut pixels = vec![u8::MAX; side * side];
    for (index, _) in modules
        .iter()
        .enumerate()
        .filter(|(_, colour)| **colour == Color::Dark)
    {
        let (left, top) = (index % width + QUIET, index / width + QUIET);
        for row in pixels.chunks_exact_mut(side).skip(top * SCALE).take(SCALE) {
            for pixel in row.iter_mut().skip(left * SCALE).take(SCALE) {
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
    fn the_picture_has_the_modules_of_the_code() {
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
                let module = |at: usize| (at / SCALE).checked_sub(QUIET);
                let inside = module(x)
                    .zip(module(y))
                    .filter(|(x, y)| *x < code.width() && *y < code.width());
                let dark = inside.is_some_and(|at| code[at] == Color::Dark);
                assert_eq!(pixels[y * side + x], if dark { 0 } else { 255 }, "{x} {y}");
            }
        }
    }
}
