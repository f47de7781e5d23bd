//! QR codes of links, as SVG and as PNG.

use data_encoding::BASE64;
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, which readers need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;
/// Pixels for each module of the PNG.
const SCALE: usize = 6;

/// The code as SVG, and as PNG in a `data:` address; `None` when the text is too long for a code.
pub fn both(text: &str) -> Option<(String, String)> {
    let of_level = |level| QrCode::with_error_correction_level(text, level).ok();
    let code = of_level(EcLevel::M).or_else(|| of_level(EcLevel::L))?;
    Some((svg(&code), format!("data:image/png;base64,{}", BASE64.encode(&png(&code)?))))
}

fn svg(code: &QrCode) -> String {
    let width = code.width();
    let size = width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (index % width + QUIET_ZONE, index / width + QUIET_ZONE);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>"
    )
}

fn png(code: &QrCode) -> Option<Vec<u8>> {
    let width = code.width();
    let colors = code.to_colors();
    let size = (width + 2 * QUIET_ZONE) * SCALE;
    let mut pixels = vec![0xff_u8; size * size];
    for (index, color) in colors.into_iter().enumerate() {
        if color == Color::Dark {
            let (left, top) = ((index % width + QUIET_ZONE) * SCALE, (index / width + QUIET_ZONE) * SCALE);
            for row in pixels.chunks_mut(size).skip(top).take(SCALE) {
                row[left..left + SCALE].fill(0);
            }
        }
    }
    let mut bytes = Vec::new();
    let side = u32::try_from(size).ok()?;
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(bytes)
}
