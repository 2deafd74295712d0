//! Records of binary parts: a type, a size, and a payload (MS-XLSB 2.1.4).
//!
//! The type has one or two bytes and the size up to four, seven bits in each byte; the highest bit tells that another byte
//! follows.

use crate::Stop;

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its type.
    pub kind: u32,
    /// Where its payload begins.
    pub from: usize,
    /// Where its payload ends, perhaps beyond the input.
    pub to: usize,
}

impl Record {
    /// Read the type and the size of the record at `at`; `end` is where the input ends.
    #[inline(always)]
    pub fn at(bytes: &[u8], at: usize, end: usize) -> Result<Record, Stop> {
        if at + 2 <= end {
            let (kind, size) = (bytes[at], bytes[at + 1]);
            if kind < 0x80 && size < 0x80 {
                return Ok(Record { kind: u32::from(kind), from: at + 2, to: at + 2 + usize::from(size) });
            }
        }
        Record::long(&bytes[..end], at)
    }

    #[inline(never)]
    fn long(bytes: &[u8], at: usize) -> Result<Record, Stop> {
        let mut at = at;
        let mut next = || {
            let byte = bytes.get(at).copied().ok_or(Stop::More)?;
            at += 1;
            Ok(u32::from(byte))
        };
        let mut kind = next()?;
        if kind >= 0x80 {
            kind = kind & 0x7F | (next()? & 0x7F) << 7;
        }
        let mut size = 0;
        for shift in [0, 7, 14, 21] {
            let byte = next()?;
            size |= (byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(Record { kind, from: at, to: at + size as usize })
    }

    /// Return the size of the payload.
    pub fn size(&self) -> usize {
        self.to - self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_sizes_have_up_to_four_bytes() {
        for (bytes, kind, from, size) in [
            (&[5, 16][..], 5, 2, 16),
            (&[0x92, 1, 0], 146, 3, 0),
            (&[19, 0x80, 1], 19, 3, 128),
            (&[19, 0xFF, 0xFF, 0xFF, 0xFF], 19, 5, (1 << 28) - 1),
        ] {
            assert_eq!(Record::at(bytes, 0, bytes.len()), Ok(Record { kind, from, to: from + size }));
            for end in 0..bytes.len() {
                assert_eq!(Record::at(bytes, 0, end), Err(Stop::More));
            }
        }
    }
}
