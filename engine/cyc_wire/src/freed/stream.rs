//! Free-d over a serial line: finding messages in a stream of bytes.

use super::{D1, D1_LEN, FreedRepr, Packet};

/// Finds D1 messages in a byte stream (RS-422, 38,400 baud, 8O1), whatever it starts in the middle of.
///
/// The type byte also occurs inside messages, so a message counts only with type, length and checksum
/// together; after a failure the search goes on with the byte after the supposed type byte.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    held: Vec<u8>,
}

impl Stream {
    /// Takes the next bytes and hands every whole message to `found`. Returns how many bytes belonged to
    /// none; those of a message that is still arriving are kept (at most 28) and not counted yet.
    pub fn push(&mut self, bytes: &[u8], mut found: impl FnMut(FreedRepr)) -> usize {
        self.held.extend_from_slice(bytes);
        let (mut at, mut skipped) = (0, 0);
        while let Some(rest) = self.held.get(at..).filter(|rest| !rest.is_empty()) {
            let may_begin = rest[0] == D1;
            match rest.get(..D1_LEN).map(Packet::new_checked) {
                None if may_begin => break,
                Some(Ok(packet)) => {
                    found(FreedRepr::parse(&packet));
                    at += D1_LEN;
                }
                _ => {
                    at += 1;
                    skipped += 1;
                }
            }
        }
        self.held.drain(..at);
        skipped
    }
}
