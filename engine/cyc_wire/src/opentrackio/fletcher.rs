//! Fletcher-16 as OpenTrackIO uses it.

/// `(sum2 << 8) | sum1` over all `parts` in order, both sums modulo 256 (OpenTrackIO 1.0.1). Textbooks and
/// OpenTrackIO before 1.0.1 take modulus 255.
pub fn fletcher16(parts: [&[u8]; 2]) -> u16 {
    // Wrapping at 2^32 keeps both sums right modulo 256.
    let (mut sum1, mut sum2) = (0u32, 0u32);
    for byte in parts.into_iter().flatten() {
        sum1 = sum1.wrapping_add(u32::from(*byte));
        sum2 = sum2.wrapping_add(sum1);
    }
    ((sum2 as u16) << 8) | (sum1 as u16 & 0xFF)
}

/// The same with modulus 255.
pub(super) fn fletcher16_mod_255(parts: [&[u8]; 2]) -> u16 {
    let (mut sum1, mut sum2) = (0u16, 0u16);
    for byte in parts.into_iter().flatten() {
        sum1 = (sum1 + u16::from(*byte)) % 255;
        sum2 = (sum2 + sum1) % 255;
    }
    (sum2 << 8) | sum1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_check_values() {
        for (text, mod_256, mod_255) in
            [("abcde", 0xC3EF, 0xC8F0), ("abcdef", 0x1855, 0x2057), ("abcdefgh", 0xF824, 0x0627)]
        {
            assert_eq!(fletcher16([text.as_bytes(), &[]]), mod_256, "{text}");
            assert_eq!(fletcher16_mod_255([&[], text.as_bytes()]), mod_255, "{text}");
        }
        assert_eq!(fletcher16([&[0xFF; 300], &[]]), 0xA2D4);
    }
}
