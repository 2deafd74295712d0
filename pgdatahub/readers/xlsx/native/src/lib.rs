//! Reader core of pgdatahub: parts of workbooks in, columns of `COPY` text with tallies out.
//!
//! A front end (`sheet_data` for `.xlsx`, `sheet_records` for `.xlsb`, `table_rows` for `.ods`) finds rows and cells and
//! hands them to a `batch::Batch`, which converts values and keeps the columns. A front end takes what sound workbooks have
//! and declines everything else: the caller's reader then reads the row in question and names the fault, if there is one.

#![deny(unsafe_op_in_unsafe_fn)]
#![deny(missing_docs)]

pub mod abi;
pub mod batch;
pub mod binary;
pub mod buffer;
pub mod bytes;
pub mod cell;
pub mod cell_markup;
pub mod column;
pub mod double;
pub mod encode;
pub mod facts;
pub mod formats;
pub mod input;
pub mod iso;
pub mod number;
pub mod office_values;
pub mod record_strings;
pub mod records;
pub mod references;
pub mod row;
pub mod row_general;
pub mod serial;
pub mod sheet;
pub mod sheet_data;
pub mod sheet_records;
pub mod spill;
pub mod string_items;
pub mod strings;
pub mod style;
pub mod table_cell;
pub mod table_names;
pub mod table_rows;
pub mod table_tags;
pub mod table_text;
#[cfg(test)]
mod testing;
pub mod text;
pub mod utf16;
pub mod xml;

/// Bounds for one workbook; input beyond one of them is declined.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one cell's text, as it stands in the XML.
    pub cell_bytes: usize,
    /// Bytes of the texts of one row.
    pub row_bytes: usize,
    /// Bytes of one piece of markup.
    pub token_bytes: usize,
    /// Bytes of one row or string item with its markup.
    pub item_bytes: usize,
    /// Rows of a sheet.
    pub rows: u32,
    /// Columns of a sheet.
    pub columns: u32,
    /// Bytes of shared strings that stay in memory.
    pub strings_in_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            cell_bytes: 1 << 20,
            row_bytes: 64 << 20,
            token_bytes: 4 << 20,
            item_bytes: 8 << 20,
            rows: 1_048_576,
            columns: 16_384,
            strings_in_memory: 64 << 20,
        }
    }
}

/// The reason why a row or a string item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The input ends within it.
    More,
    /// It is outside of the subset, or wrong.
    Decline,
}
