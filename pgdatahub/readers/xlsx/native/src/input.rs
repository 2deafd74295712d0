//! XML that arrives in pieces: checked to be characters of XML.

use crate::buffer::Buffer;
use crate::bytes::{find_slice, is_space};
use crate::Stop;

/// A buffer of XML with zeros behind it.
#[derive(Default)]
pub struct Input {
    /// The bytes.
    pub buffer: Buffer,
    /// Up to here the input is known to be characters of XML in UTF-8.
    pub sound: usize,
    /// Behind `sound` comes something else.
    pub broken: bool,
}

impl Input {
    /// Add a piece; return whether a tag with one of these endings may have come with it.
    pub fn push(&mut self, data: &[u8], endings: [&[u8]; 2]) -> bool {
        self.sound -= self.buffer.push(data);
        if !self.broken {
            self.check();
        }
        if data.len() >= 1024 || self.buffer.has_grown() {
            return true;
        }
        let filled = self.buffer.filled();
        let from = (filled - data.len()).saturating_sub(8);
        let bytes = &self.buffer.bytes()[..filled];
        endings.iter().any(|ending| find_slice(bytes, from, ending).is_some())
    }

    /// Consume so many bytes.
    pub fn skip(&mut self, count: usize) {
        self.buffer.skip(count);
        if self.buffer.start > self.sound {
            self.sound = self.buffer.start;
            self.broken = false;
            self.check();
        }
    }

    /// Return where the next tag begins, behind white space.
    #[inline(always)]
    pub fn next_tag(&self) -> Result<usize, Stop> {
        let bytes = self.buffer.bytes();
        let mut at = self.buffer.start;
        while at < self.sound && is_space(bytes[at]) {
            at += 1;
        }
        if at >= self.sound {
            return Err(Stop::More);
        }
        if bytes[at] != b'<' {
            return Err(Stop::Decline);
        }
        Ok(at)
    }

    fn check(&mut self) {
        let fresh = &self.buffer.bytes()[self.sound..self.buffer.filled()];
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
}
