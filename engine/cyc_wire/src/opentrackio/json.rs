//! Guard before the JSON decoder.

use super::MAX_DEPTH;
use crate::WireError;

/// Whether arrays and objects nest at most [`MAX_DEPTH`] deep; says nothing else about the bytes.
pub(super) fn check(bytes: &[u8]) -> Result<(), WireError> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(WireError::TooDeep);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_outside_strings_only() {
        assert_eq!(check(&[b'['; MAX_DEPTH]), Ok(()));
        assert_eq!(check(&[b'{'; MAX_DEPTH + 1]), Err(WireError::TooDeep));
        let text = format!(r#""\"{}""#, "[".repeat(100));
        assert_eq!(check(text.as_bytes()), Ok(()));
    }
}
