//! Bytes to grey values.

use image::{ImageReader, Limits};
use std::io::Cursor;

/// Largest side of a picture, pixels.
const MAX_SIDE_PX: u32 = 16_384;
/// Most memory for decoding one, bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Size and values of a grey picture.
pub(super) type Luma = ([usize; 2], Vec<f32>);

/// Decodes a PNG or JPEG; what it is, is decided by its content. Colours count by their luminance (Rec.709).
///
/// # Errors
/// What the decoder says.
pub(super) fn decoded(bytes: &[u8]) -> Result<Luma, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE_PX), Some(MAX_SIDE_PX));
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let grey = reader.decode().map_err(|error| error.to_string())?.into_luma16();
    let size_px = [grey.width() as usize, grey.height() as usize];
    Ok((size_px, grey.into_raw().into_iter().map(|value| f32::from(value) / 65_535.0).collect()))
}

/// Every `step`-th byte of each line from the `first` on: the luma of GREY and NV12 (1, 0), YUYV (2, 0) and UYVY (2, 1).
///
/// # Errors
/// Fewer bytes than the size asks for.
pub(super) fn plain(
    bytes: &[u8],
    size_px: [usize; 2],
    stride: usize,
    [step, first]: [usize; 2],
) -> Result<Luma, String> {
    let [width, height] = size_px;
    let line_bytes = width * step;
    let stride = stride.max(line_bytes);
    let needed = if height == 0 { 0 } else { (height - 1) * stride + line_bytes };
    if bytes.len() < needed || needed == 0 {
        return Err(format!("{} bytes are not {width} x {height} pixels", bytes.len()));
    }
    let line = |y: usize| bytes[y * stride..y * stride + line_bytes].iter().skip(first).step_by(step);
    let luma = (0..height).flat_map(line).map(|byte| f32::from(*byte) / 255.0).collect();
    Ok((size_px, luma))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    #[test]
    fn pixels_are_taken_from_their_places() {
        let grey = plain(&[10, 20, 99, 30, 40, 99], [2, 2], 3, [1, 0]).unwrap();
        assert_eq!(grey.1, [10, 20, 30, 40].map(|v| v as f32 / 255.0));
        let yuyv = plain(&[10, 128, 20, 128, 30, 128, 40, 128], [2, 2], 4, [2, 0]).unwrap();
        let uyvy = plain(&[128, 10, 128, 20, 128, 30, 128, 40], [2, 2], 0, [2, 1]).unwrap();
        assert_eq!([&yuyv.1, &uyvy.1], [&grey.1; 2]);
        // The last line needs no padding.
        assert!(plain(&[1, 2, 0, 3, 4], [2, 2], 3, [1, 0]).is_ok());
        assert!(plain(&[1, 2, 0, 3], [2, 2], 3, [1, 0]).is_err());
        assert!(plain(&[], [0, 0], 0, [1, 0]).is_err());
    }

    #[test]
    fn files_are_read_by_their_content() {
        let picture = RgbImage::from_fn(16, 8, |x, _| Rgb([if x < 8 { 255 } else { 0 }; 3]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let mut bytes = Cursor::new(Vec::new());
            DynamicImage::from(picture.clone()).write_to(&mut bytes, format).unwrap();
            let (size, luma) = decoded(bytes.get_ref()).unwrap();
            assert_eq!(size, [16, 8]);
            assert!((luma[0] - 1.0).abs() < 0.02 && luma[15] < 0.02, "{format:?}");
            assert!(decoded(&bytes.get_ref()[..40]).is_err());
        }
        assert!(decoded(b"").is_err() && decoded(b"nonsense").is_err());
    }
}
