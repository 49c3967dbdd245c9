//! Guard before the CBOR decoder: structure, depth and lengths of one item (RFC 8949, section 3).

use super::MAX_DEPTH;
use crate::WireError;

/// A level of indefinite length: as many items as come before the break.
const UNTIL_BREAK: u64 = u64::MAX;

/// Whether the bytes are one item and no more, nested at most [`MAX_DEPTH`] deep, in which no length promises
/// more than the bytes that are there. Without this a head of nine bytes could ask the decoder for 2^64 items.
/// Errors: `Truncated`, `BadLength` (bytes left over), `TooDeep`, `Malformed`.
pub(super) fn check(bytes: &[u8]) -> Result<(), WireError> {
    let mut reader = Reader { rest: bytes };
    // Items still to come in each open array, map, tag or chunked string; level 0 is the item itself.
    let mut due = [0u64; MAX_DEPTH + 1];
    due[0] = 1;
    let mut depth = 0;
    loop {
        if due[depth] == 0 {
            if depth == 0 {
                return if reader.rest.is_empty() { Ok(()) } else { Err(WireError::BadLength) };
            }
            depth -= 1;
            continue;
        }
        let opened = match reader.item()? {
            Item::Break if due[depth] == UNTIL_BREAK => {
                due[depth] = 0;
                continue;
            }
            Item::Break => return Err(WireError::Malformed("CBOR")),
            Item::Single => 0,
            Item::Opens(items) => items,
        };
        if due[depth] != UNTIL_BREAK {
            due[depth] -= 1;
        }
        if opened > 0 {
            depth += 1;
            *due.get_mut(depth).ok_or(WireError::TooDeep)? = opened;
        }
    }
}

enum Item {
    Single,
    Opens(u64),
    Break,
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// The next head, and the string behind it if it is one.
    fn item(&mut self) -> Result<Item, WireError> {
        let [first] = self.take::<1>()?;
        let (major, info) = (first >> 5, first & 0x1F);
        let argument = match info {
            0..=23 => u64::from(info),
            24 => u64::from(u8::from_be_bytes(self.take()?)),
            25 => u64::from(u16::from_be_bytes(self.take()?)),
            26 => u64::from(u32::from_be_bytes(self.take()?)),
            27 => u64::from_be_bytes(self.take()?),
            31 if (2..=5).contains(&major) => return Ok(Item::Opens(UNTIL_BREAK)),
            31 if major == 7 => return Ok(Item::Break),
            _ => return Err(WireError::Malformed("CBOR")),
        };
        match major {
            2 | 3 => self.skip(argument),
            4 => self.opens(argument),
            5 => self.opens(argument.checked_mul(2).ok_or(WireError::Truncated)?),
            6 => Ok(Item::Opens(1)),
            _ => Ok(Item::Single),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn skip(&mut self, len: u64) -> Result<Item, WireError> {
        let len = usize::try_from(len).map_err(|_| WireError::Truncated)?;
        self.rest = self.rest.get(len..).ok_or(WireError::Truncated)?;
        Ok(Item::Single)
    }

    /// Every item takes a byte at least.
    fn opens(&self, items: u64) -> Result<Item, WireError> {
        if items > self.rest.len() as u64 { Err(WireError::Truncated) } else { Ok(Item::Opens(items)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_rfc_8949_shows() {
        // Appendix A: 1.1, "IETF", [1, [2, 3], [4, 5]], {"a": 1, "b": [2, 3]}, 0("2013-03-21T20:04:00Z") with a
        // shorter string, (_ h'0102', h'030405'), [_ ], {_ "a": 1}.
        let items: [&[u8]; 8] = [
            &[0xFB, 0x3F, 0xF1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9A],
            &[0x64, 0x49, 0x45, 0x54, 0x46],
            &[0x83, 0x01, 0x82, 0x02, 0x03, 0x82, 0x04, 0x05],
            &[0xA2, 0x61, 0x61, 0x01, 0x61, 0x62, 0x82, 0x02, 0x03],
            &[0xC0, 0x61, 0x7A],
            &[0x5F, 0x42, 0x01, 0x02, 0x43, 0x03, 0x04, 0x05, 0xFF],
            &[0x9F, 0xFF],
            &[0xBF, 0x61, 0x61, 0x01, 0xFF],
        ];
        for item in items {
            assert_eq!(check(item), Ok(()), "{item:02x?}");
            assert_eq!(check(&item[..item.len() - 1]), Err(WireError::Truncated), "{item:02x?}");
            assert_eq!(check(&[item, &[0]].concat()), Err(WireError::BadLength), "{item:02x?}");
        }
    }

    #[test]
    fn refuses_promises_and_depth() {
        let huge = |major: u8| [vec![major << 5 | 27], vec![0xFF; 8]].concat();
        for major in 2..=5 {
            assert_eq!(check(&huge(major)), Err(WireError::Truncated), "major {major}");
        }
        assert_eq!(check(&[0x9A, 0x7F, 0xFF, 0xFF, 0xFF]), Err(WireError::Truncated));
        assert_eq!(check(&[0x81; 60_000]), Err(WireError::TooDeep));
        assert_eq!(check(&[0xC1; 60_000]), Err(WireError::TooDeep));
        assert_eq!(check(&[0xFF]), Err(WireError::Malformed("CBOR")));
        assert_eq!(check(&[0x81, 0xFF]), Err(WireError::Malformed("CBOR")));
        assert_eq!(check(&[0x1C]), Err(WireError::Malformed("CBOR")));
        assert_eq!(check(&[]), Err(WireError::Truncated));
    }
}
