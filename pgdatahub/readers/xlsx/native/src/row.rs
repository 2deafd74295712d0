//! Rows as nearly all writers write them: one look at each byte, no general XML.
//!
//! Anything unusual makes [`Row::read`] give up on the row; `row_general` then reads it from its beginning.

use crate::bytes::{begins, is_space, load8};
use crate::cell::{is_blank_value, Cell};
use crate::cell_markup::{attribute, value, Address, Tag};
use crate::{Limits, Stop};

/// A row that was read.
#[derive(Default)]
pub struct Row {
    /// Its number, from 1.
    pub number: u32,
    /// It is hidden.
    pub hidden: bool,
    /// Its cells with a value.
    pub cells: Vec<Cell>,
    /// Texts of decoded cells, padded.
    pub decoded: Vec<u8>,
}

/// What a row is read with.
pub struct Context<'a> {
    /// The input; zeros follow behind `end`.
    pub bytes: &'a [u8],
    /// The end of what may be read.
    pub end: usize,
    /// The number of the row before.
    pub last_row: u32,
    /// Bounds.
    pub limits: &'a Limits,
    /// The prefixes that the document declares.
    pub prefixes: &'a [Vec<u8>],
    /// White space around `<t>` without `xml:space="preserve"` is trimmed.
    pub trim: bool,
}

impl Row {
    /// Read the row that begins at `at` with `<row`; return the position behind it, None if it is for the general way.
    #[inline(always)]
    pub fn read(&mut self, at: usize, context: &Context<'_>) -> Result<Option<usize>, Stop> {
        self.cells.clear();
        let (mut at, closed) = match self.start(at + 4, context) {
            Some(found) => found,
            None => return Ok(None),
        };
        if self.number <= context.last_row || self.number > context.limits.rows {
            return Err(Stop::Decline);
        }
        if !closed {
            at = match self.read_cells(at, context) {
                Some(at) => at,
                None => return Ok(None),
            };
        }
        // Beyond the end only zeros stand, or bytes that are not characters of XML.
        Ok(if at <= context.end { Some(at) } else { None })
    }

    /// Read the rest of the row's start tag.
    #[inline(always)]
    fn start(&mut self, mut at: usize, context: &Context<'_>) -> Option<(usize, bool)> {
        let bytes = context.bytes;
        self.number = context.last_row + 1;
        self.hidden = false;
        let mut seen = 0u32;
        loop {
            match bytes[at] {
                b'>' => return Some((at + 1, false)),
                b'/' if bytes[at + 1] == b'>' => return Some((at + 2, true)),
                b' ' => at += 1,
                _ => return None,
            }
            let (name, value, after) = attribute(bytes, at, context.end)?;
            let bit = match name {
                b"r" => {
                    self.number = row_number(value)?;
                    0
                }
                b"hidden" => {
                    self.hidden = matches!(value, b"1" | b"true" | b"on");
                    1
                }
                b"spans" => 2,
                b"ht" => 3,
                b"customHeight" => 4,
                b"s" => 5,
                b"customFormat" => 6,
                b"outlineLevel" => 7,
                b"collapsed" => 8,
                b"thickBot" => 9,
                b"thickTop" => 10,
                b"x14ac:dyDescent" if context.prefixes.iter().any(|prefix| prefix == b"x14ac") => 11,
                _ => return None,
            };
            if seen >> bit & 1 == 1 {
                return None;
            }
            seen |= 1 << bit;
            at = after;
        }
    }

    #[inline(always)]
    fn read_cells(&mut self, mut at: usize, context: &Context<'_>) -> Option<usize> {
        let bytes = context.bytes;
        let end = context.end;
        let address = Address::new(self.number);
        let mut next = 0; // the position of a cell without an address: no cell of the row is there or beyond
        let mut total = 0;
        loop {
            if at >= end {
                return None;
            }
            let loaded = load8(bytes, at);
            if !begins(loaded, b"<c") {
                if begins(loaded, b"</row>") {
                    return Some(at + 6);
                }
                if is_space(loaded as u8) {
                    at += 1;
                    continue;
                }
                return None;
            }
            let (tag, after) = Tag::read(bytes, at + 2, end, next, &address)?;
            at = after;
            if tag.column < next || tag.column >= context.limits.columns {
                return None;
            }
            next = tag.column + 1;
            if tag.closed {
                continue;
            }
            let (from, to, source, after) = value(bytes, at, end, &tag, context.trim)?;
            at = after;
            if from == to || (bytes[from] <= b' ' && is_blank_value(source, &bytes[from..to])) {
                continue;
            }
            total += to - from;
            if to - from > context.limits.cell_bytes || total > context.limits.row_bytes {
                return None;
            }
            self.cells.push(Cell { column: tag.column, source, style: tag.style, from, to, decoded: false });
        }
    }
}

/// Return the row number that digits denote, None if there are none, too many, or others.
pub fn row_number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 8 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}
