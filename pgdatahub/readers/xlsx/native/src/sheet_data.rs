//! The front end of a worksheet part: `<sheetData>` in pieces that may end anywhere.

use crate::buffer::Buffer;
use crate::bytes::load8;
use crate::input::Input;
use crate::row::{Context, Row};
use crate::row_general::{self, Item};
use crate::sheet::{FrontEnd, Rows};
use crate::{Limits, Stop};

/// Finds the rows within `<sheetData>`.
pub struct SheetData {
    input: Input,
    prefixes: Vec<Vec<u8>>,
    trim: bool,
    row: Row,
}

impl SheetData {
    /// Begin within `<sheetData>`, whose document declares `prefixes`; `trim` as for the shared strings.
    pub fn new(prefixes: Vec<Vec<u8>>, trim: bool) -> Self {
        SheetData { input: Input::default(), prefixes, trim, row: Row::default() }
    }
}

impl FrontEnd for SheetData {
    fn push(&mut self, data: &[u8]) -> bool {
        self.input.push(data, [b"row>", b"Data>"])
    }

    fn buffer(&mut self) -> &mut Buffer {
        &mut self.input.buffer
    }

    fn is_broken(&self) -> bool {
        self.input.broken
    }

    fn skip(&mut self, count: usize) {
        self.input.skip(count);
    }

    /// Take the next row; return false at the end tag of the element around it.
    fn take(&mut self, rows: &mut Rows, limits: &Limits) -> Result<bool, Stop> {
        let bytes = self.input.buffer.bytes();
        let end = self.input.sound;
        let at = self.input.next_tag()?;
        let last_row = rows.last_row;
        let context = Context { bytes, end, last_row, limits, prefixes: &self.prefixes, trim: self.trim };
        let start = load8(bytes, at);
        let mut read = None;
        if start & 0xFFFF_FFFF == u64::from(u32::from_le_bytes(*b"<row")) {
            read = self.row.read(at, &context)?;
        }
        let after = match read {
            Some(after) => after,
            None => match row_general::read(&mut self.row, at, &context)? {
                Item::Row(after) => after,
                Item::Other(after) => {
                    self.input.buffer.start = after;
                    return Ok(true);
                }
                Item::End => {
                    self.input.buffer.start = at;
                    return Ok(false);
                }
            },
        };
        let row = &mut self.row;
        rows.take(row.number, row.hidden, &mut row.cells, bytes, &row.decoded)?;
        self.input.buffer.start = after;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Values;
    use crate::serial::System;
    use crate::sheet::{BatchSize, Sheet};
    use crate::string_items::Status;
    use crate::style::{Operator, Section, Shown, Style};
    use crate::testing::{read_columns, strings_of};
    use std::sync::Arc;

    fn sheet(rows: usize) -> Sheet {
        let section =
            |shown| Section { operator: Operator::Always, threshold: 0.0, shown, minus: true, pattern: vec![0; 3] };
        let styles = [Shown::Number, Shown::Date, Shown::Zeros].iter().map(|&shown| Style::new(vec![section(shown)]));
        let values = Values::new(Arc::new(strings_of(&["alpha", ""])), styles.collect(), System::Excel1900);
        let front = SheetData::new(vec![b"x".to_vec()], false);
        Sheet::new(values, Limits::default(), Box::new(front), BatchSize { rows, cells: 1000 })
    }

    fn read(xml: &str, piece: usize, rows: usize) -> (Status, Vec<(u32, String)>) {
        read_columns(&mut sheet(rows), xml.as_bytes(), piece)
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
