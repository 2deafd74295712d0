//! Rows of cells collected in columns, whatever front end found them.

use crate::cell::{Cell, Values};
use crate::column::Column;
use crate::Stop;

/// Bytes of the fields of a row; a larger row is left to the caller.
const LARGEST_ROW: usize = 8 << 20;

/// Cells from which characters were removed that no database can store.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cleaning {
    /// How many cells.
    pub count: u64,
    /// The row of the first one.
    pub row: u32,
    /// The position of its column.
    pub column: u32,
}

/// Rows that were taken since the last [`Batch::clear`].
#[derive(Default)]
pub struct Batch {
    /// All columns that any batch had, by position.
    pub columns: Vec<Column>,
    /// The positions of the columns with a cell, ascending, after [`Batch::finish`].
    pub used: Vec<u32>,
    /// The numbers of the rows.
    pub rows: Vec<u32>,
    /// The numbers of the hidden ones.
    pub hidden: Vec<u32>,
    /// Cells of the batch.
    pub cells: u64,
    /// Bytes of their fields.
    pub bytes: usize,
    /// Cleaning in all batches.
    pub cleaning: Cleaning,
}

impl Batch {
    /// Take a row with at least one cell, in any order of columns; a row that is declined leaves no trace.
    ///
    /// `input` holds the texts of cells that are not decoded, `decoded` the others; both are padded.
    pub fn take_row(
        &mut self,
        number: u32,
        hidden: bool,
        cells: &mut [Cell],
        input: &[u8],
        decoded: &[u8],
        values: &mut Values,
    ) -> Result<(), Stop> {
        let index = self.rows.len() as u32;
        let before = self.cleaning;
        let mut row_bytes = 0;
        values.look_up(cells, input, decoded);
        let cells = &*cells;
        for (taken, cell) in cells.iter().enumerate() {
            let bytes = if cell.decoded { decoded } else { input };
            let position = cell.column as usize;
            if position >= self.columns.len() {
                self.columns.resize_with(position + 1, Column::default);
            }
            let column = &mut self.columns[position];
            column.pad(index);
            let start = column.fields.len();
            let mut cleaned = false;
            let pushed = values.push(cell, bytes, &mut column.fields, &mut cleaned);
            row_bytes += column.fields.len() - start;
            // A text of 32,767 characters may be that of every cell.
            let pushed = if row_bytes > LARGEST_ROW { Err(Stop::Decline) } else { pushed };
            match pushed {
                Ok(kind) => column.end_field(start, kind),
                Err(stop) => {
                    column.fields.truncate(start);
                    for cell in &cells[..taken] {
                        self.columns[cell.column as usize].undo_field();
                    }
                    self.cleaning = before;
                    return Err(stop);
                }
            }
            if cleaned {
                self.note_cleaned(number, cell.column);
            }
        }
        self.cells += cells.len() as u64;
        self.bytes += row_bytes;
        self.rows.push(number);
        if hidden {
            self.hidden.push(number);
        }
        Ok(())
    }

    /// Bring all columns to the number of rows and list those that have a cell.
    pub fn finish(&mut self) {
        let rows = self.rows.len() as u32;
        self.used.clear();
        for (position, column) in (0..).zip(&mut self.columns) {
            if column.rows > 0 {
                column.pad(rows);
                self.used.push(position);
            }
        }
    }

    /// Begin the next batch.
    pub fn clear(&mut self) {
        for column in self.columns.iter_mut().filter(|column| column.rows > 0) {
            column.clear();
        }
        self.rows.clear();
        self.hidden.clear();
        self.used.clear();
        self.cells = 0;
        self.bytes = 0;
    }

    #[inline(never)]
    fn note_cleaned(&mut self, row: u32, column: u32) {
        if self.cleaning.count == 0 {
            self.cleaning = Cleaning { count: 0, row, column };
        }
        self.cleaning.count += 1;
    }
}
