//! The front end of a binary worksheet part: the records of its rows in pieces that may end anywhere (MS-XLSB 2.1.7.62).

use crate::buffer::Buffer;
use crate::bytes::array;
use crate::cell::{Cell, Source};
use crate::records::Record;
use crate::sheet::{Counts, FrontEnd, Rows};
use crate::utf16::is_blank_utf16;
use crate::{Limits, Stop};

const ROW: u32 = 0;
const BLANK: u32 = 1;
const RK: u32 = 2;
const ERROR: u32 = 3;
const BOOLEAN: u32 = 4;
const REAL: u32 = 5;
const TEXT: u32 = 6;
const SHARED: u32 = 7;
const FORMULA_TEXT: u32 = 8;
const FORMULA_NUMBER: u32 = 9;
const FORMULA_BOOLEAN: u32 = 10;
const FORMULA_ERROR: u32 = 11;
/// From here to 18, cells of the types 1 to 7 without a column: that behind the last one.
const SHORT_BLANK: u32 = 12;
const SHORT_SHARED: u32 = 18;
const RICH_TEXT: u32 = 62;
const END_SHEET_DATA: u32 = 146;
/// Bytes of a row's properties that are needed.
const ROW_BYTES: usize = 12;
const HIDDEN: u8 = 0x10;

/// Finds the rows between `BrtBeginSheetData` and `BrtEndSheetData`.
#[derive(Default)]
pub struct SheetRecords {
    buffer: Buffer,
    row: RecordRow,
    counts: Counts,
}

/// A row that was read.
#[derive(Default)]
struct RecordRow {
    number: u32,
    hidden: bool,
    cells: Vec<Cell>,
    formulas: u64,
    /// The position of the first cell with a formula.
    first_formula: u32,
    text_bytes: usize,
    /// The position of the next cell without a column: no cell of the row is there or beyond.
    next: u32,
}

impl FrontEnd for SheetRecords {
    fn push(&mut self, data: &[u8]) -> bool {
        self.buffer.push(data);
        // A row is complete when the next one begins; to look for it is as much work as to read the row.
        data.len() >= 1024 || self.buffer.has_grown()
    }

    fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn take(&mut self, rows: &mut Rows, limits: &Limits) -> Result<bool, Stop> {
        let (bytes, end) = (self.buffer.bytes(), self.buffer.filled());
        let start = self.buffer.start;
        if start >= end {
            return Err(Stop::More);
        }
        let record = whole_record(bytes, start, end, limits)?;
        match record.kind {
            ROW => {}
            END_SHEET_DATA => return Ok(false),
            BLANK..=SHORT_SHARED | RICH_TEXT => return Err(Stop::Decline), // a cell before its row
            _ => {
                self.buffer.start = record.to;
                return Ok(true);
            }
        }
        let row = &mut self.row;
        row.begin(&bytes[record.from..record.to], rows.last_row, limits)?;
        let after = row.read_cells(bytes, record.to, end, limits)?;
        rows.take(row.number, row.hidden, &mut row.cells, bytes, &[])?;
        if row.formulas > 0 {
            if self.counts.formulas == 0 {
                self.counts.formula_row = row.number;
                self.counts.formula_column = row.first_formula;
            }
            self.counts.formulas += row.formulas;
        }
        self.buffer.start = after;
        Ok(true)
    }
}

/// Return the record at `at`, with its payload within the input.
#[inline(always)]
fn whole_record(bytes: &[u8], at: usize, end: usize, limits: &Limits) -> Result<Record, Stop> {
    let record = Record::at(bytes, at, end)?;
    if record.to > end {
        return Err(if record.size() > limits.token_bytes { Stop::Decline } else { Stop::More });
    }
    if record.size() > limits.token_bytes {
        return Err(Stop::Decline);
    }
    Ok(record)
}

