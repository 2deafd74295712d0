//! Input that arrives in pieces which may end anywhere: what was not consumed is kept.

use crate::bytes::PADDING;

/// A buffer of input with zeros behind it.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    /// Where the input that was not consumed begins.
    pub start: usize,
    tried: usize,
}

impl Buffer {
    /// Return the bytes; wide loads before the end of the input stay within them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Return where the input ends.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Return what was not consumed.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.start.min(self.filled)..self.filled]
    }

    /// Add a piece; return by how many bytes what was there has moved towards the beginning.
    pub fn push(&mut self, data: &[u8]) -> usize {
        let moved = self.start;
        if moved > 0 {
            self.bytes.drain(..moved);
            self.filled -= moved;
            self.start = 0;
        }
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(data);
        self.filled = self.bytes.len();
        self.bytes.resize(self.filled + PADDING, 0);
        moved
    }

    /// Return whether so much has come since [`Buffer::note_tried`] that another look is worth its time.
    pub fn has_grown(&self) -> bool {
        self.filled - self.start.min(self.filled) >= 2 * self.tried
    }

    /// Note that what is there does not suffice, so that it is not tried again for each byte that follows.
    pub fn note_tried(&mut self) {
        self.tried = self.filled - self.start;
    }

    /// Consume so many bytes.
    pub fn skip(&mut self, count: usize) {
        self.start = (self.start + count).min(self.filled);
        self.tried = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumed_input_is_dropped() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.push(b"abcdef"), 0);
        buffer.skip(4);
        assert_eq!(buffer.rest(), b"ef");
        assert_eq!(buffer.push(b"gh"), 4);
        assert_eq!(buffer.rest(), b"efgh");
    }
}
