//! The front end of the shared strings of a binary workbook: `BrtSSTItem` records, in pieces that may end anywhere.

use crate::buffer::Buffer;
use crate::bytes::array;
use crate::records::Record;
use crate::string_items::Status;
use crate::strings::Strings;
use crate::utf16::push_utf16;
use crate::{Limits, Stop};

const BEGIN_STRINGS: u32 = 159;
const ITEM: u32 = 19;
/// A byte of flags and the number of characters stand before the characters.
const TEXT_AT: usize = 5;

/// Reads the items of the part, from its first record on.
pub struct RecordStrings {
    /// The strings so far.
    pub strings: Strings,
    /// Input that was not consumed.
    pub buffer: Buffer,
    limits: Limits,
    begun: bool,
    /// Bytes to come of a record that does not matter.
    skipping: usize,
}

impl RecordStrings {
    /// Begin with the part.
    pub fn new(strings: Strings, limits: Limits) -> Self {
        RecordStrings { strings, buffer: Buffer::default(), limits, begun: false, skipping: 0 }
    }

    /// Take the whole items of what there is.
    ///
    /// # Errors
    ///
    /// The file for the strings beyond the limit cannot be written.
    pub fn feed(&mut self, data: &[u8], last: bool) -> std::io::Result<Status> {
        self.buffer.push(data);
        let status = loop {
            let skipped = self.skipping.min(self.buffer.rest().len());
            self.buffer.start += skipped;
            self.skipping -= skipped;
            match self.item() {
                Ok(()) => {}
                Err(Stop::Decline) => break Status::Declined,
                Err(Stop::More) if !last => break Status::More,
                Err(Stop::More) => {
                    let whole = self.skipping == 0 && self.begun && self.buffer.rest().is_empty();
                    break if whole { Status::Ended } else { Status::Declined };
                }
            }
        };
        self.strings.settle()?;
        Ok(status)
    }

    /// Take the next record.
    #[inline(always)]
    fn item(&mut self) -> Result<(), Stop> {
        let (bytes, end) = (self.buffer.bytes(), self.buffer.filled());
        let record = Record::at(bytes, self.buffer.start, end)?;
        if !self.begun && record.kind != BEGIN_STRINGS {
            return Err(Stop::Decline);
        }
        self.begun = true;
        if record.kind != ITEM {
            self.buffer.start = record.from;
            self.skipping = record.size();
            return Ok(());
        }
        if record.size() > self.limits.token_bytes {
            return Err(Stop::Decline);
        }
        if record.to > end {
            return Err(Stop::More);
        }
        if record.size() < TEXT_AT {
            return Err(Stop::Decline);
        }
        let count = u32::from_le_bytes(array(bytes, record.from + 1)) as usize;
        if count > (record.size() - TEXT_AT) / 2 || TEXT_AT + 2 * count > 2 * self.limits.cell_bytes {
            return Err(Stop::Decline);
        }
        let from = record.from + TEXT_AT;
        self.strings.add(|out| {
            let mut cleaned = false;
            push_utf16(&bytes[from..from + 2 * count], out, &mut cleaned);
            Ok(cleaned)
        })?;
        self.buffer.start = record.to;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{feed_pieces, no_strings, texts_of};

    fn read(bytes: &[u8], piece: usize) -> (Status, Vec<String>) {
        let mut items = RecordStrings::new(no_strings(), Limits::default());
        let status = feed_pieces(bytes, piece, |data, last| items.feed(data, last));
        (status, texts_of(items.strings))
    }

    const ITEMS: &[u8] = b"\x9f\x01\x08\0\0\0\0\0\0\0\0\x13\x07\0\x01\0\0\0a\0\x90\x01\x02xx\x13\x05\0\0\0\0\0\
        \x13\x0b\x01\x02\0\0\0b\0\xe9\0\0\0\xa0\x01\0";

    #[test]
    fn items_are_read_in_pieces_of_any_size() {
        for piece in 1..ITEMS.len() + 1 {
            let (status, texts) = read(ITEMS, piece);
            assert_eq!(status, Status::Ended);
            assert_eq!(texts, ["a", "", "b\u{e9}"]);
        }
    }

    #[test]
    fn damaged_items_are_declined() {
        for bad in
            [&b"\x13\0"[..], b"\x9f\x01\0\x13\x04\0\x01\0\0", b"\x9f\x01\0\x13\x07\0\x02\0\0\0a\0", b"\x9f\x01", b""]
        {
            assert_eq!(read(bad, 1000).0, Status::Declined, "{:?}", bad);
        }
        assert_eq!(read(&ITEMS[..ITEMS.len() - 4], 1000).0, Status::Declined);
    }
}