impl RecordRow {
    /// Read a row's properties.
    fn begin(&mut self, payload: &[u8], last_row: u32, limits: &Limits) -> Result<(), Stop> {
        if payload.len() < ROW_BYTES {
            return Err(Stop::Decline);
        }
        self.number = u32::from_le_bytes(array(payload, 0)).checked_add(1).ok_or(Stop::Decline)?;
        if self.number > limits.rows || self.number <= last_row {
            return Err(Stop::Decline);
        }
        self.hidden = payload[11] & HIDDEN != 0;
        self.cells.clear();
        self.formulas = 0;
        self.text_bytes = 0;
        self.next = 0;
        Ok(())
    }

    /// Read the records from `at` on; return the position of the record with which something else begins.
    #[inline(always)]
    fn read_cells(&mut self, bytes: &[u8], mut at: usize, end: usize, limits: &Limits) -> Result<usize, Stop> {
        loop {
            let record = Record::at(bytes, at, end)?;
            if record.kind == ROW || record.kind == END_SHEET_DATA {
                return Ok(at);
            }
            let record = whole_record(bytes, at, end, limits)?;
            if let BLANK..=SHORT_SHARED | RICH_TEXT = record.kind {
                self.read_cell(bytes, record, limits)?;
            }
            at = record.to;
        }
    }

    #[inline(always)]
    fn read_cell(&mut self, bytes: &[u8], record: Record, limits: &Limits) -> Result<(), Stop> {
        let Record { mut kind, from: mut at, to } = record;
        let mut column = self.next;
        if let SHORT_BLANK..=SHORT_SHARED = kind {
            kind -= SHORT_BLANK - BLANK;
        } else {
            if at + 4 > to {
                return Err(Stop::Decline);
            }
            column = u32::from_le_bytes(array(bytes, at));
            at += 4;
        }
        if at + 4 > to || column < self.next || column >= limits.columns {
            return Err(Stop::Decline);
        }
        self.next = column + 1;
        // The upper byte holds flags.
        let style = u32::from_le_bytes(array(bytes, at)) & 0xFF_FFFF;
        at += 4;
        if let FORMULA_TEXT..=FORMULA_ERROR = kind {
            if self.formulas == 0 {
                self.first_formula = column;
            }
            self.formulas += 1;
        }
        let (source, size) = match kind {
            RK => (Source::Rk, 4),
            REAL | FORMULA_NUMBER => (Source::Double, 8),
            SHARED => (Source::Index, 4),
            BOOLEAN | FORMULA_BOOLEAN => (Source::Flag, 1),
            ERROR | FORMULA_ERROR => (Source::ErrorCode, 1),
            TEXT | FORMULA_TEXT => return self.read_text(bytes, at, to, column, limits),
            RICH_TEXT => return self.read_text(bytes, at + 1, to, column, limits),
            _ => return Ok(()),
        };
        if at + size > to {
            return Err(Stop::Decline);
        }
        self.cells.push(Cell { column, source, style, from: at, to: at + size, decoded: false });
        Ok(())
    }

