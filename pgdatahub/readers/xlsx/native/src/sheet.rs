//! The front end of a worksheet part: `<sheetData>` in pieces that may end anywhere → batches.

use crate::batch::Batch;
use crate::bytes::{is_space, load8};
use crate::cell::Values;
use crate::input::Input;
use crate::row::{Context, Row};
use crate::row_general::{self, Item};
use crate::string_items::Status;
use crate::{Limits, Stop};

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct BatchSize {
    /// Rows.
    pub rows: usize,
    /// Cells; the row that passes this is the last.
    pub cells: u64,
}

/// Reads the rows within `<sheetData>`.
pub struct Sheet {
    /// The rows so far.
    pub batch: Batch,
    /// Input that was not consumed.
    pub input: Input,
    /// The number of the last row, with or without a value.
    pub last_row: u32,
    /// Rows that were read the general way.
    pub general_rows: u64,
    /// When the batch is full.
    pub size: BatchSize,
    values: Values,
    limits: Limits,
    prefixes: Vec<Vec<u8>>,
    trim: bool,
    row: Row,
}

impl Sheet {
    /// Begin within `<sheetData>`, whose document declares `prefixes`; `trim` as for the shared strings.
    pub fn new(values: Values, limits: Limits, prefixes: Vec<Vec<u8>>, trim: bool, size: BatchSize) -> Self {
        Sheet {
            batch: Batch::default(),
            input: Input::default(),
            last_row: 0,
            general_rows: 0,
            size,
            values,
            limits,
            prefixes,
            trim,
            row: Row::default(),
        }
    }

    /// Take the whole rows of what there is, until the batch is full.
    pub fn feed(&mut self, data: &[u8], last: bool) -> Status {
        let whole = data.is_empty() || self.input.push(data, [b"row>", b"Data>"]);
        if !whole && !last {
            return Status::More;
        }
        loop {
            if self.batch.rows.len() >= self.size.rows || self.batch.cells >= self.size.cells {
                return Status::Full;
            }
            match self.take_item() {
                Ok(true) => {}
                Ok(false) => return Status::Ended,
                Err(Stop::Decline) => return Status::Declined,
                Err(Stop::More) => {
                    if last || self.input.broken || self.input.rest().len() > self.limits.item_bytes {
                        return Status::Declined;
                    }
                    self.input.note_tried();
                    return Status::More;
                }
            }
        }
    }

    /// Take the next row; return false at the end tag of the element around it.
    #[inline(always)]
    fn take_item(&mut self) -> Result<bool, Stop> {
        let bytes = self.input.bytes();
        let end = self.input.sound;
        let mut at = self.input.start;
        while at < end && is_space(bytes[at]) {
            at += 1;
        }
        if at >= end {
            return Err(Stop::More);
        }
        if bytes[at] != b'<' {
            return Err(Stop::Decline);
        }
        let context = Context {
            bytes,
            end,
            last_row: self.last_row,
            limits: &self.limits,
            prefixes: &self.prefixes,
            trim: self.trim,
        };
        let start = load8(bytes, at);
        let mut read = None;
        if start & 0xFFFF_FFFF == u64::from(u32::from_le_bytes(*b"<row")) {
            read = self.row.read(at, &context)?;
        }
        let after = match read {
            Some(after) => after,
            None => {
                self.general_rows += 1;
                match row_general::read(&mut self.row, at, &context)? {
                    Item::Row(after) => after,
                    Item::Other(after) => {
                        self.input.start = after;
                        return Ok(true);
                    }
                    Item::End => {
                        self.input.start = at;
                        return Ok(false);
                    }
                }
            }
        };
        let row = &self.row;
        if !row.cells.is_empty() {
            self.batch.take_row(row.number, row.hidden, &row.cells, bytes, &row.decoded, &mut self.values)?;
        }
        self.last_row = row.number;
        self.input.start = after;
        Ok(true)
    }
}
