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
        let row = &mut self.row;
        if !row.cells.is_empty() {
            self.batch.take_row(row.number, row.hidden, &mut row.cells, bytes, &row.decoded, &mut self.values)?;
        }
        self.last_row = row.number;
        self.input.start = after;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strings::Strings;
    use crate::style::{Operator, Section, Shown, Style};
    use std::sync::Arc;

    fn sheet(rows: usize) -> Sheet {
        let mut strings = Strings::new(1 << 20, std::path::PathBuf::new());
        for text in ["alpha", ""] {
            let added = strings.add(|out| {
                out.extend_from_slice(text.as_bytes());
                Ok(false)
            });
            assert_eq!(added, Ok(()));
        }
        strings.finish().unwrap();
        let section =
            |shown| Section { operator: Operator::Always, threshold: 0.0, shown, minus: true, pattern: vec![0; 3] };
        let styles = [Shown::Number, Shown::Date, Shown::Zeros].iter().map(|&shown| Style::new(vec![section(shown)]));
        let values = Values::new(Arc::new(strings), styles.collect(), false);
        let size = BatchSize { rows, cells: 1000 };
        Sheet::new(values, Limits::default(), vec![b"x".to_vec()], false, size)
    }

    /// Return the status, and the columns of all batches with commas between their fields.
    fn read(xml: &str, piece: usize, rows: usize) -> (Status, Vec<(u32, String)>) {
        let mut sheet = sheet(rows);
        let mut found: Vec<(u32, String)> = Vec::new();
        let mut pieces: Vec<(&[u8], bool)> = xml.as_bytes().chunks(piece).map(|data| (data, false)).collect();
        pieces.push((b"", true));
        for (data, last) in pieces {
            let mut status = sheet.feed(data, last);
            loop {
                sheet.batch.finish();
                for &position in &sheet.batch.used {
                    let fields = String::from_utf8(sheet.batch.columns[position as usize].fields.clone()).unwrap();
                    match found.iter_mut().find(|column| column.0 == position) {
                        Some(column) => column.1.push_str(&fields),
                        None => found.push((position, fields)),
                    }
                }
                sheet.batch.clear();
                if status != Status::Full {
                    break;
                }
                status = sheet.feed(b"", last);
            }
            if status != Status::More {
                return (status, found);
            }
        }
        (Status::More, found)
    }

    const ROWS: &str = "<row r=\"1\" spans=\"1:4\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\"><v>1.50</v></c></row>\
        <row r='2'><c r='A2' t=\"inlineStr\"><is><t>x &amp; y</t></is></c><c r=\"B2\"><v>2</v></c></row>\
        <row r=\"3\"><c r=\"A3\" s=\"2\"><v>7</v></c><c r=\"B3\" s=\"1\"><v>45351</v></c></row><row/>\
        <x:row><x:c t=\"b\"><x:v>1</x:v></x:c><x:c t=\"e\"><x:v>#N/A</x:v></x:c></x:row></sheetData>";

    #[test]
    fn rows_are_the_same_in_pieces_of_any_size() {
        for piece in [1, 2, 5, 64, 10_000] {
            for rows in [1, 3, 100] {
                let (status, found) = read(ROWS, piece, rows);
                assert_eq!(status, Status::Ended);
                assert_eq!(found[0], (0, "alpha\nx & y\n007\ntrue\n".to_string()));
                assert_eq!(found[1], (1, "1.5\n2\n2024-02-29\n#N/A\n".to_string()));
            }
        }
    }

    #[test]
    fn rows_that_a_parser_refuses_are_declined_without_a_trace() {
        for bad in [
            "<row r=\"1\"><c r=\"B1\"><v>1</v></c><c r=\"B1\"><v>2</v></c></row>",
            "<row r=\"1\"><c r=\"A2\"><v>1</v></c></row>",
            "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>2</v></c></row>",
            "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>x</v></c></row>",
            "<row r=\"1\"><c r=\"A1\"><v>1</v></row></c>",
            "<row r=\"0\"/>",
            "<row r=\"1048577\"/>",
            "<row r=\"1\" r=\"2\"/>",
            "<y:row/>",
            "<row><c r=\"XFE1\"/></row>",
            "<row><v>1</v></row>",
            "text<row/>",
            "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>&bad;</v></c></row>",
            "<row r=\"1\"><c r=\"A1\" t=\"str\"><f>]]></f><v>x</v></c></row>",
            "<row r=\"1\"><c r=\"A1\"",
        ] {
            let (status, found) = read(bad, 1000, 100);
            assert_eq!(status, Status::Declined, "{}", bad);
            assert!(found.iter().all(|column| column.1.is_empty()), "{}", bad);
        }
    }
}
