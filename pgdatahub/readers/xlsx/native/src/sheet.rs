//! A sheet that is being read: a front end finds rows in its input, a batch takes them.

use crate::batch::Batch;
use crate::buffer::Buffer;
use crate::cell::{Cell, Values};
use crate::string_items::Status;
use crate::{Limits, Stop};

/// Bytes of fields with which a batch is full: a few bytes of a sheet may refer to 32,767 characters.
const FULL: usize = 16 << 20;

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct BatchSize {
    /// Rows.
    pub rows: usize,
    /// Cells; the row that passes this is the last.
    pub cells: u64,
}

/// Where the rows of a front end go.
pub struct Rows {
    /// The rows since the last batch.
    pub batch: Batch,
    /// The number of the last row, with or without a value.
    pub last_row: u32,
    values: Values,
}

impl Rows {
    /// Take a row, as [`Batch::take_row`] does; one without a cell only counts.
    #[inline(always)]
    pub fn take(
        &mut self,
        number: u32,
        hidden: bool,
        cells: &mut [Cell],
        input: &[u8],
        decoded: &[u8],
    ) -> Result<(), Stop> {
        if !cells.is_empty() {
            self.batch.take_row(number, hidden, cells, input, decoded, &mut self.values)?;
        }
        self.last_row = number;
        Ok(())
    }
}

/// Cells that a front end counts, for limits and notices.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    /// Cells with a formula.
    pub formulas: u64,
    /// The row of the first of them.
    pub formula_row: u32,
    /// The position of its column.
    pub formula_column: u32,
    /// Cells with a value, as they are written.
    pub written: u64,
    /// Cells with a value that repeat one which is written.
    pub repeated: u64,
}

/// Finds rows in the pieces of one kind of part.
pub trait FrontEnd {
    /// Add a piece; return whether the end of an item may have come with it.
    fn push(&mut self, data: &[u8]) -> bool;

    /// Take the next item; return false at the end of the rows.
    fn take(&mut self, rows: &mut Rows, limits: &Limits) -> Result<bool, Stop>;

    /// Return the input.
    fn buffer(&mut self) -> &mut Buffer;

    /// Return whether the input is of a kind that more of it does not help.
    fn is_broken(&self) -> bool {
        false
    }

    /// Consume so many bytes, which the caller read.
    fn skip(&mut self, count: usize) {
        self.buffer().skip(count);
    }

    /// Return what was counted.
    fn counts(&self) -> Counts {
        Counts::default()
    }

    /// Go on with these counts, and in rows that their group hides or does not.
    fn resume(&mut self, _counts: Counts, _hidden: bool) {}
}

/// Reads the rows of a sheet.
pub struct Sheet {
    /// The rows so far.
    pub rows: Rows,
    /// The front end.
    pub front: Box<dyn FrontEnd>,
    /// When the batch is full.
    pub size: BatchSize,
    limits: Limits,
}

impl Sheet {
    /// Begin where the rows do.
    pub fn new(values: Values, limits: Limits, front: Box<dyn FrontEnd>, size: BatchSize) -> Self {
        let rows = Rows { batch: Batch::default(), last_row: 0, values };
        Sheet { rows, front, size, limits }
    }

    /// Take the whole rows of what there is, until the batch is full.
    pub fn feed(&mut self, data: &[u8], last: bool) -> Status {
        let whole = data.is_empty() || self.front.push(data);
        if !whole && !last {
            return Status::More;
        }
        loop {
            let batch = &self.rows.batch;
            if batch.rows.len() >= self.size.rows || batch.cells >= self.size.cells || batch.bytes >= FULL {
                return Status::Full;
            }
            match self.front.take(&mut self.rows, &self.limits) {
                Ok(true) => {}
                Ok(false) => return Status::Ended,
                Err(Stop::Decline) => return Status::Declined,
                Err(Stop::More) => {
                    let waiting = self.front.buffer().rest().len();
                    if last || self.front.is_broken() || waiting > self.limits.item_bytes {
                        return Status::Declined;
                    }
                    self.front.buffer().note_tried();
                    return Status::More;
                }
            }
        }
    }
}
