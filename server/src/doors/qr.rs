//! QR codes of links, as SVG and as PNG.

use data_encoding::BASE64;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;
use tokio::sync::Semaphore;

/// Light modules around the code, which readers need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;
/// Pixels for each module of the PNG.
const SCALE: usize = 6;

/// Who draws. One at a time is fast enough for everybody, and leaves the other processors to who signs in.
static DRAWING: Semaphore = Semaphore::const_new(1);

/// As [`draw`], on a thread that may take its time: drawing is work for a processor, and whoever else is served by this
/// one's threads would wait for it.
pub async fn both(text: String) -> Option<(String, String)> {
    let _turn = DRAWING.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || draw(&text)).await.ok()?
}

/// The code as SVG, and as PNG in a `data:` address; `None` when the text is too long for a code.
fn draw(text: &str) -> Option<(String, String)> {
    let of_level = |level| QrCode::with_error_correction_level(text, level).ok();
    let code = of_level(EcLevel::M).or_else(|| of_level(EcLevel::L))?;
    Some((svg(&code), format!("data:image/png;base64,{}", BASE64.encode(&png(&code)?))))
}

fn svg(code: &QrCode) -> String {
    let width = code.width();
    let size = width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (row, colors) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        // A rectangle for each run of dark modules.
        for run in colors.chunk_by(|one, next| one == next) {
            if run[0] == Color::Dark {
                let (x, y, length) = (column + QUIET_ZONE, row + QUIET_ZONE, run.len());
                // Writing into a text does not fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            column += run.len();
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
    // A bit for each pixel, and whole bytes for each row: an eighth of the bytes to compress.
    let row_length = size.div_ceil(8);
    let mut pixels = vec![0xff_u8; row_length * size];
    for (index, color) in colors.into_iter().enumerate() {
        if color == Color::Dark {
            let (left, top) = ((index % width + QUIET_ZONE) * SCALE, (index / width + QUIET_ZONE) * SCALE);
            for row in pixels.chunks_mut(row_length).skip(top).take(SCALE) {
                for pixel in left..left + SCALE {
                    row[pixel / 8] &= !(0x80 >> (pixel % 8));
                }
            }
        }
    }
    let mut bytes = Vec::new();
    let side = u32::try_from(size).ok()?;
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(bytes)
}