    /// Read a text: its number of units and the units.
    fn read_text(&mut self, bytes: &[u8], at: usize, to: usize, column: u32, limits: &Limits) -> Result<(), Stop> {
        if at + 4 > to {
            return Err(Stop::Decline);
        }
        let from = at + 4;
        let size = (u32::from_le_bytes(array(bytes, at)) as usize).checked_mul(2).ok_or(Stop::Decline)?;
        if size > to - from || size / 2 > limits.cell_bytes {
            return Err(Stop::Decline);
        }
        self.text_bytes += size;
        if self.text_bytes > limits.row_bytes {
            return Err(Stop::Decline);
        }
        if !is_blank_utf16(&bytes[from..from + size]) {
            let source = Source::Utf16;
            self.cells.push(Cell { column, source, style: u32::MAX, from, to: from + size, decoded: false });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Values;
    use crate::serial::System;
    use crate::sheet::{BatchSize, Sheet};
    use crate::string_items::Status;
    use crate::testing::{read_columns, strings_of};
    use std::sync::Arc;

    fn record(kind: u32, parts: &[&[u8]]) -> Vec<u8> {
        let payload = parts.concat();
        let mut bytes = if kind < 0x80 { vec![kind as u8] } else { vec![kind as u8 | 0x80, (kind >> 7) as u8] };
        bytes.push(payload.len() as u8);
        bytes.extend(payload);
        bytes
    }

    fn row(number: u32, cells: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = record(ROW, &[&(number - 1).to_le_bytes(), &[0; 13]]);
        bytes.extend(cells.concat());
        bytes
    }

    fn cell(kind: u32, column: u32, value: &[u8]) -> Vec<u8> {
        record(kind, &[&column.to_le_bytes(), &[0; 4], value])
    }

    fn text(value: &str) -> Vec<u8> {
        let units: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [&(units.len() as u32 / 2).to_le_bytes()[..], &units].concat()
    }

    fn read(bytes: &[u8], piece: usize, rows: usize) -> (Status, Vec<(u32, String)>, u64) {
        let values = Values::new(Arc::new(strings_of(&["alpha"])), Vec::new(), System::Excel1900);
        let front = Box::new(SheetRecords::default());
        let mut sheet = Sheet::new(values, Limits::default(), front, BatchSize { rows, cells: 1000 });
        let (status, found) = read_columns(&mut sheet, bytes, piece);
        (status, found, sheet.front.counts().formulas)
    }

    #[test]
    fn rows_are_the_same_in_pieces_of_any_size() {
        let bytes = [
            row(
                1,
                &[
                    cell(SHARED, 0, &[0; 4]),
                    cell(TEXT, 1, &text("a\u{e9}")),
                    cell(RICH_TEXT, 2, &[&[0][..], &text("b")].concat()),
                ],
            ),
            record(200, &[b"other"]),
            row(
                3,
                &[
                    cell(RK, 0, &(150u32 << 2 | 3).to_le_bytes()),
                    record(SHORT_BLANK + 3, &[&[0; 4], &[1]]),
                    cell(BLANK, 5, b""),
                ],
            ),
            row(
                4,
                &[
                    cell(FORMULA_NUMBER, 0, &2.5f64.to_le_bytes()),
                    cell(ERROR, 1, &[0x2A]),
                    cell(REAL, 2, &f64::NAN.to_le_bytes()),
                ],
            ),
            record(END_SHEET_DATA, &[]),
        ]
        .concat();
        for piece in [1, 2, 5, 64, 10_000] {
            for rows in [1, 3, 100] {
                let (status, found, formulas) = read(&bytes, piece, rows);
                assert_eq!((status, formulas), (Status::Ended, 1));
                assert_eq!(found[0], (0, "alpha\n1.5\n2.5\n".to_string()));
                assert_eq!(found[1], (1, "a\u{e9}\ntrue\n#N/A\n".to_string()));
            }
        }
    }

    #[test]
    fn damaged_rows_are_declined_without_a_trace() {
        for bad in [
            row(1, &[cell(RK, 1, &[0; 4]), cell(RK, 1, &[0; 4])]),
            row(1, &[cell(RK, 16_384, &[0; 4])]),
            row(1, &[cell(RK, 0, &[0; 3])]),
            row(1, &[cell(SHARED, 0, &[1, 0, 0, 0])]),
            row(1, &[cell(TEXT, 0, &[2, 0, 0, 0, b'x', 0])]),
            row(1, &[cell(TEXT, 0, &[0xFF; 4])]),
            row(1_048_577, &[]),
            cell(RK, 0, &[0; 4]),
            record(ROW, &[&[0; 11]]),
        ] {
            let (status, found, _) = read(&[bad.clone(), record(END_SHEET_DATA, &[])].concat(), 1000, 100);
            assert_eq!(status, Status::Declined, "{:?}", bad);
            assert!(found.iter().all(|column| column.1.is_empty()), "{:?}", bad);
        }
    }
}
