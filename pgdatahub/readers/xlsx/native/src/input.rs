//! XML that arrives in pieces which may end anywhere: what was not consumed is kept, and checked to be characters of XML.

use crate::bytes::{find_slice, PADDING};

/// A buffer of input with zeros behind it.
#[derive(Default)]
pub struct Input {
    bytes: Vec<u8>,
    filled: usize,
    /// Where the input that was not consumed begins.
    pub start: usize,
    /// Up to here the input is known to be characters of XML in UTF-8.
    pub sound: usize,
    /// Behind `sound` comes something else.
    pub broken: bool,
    tried: usize,
}

impl Input {
    /// Return the bytes; wide loads before `sound` stay within them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Return what was not consumed.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.start.min(self.filled)..self.filled]
    }

    /// Add a piece; return whether a tag with one of these endings may have come with it.
    pub fn push(&mut self, data: &[u8], endings: [&[u8]; 2]) -> bool {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.filled -= self.start;
            self.sound -= self.start;
            self.start = 0;
        }
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(data);
        let before = self.filled;
        self.filled = self.bytes.len();
        self.bytes.resize(self.filled + PADDING, 0);
        if !self.broken {
            self.check();
        }
        if data.len() >= 1024 || self.filled >= 2 * self.tried {
            return true;
        }
        let from = before.saturating_sub(8);
        endings.iter().any(|ending| find_slice(&self.bytes[..self.filled], from, ending).is_some())
    }

    /// Note that what is there does not suffice, so that it is not tried again for each byte that follows.
    pub fn note_tried(&mut self) {
        self.tried = self.filled - self.start;
    }

    /// Consume so many bytes.
    pub fn skip(&mut self, count: usize) {
        self.start = (self.start + count).min(self.filled);
        if self.start > self.sound {
            self.sound = self.start;
            self.broken = false;
            self.check();
        }
        self.tried = 0;
    }

    fn check(&mut self) {
        let fresh = &self.bytes[self.sound..self.filled];
        let (length, broken) = match std::str::from_utf8(fresh) {
            Ok(text) => (text.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some()),
        };
        let fresh = &fresh[..length];
        let found = first_foreign(fresh);
        self.broken = broken || found.is_some();
        self.sound += found.unwrap_or(length);
    }
}

/// Bytes that are looked at together.
const CHUNK: usize = 64;

/// Return where the first character stands that XML does not allow.
fn first_foreign(text: &[u8]) -> Option<usize> {
    let chunks = text.chunks_exact(CHUNK);
    let rest = text.len() - chunks.remainder().len();
    for (index, chunk) in chunks.enumerate() {
        // The compiler makes this one wide comparison; few chunks need another look.
        let suspect = chunk.iter().fold(0u8, |any, &byte| any | u8::from(byte < 0x20) | u8::from(byte == 0xEF));
        if suspect != 0 {
            let found = foreign_in(text, index * CHUNK, (index + 1) * CHUNK);
            if found.is_some() {
                return found;
            }
        }
    }
    foreign_in(text, rest, text.len())
}

#[inline(never)]
fn foreign_in(text: &[u8], from: usize, to: usize) -> Option<usize> {
    (from..to).find(|&at| match text[at] {
        b'\t' | b'\n' | b'\r' => false,
        0..=0x1F => true,
        // U+FFFE and U+FFFF are characters of UTF-8 and not of XML.
        0xEF => text.get(at + 1) == Some(&0xBF) && matches!(text.get(at + 2), Some(0xBE | 0xBF)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soundness_does_not_depend_on_pieces() {
        let text = "a\u{e9}\u{20ac}\u{1f600}\tb\u{1}c".as_bytes();
        let mut input = Input::default();
        for byte in text {
            input.push(&[*byte], [b"x", b"y"]);
        }
        assert_eq!((input.sound, input.broken), (text.len() - 2, true));
        for bad in [&b"ab\xff"[..], b"ab\xef\xbf\xbf", b"ab\xed\xa0\x80", b"ab\0"] {
            let mut input = Input::default();
            input.push(bad, [b"x", b"y"]);
            assert_eq!((input.sound, input.broken), (2, true));
        }
    }

    #[test]
    fn consumed_input_is_dropped() {
        let mut input = Input::default();
        input.push(b"abcdef", [b"x", b"y"]);
        input.skip(4);
        assert_eq!(input.rest(), b"ef");
        input.push(b"gh", [b"x", b"y"]);
        assert_eq!(input.rest(), b"efgh");
    }
}
