//! Wall pictures as PNG.

use crate::source::WallPicture;
use std::borrow::Cow;

/// Why a wall picture did not become a PNG.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The frame loop's bytes do not fill its size.
    #[error("a picture of {width} x {height} px came with {bytes} bytes")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes that came.
        bytes: usize,
    },
    /// The encoder refused.
    #[error("PNG encoder: {0}")]
    Encode(#[from] png::EncodingError),
}

/// The picture as an 8-bit RGB PNG with an sRGB chunk, no wider than `max_width` px (shrunk by a whole factor,
/// by averaging code values: good for a look, not for measuring).
pub fn png(picture: &WallPicture, max_width: Option<u32>) -> Result<Vec<u8>, PictureError> {
    let (width, height) = (picture.width, picture.height);
    if picture.rgb8.len() as u64 != u64::from(width) * u64::from(height) * 3 || width == 0 || height == 0 {
        return Err(PictureError::Size { width, height, bytes: picture.rgb8.len() });
    }
    let factor = max_width.map_or(1, |max| width.div_ceil(max.max(1)));
    let (width, height, rgb8) = shrink(picture, factor);
    let mut bytes = Vec::with_capacity(rgb8.len() / 2);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb8)?;
    writer.finish()?;
    Ok(bytes)
}

/// Averages blocks of `factor` x `factor` pixels; blocks at the right and lower edge may be smaller.
fn shrink(picture: &WallPicture, factor: u32) -> (u32, u32, Cow<'_, [u8]>) {
    if factor <= 1 {
        return (picture.width, picture.height, Cow::Borrowed(&picture.rgb8));
    }
    let (width, height) = (picture.width.div_ceil(factor), picture.height.div_ceil(factor));
    let mut out = Vec::with_capacity(width as usize * height as usize * 3);
    let mut sums = vec![[0_u32; 4]; width as usize];
    let row_bytes = picture.width as usize * 3;
    for rows in picture.rgb8.chunks(row_bytes * factor as usize) {
        sums.fill([0; 4]);
        for row in rows.chunks_exact(row_bytes) {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let sum = &mut sums[x / factor as usize];
                (0..3).for_each(|c| sum[c] += u32::from(pixel[c]));
                sum[3] += 1;
            }
        }
        out.extend(sums.iter().flat_map(|s| [0, 1, 2].map(|c| ((s[c] + s[3] / 2) / s[3].max(1)) as u8)));
    }
    (width, height, Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> WallPicture {
        let rgb8 = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(x * 7) as u8, (y * 11) as u8, (x ^ y) as u8]))
            .collect();
        WallPicture { frame: 1, width, height, rgb8 }
    }

    fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        (info.width, info.height, pixels)
    }

    #[test]
    fn every_pixel_comes_back() {
        for (width, height) in [(1, 1), (3, 2), (67, 41)] {
            let picture = picture(width, height);
            assert_eq!(decode(&png(&picture, None).unwrap()), (width, height, picture.rgb8));
        }
    }

    #[test]
    fn shrinking_averages_whole_blocks_and_the_rest_at_the_edge() {
        let rgb8 = [[10, 0, 0], [20, 0, 0], [99, 0, 0], [30, 0, 0], [40, 0, 0], [101, 0, 0]].concat();
        let picture = WallPicture { frame: 0, width: 3, height: 2, rgb8 };
        let (width, height, pixels) = decode(&png(&picture, Some(2)).unwrap());
        assert_eq!((width, height), (2, 1));
        assert_eq!(pixels, [25, 0, 0, 100, 0, 0]);
        assert_eq!(decode(&png(&picture, Some(1)).unwrap()).0, 1);
        assert_eq!(decode(&png(&picture, Some(0)).unwrap()).0, 1);
        assert_eq!(decode(&png(&picture, Some(3)).unwrap()).0, 3);
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let picture = WallPicture { frame: 0, width: 100, height: 33, rgb8: vec![181; 100 * 33 * 3] };
        let (_, _, pixels) = decode(&png(&picture, Some(30)).unwrap());
        assert!(pixels.iter().all(|&v| v == 181));
    }

    #[test]
    fn bytes_that_do_not_fill_the_picture_are_refused() {
        let short = WallPicture { frame: 0, width: 2, height: 2, rgb8: vec![0; 11] };
        assert!(matches!(png(&short, None), Err(PictureError::Size { bytes: 11, .. })));
        let empty = WallPicture { frame: 0, width: 0, height: 2, rgb8: vec![] };
        assert!(png(&empty, None).is_err());
    }
}
