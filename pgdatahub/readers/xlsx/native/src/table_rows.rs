//! The front end of a table of OpenDocument: its rows in pieces that may end anywhere.
//!
//! Anything between rows, such as groups of rows, is for the caller's parser.

use crate::buffer::Buffer;
use crate::bytes::{find, is_space, PADDING};
use crate::cell::{Cell, Source};
use crate::input::Input;
use crate::sheet::{Counts, FrontEnd, Rows};
use crate::table_cell::{count, Range, Tag, Typed};
use crate::table_names::{attribute, TableNames};
use crate::table_text::{is_blank_raw, push_characters, read_paragraphs};
use crate::text::is_blank;
use crate::xml::{Markup, Reader};
use crate::{Limits, Stop};
use std::collections::HashMap;

/// Cells that rows may repeat, beyond those that each written cell may stand for.
const REPEATED: u64 = 2_000_000;
/// A row of equal values is one cell.
const REPEATED_FOR_EACH: u64 = 64;
/// The style of a cell whose style does not matter.
const NO_STYLE: u32 = u32::MAX;

/// What a sheet's rows are read with.
pub struct Table {
    /// The names of the document.
    pub names: TableNames,
    /// The prefixes that are declared, each for a namespace of its own.
    pub prefixes: Vec<Vec<u8>>,
    /// Cell styles by name.
    pub styles: HashMap<Vec<u8>, u32>,
    /// For each group of columns the position behind its last and the style of its cells that name none; empty if it does
    /// not matter.
    pub columns: Vec<(u32, u32)>,
    /// Rows with a cell that spans others are for the caller, who notes the areas.
    pub notes_areas: bool,
}

/// Finds the rows of a table.
pub struct TableRows {
    input: Input,
    table: Table,
    row: TableRow,
    /// The last style's name and index in each column, since most columns have one.
    known: Vec<(Vec<u8>, u32)>,
    counts: Counts,
    hidden: bool,
}

/// A row that was read.
#[derive(Default)]
struct TableRow {
    cells: Vec<Cell>,
    decoded: Vec<u8>,
    position: u64,
    style: u32,
    has_style: bool,
    text_bytes: usize,
    /// The counts up to the last cell.
    counts: Counts,
}

/// A value and where its text stands, in the input or among the decoded texts.
struct Found {
    source: Source,
    range: Range,
    decoded: bool,
}

/// What a row is read with.
struct Context<'a> {
    table: &'a Table,
    known: &'a mut Vec<(Vec<u8>, u32)>,
    limits: &'a Limits,
}

impl TableRows {
    /// Begin within a table, before its first row or behind another one.
    pub fn new(table: Table) -> Self {
        TableRows {
            input: Input::default(),
            table,
            row: TableRow::default(),
            known: Vec::new(),
            counts: Counts::default(),
            hidden: false,
        }
    }
}

impl FrontEnd for TableRows {
    fn push(&mut self, data: &[u8]) -> bool {
        self.input.push(data, [b"row>", b"able>"])
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

    fn counts(&self) -> Counts {
        self.counts
    }

    fn resume(&mut self, counts: Counts, hidden: bool) {
        self.counts = counts;
        self.hidden = hidden;
    }

    fn take(&mut self, rows: &mut Rows, limits: &Limits) -> Result<bool, Stop> {
        let bytes = self.input.buffer.bytes();
        let end = self.input.sound;
        let at = self.input.next_tag()?;
        let table = &self.table;
        let mut reader = Reader::new(bytes, at, end, limits.token_bytes, &table.prefixes);
        reader.lenient = true;
        let (name, closed) = match reader.markup()? {
            Markup::Open { name, closed } if name == table.names.row => (name, closed),
            Markup::Close(name) if name == table.names.table => {
                self.input.buffer.start = at;
                return Ok(false);
            }
            _ => return Err(Stop::Decline),
        };
        let row = &mut self.row;
        row.counts = self.counts;
        let (repeated, hidden) = row.begin(&reader, table)?;
        let hidden = hidden || self.hidden;
        let number = rows.last_row.checked_add(1).ok_or(Stop::Decline)?;
        let last = number.checked_add(u32::try_from(repeated - 1).map_err(|_| Stop::Decline)?).ok_or(Stop::Decline)?;
        if !closed {
            let mut context = Context { table, known: &mut self.known, limits };
            row.read_cells(&mut reader, name, &mut context)?;
        }
        if !row.cells.is_empty() && (repeated > 1 || number > limits.rows) {
            return Err(Stop::Decline);
        }
        let after = reader.at;
        row.decoded.resize(row.decoded.len() + PADDING, 0);
        rows.take(number, hidden, &mut row.cells, bytes, &row.decoded)?;
        rows.last_row = last;
        self.counts = row.counts;
        self.input.buffer.start = after;
        Ok(true)
    }
}

impl TableRow {
    /// Take the attributes of a row; return how many rows it stands for and whether it is hidden.
    fn begin(&mut self, reader: &Reader<'_>, table: &Table) -> Result<(u64, bool), Stop> {
        self.cells.clear();
        self.decoded.clear();
        self.position = 0;
        self.has_style = false;
        self.text_bytes = 0;
        let names = &table.names;
        let (mut repeated, mut hidden) = (1, false);
        for found in &reader.attributes {
            if found.name == names.rows_repeated {
                repeated = count(found.value)?;
            } else if found.name == names.visibility {
                if found.value.contains(&b'&') {
                    return Err(Stop::Decline);
                }
                hidden = matches!(found.value, b"collapse" | b"filter");
            } else if found.name == names.default_style && !found.value.is_empty() {
                self.has_style = true;
                self.style = style(found.value, table)?;
            }
        }
        Ok((repeated, hidden))
    }

    /// Read the cells up to the end tag of the row, the element `name`.
    fn read_cells<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'a [u8],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let table = context.table;
        let names = &table.names;
        loop {
            let (bytes, end) = (reader.bytes, reader.end());
            while reader.at < end && is_space(bytes[reader.at]) {
                reader.at += 1;
            }
            let at = reader.at;
            if bytes[at..].starts_with(&names.cell_start) {
                if let Some((tag, after)) = Tag::read(bytes, at + names.cell_start.len(), end, names) {
                    reader.at = after;
                    let name = &bytes[at + 1..at + names.cell_start.len()];
                    self.read_cell(reader, &tag, name, context)?;
                    continue;
                }
            }
            reader.space()?;
            match reader.markup()? {
                Markup::Open { name: cell, closed } if cell == names.cell => {
                    let tag = Tag::of(reader, closed, names);
                    self.read_cell(reader, &tag, cell, context)?;
                }
                Markup::Open { name: cell, closed } if cell == names.covered => {
                    self.read_covered(reader, cell, closed, names)?;
                }
                Markup::Close(found) if found == name => return Ok(()),
                _ => return Err(Stop::Decline),
            }
        }
    }

    /// Go over cells under a merged area; any value there is for the caller, who counts them.
    fn read_covered<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'a [u8],
        closed: bool,
        names: &TableNames,
    ) -> Result<(), Stop> {
        let tag = Tag::of(reader, closed, names);
        let allowed = 1 << attribute::STYLE | 1 << attribute::REPEATED | 1 << attribute::VALIDATION;
        if !tag.has_only(allowed) {
            return Err(Stop::Decline);
        }
        self.position += tag.repeated(reader.bytes)?;
        if closed {
            return Ok(());
        }
        reader.space()?;
        match reader.markup()? {
            Markup::Close(found) if found == name => Ok(()),
            _ => Err(Stop::Decline),
        }
    }

    /// Read a cell from behind its start tag.
    #[inline(always)]
    fn read_cell<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        tag: &Tag,
        name: &'a [u8],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let bytes = reader.bytes;
        let repeated = tag.repeated(bytes)?;
        if context.table.notes_areas && (tag.has(attribute::COLUMNS_SPANNED) || tag.has(attribute::ROWS_SPANNED)) {
            return Err(Stop::Decline);
        }
        let value = tag.typed(bytes)?;
        if tag.text(attribute::CALC_TYPE, bytes).contains(&b'&') {
            return Err(Stop::Decline);
        }
        if tag.has(attribute::FORMULA) || tag.text(attribute::CALC_TYPE, bytes) == b"error" {
            return self.read_formula(reader, tag, value, repeated, name, context);
        }
        match value {
            Typed::Value(source, range) => {
                if !tag.closed {
                    skip_content(reader, name, &context.table.names)?;
                }
                self.add(Found { source, range, decoded: false }, repeated, tag, bytes, context)
            }
            Typed::Text(range) => {
                if !tag.closed {
                    skip_content(reader, name, &context.table.names)?;
                }
                self.add_attribute_text(range, repeated, tag, bytes, context)
            }
            Typed::Nothing if tag.closed => {
                self.position += repeated;
                Ok(())
            }
            Typed::Nothing => {
                if let Some(range) = plain_paragraph(reader, &context.table.names)? {
                    if is_blank_raw(&bytes[range.0..range.1])? {
                        self.position += repeated;
                        return Ok(());
                    }
                    return self.add(
                        Found { source: Source::Plain, range, decoded: false },
                        repeated,
                        tag,
                        bytes,
                        context,
                    );
                }
                let from = self.decoded.len();
                read_paragraphs(reader, name, &context.table.names, context.limits.cell_bytes, &mut self.decoded)?;
                self.add_decoded(Source::Plain, from, repeated, tag, bytes, context)
            }
        }
    }

    /// Read a cell with a formula, or with LibreOffice's mark of an error: its text may be an error.
    #[inline(never)]
    fn read_formula<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        tag: &Tag,
        value: Typed,
        repeated: u64,
        name: &'a [u8],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let bytes = reader.bytes;
        let from = self.decoded.len();
        let mut paragraphs = 0;
        if !tag.closed {
            paragraphs =
                read_paragraphs(reader, name, &context.table.names, context.limits.cell_bytes, &mut self.decoded)?;
        }
        let shown = &self.decoded[from..];
        if tag.text(attribute::CALC_TYPE, bytes) == b"error" {
            if is_blank(shown) {
                return Err(Stop::Decline);
            }
            return self.add_decoded(Source::ErrorText, from, repeated, tag, bytes, context);
        }
        if !tag.has(attribute::CALC_TYPE) && (shown.starts_with(b"#") || shown.starts_with(b"Err:")) {
            return Err(Stop::Decline); // perhaps an error
        }
        match value {
            Typed::Nothing => {
                let kind = tag.text(attribute::VALUE_TYPE, bytes);
                if paragraphs == 0 || (tag.has(attribute::VALUE_TYPE) && kind != b"string") {
                    self.decoded.truncate(from);
                    self.decoded.push(b'f');
                    return self.add_decoded(Source::Uncached, from, repeated, tag, bytes, context);
                }
                self.add_decoded(Source::Plain, from, repeated, tag, bytes, context)
            }
            Typed::Text((start, end)) if start == end && !shown.is_empty() && !tag.has(attribute::CALC_TYPE) => {
                Err(Stop::Decline) // an error, too
            }
            Typed::Text(range) => self.add_attribute_text(range, repeated, tag, bytes, context),
            Typed::Value(source, range) => {
                let mut found = Found { source, range, decoded: false };
                let truth: &[u8] = match (source, &bytes[range.0..range.1]) {
                    (Source::Number, b"1") if is_word(shown, &TRUE) => b"true",
                    (Source::Number, b"0") if is_word(shown, &FALSE) => b"false",
                    _ => b"",
                };
                self.decoded.truncate(from);
                if !truth.is_empty() {
                    // LibreOffice writes the boolean result of a formula as a number and shows the word.
                    self.decoded.extend_from_slice(truth);
                    found = Found { source: Source::Boolean, range: (from, from + truth.len()), decoded: true };
                }
                self.add(found, repeated, tag, bytes, context)
            }
        }
    }

    fn add_attribute_text(
        &mut self,
        range: Range,
        repeated: u64,
        tag: &Tag,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let from = self.decoded.len();
        push_characters(&bytes[range.0..range.1], &mut self.decoded)?;
        self.add_decoded(Source::Plain, from, repeated, tag, bytes, context)
    }

    /// Add the cell whose text stands at the end of the decoded ones.
    fn add_decoded(
        &mut self,
        source: Source,
        from: usize,
        repeated: u64,
        tag: &Tag,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        if is_blank(&self.decoded[from..]) {
            self.position += repeated;
            return Ok(());
        }
        self.add(Found { source, range: (from, self.decoded.len()), decoded: true }, repeated, tag, bytes, context)
    }

    /// Add a cell with a value, and those that repeat it.
    #[inline(always)]
    fn add(
        &mut self,
        found: Found,
        repeated: u64,
        tag: &Tag,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let Found { source, range: (from, to), decoded } = found;
        let end = self.position + repeated;
        if end > u64::from(context.limits.columns) {
            return Err(Stop::Decline);
        }
        self.text_bytes = self.text_bytes.saturating_add((to - from).saturating_mul(repeated as usize));
        if to - from > context.limits.cell_bytes || self.text_bytes > context.limits.row_bytes {
            return Err(Stop::Decline);
        }
        let styled = matches!(source, Source::Number | Source::DateValue | Source::TimeValue);
        let own = tag.range(attribute::STYLE);
        for column in self.position as u32..end as u32 {
            let style = match own {
                _ if !styled => NO_STYLE,
                Some((from, to)) => known_style(&bytes[from..to], column as usize, context)?,
                None if self.has_style => self.style,
                None if context.table.columns.is_empty() => NO_STYLE,
                None => {
                    let index = context.table.columns.partition_point(|&(end, _)| end <= column);
                    context.table.columns.get(index).map_or(NO_STYLE, |&(_, style)| style)
                }
            };
            self.cells.push(Cell { column, source, style, from, to, decoded });
        }
        self.position = end;
        let counts = &mut self.counts;
        counts.written += 1;
        counts.repeated += repeated - 1;
        if repeated > 1 && counts.repeated > REPEATED + REPEATED_FOR_EACH * counts.written {
            return Err(Stop::Decline);
        }
        Ok(())
    }
}

/// The words that LibreOffice shows for booleans in the languages of Europe, as `cell_values.py` has them.
const TRUE: [&str; 19] = [
    "TRUE",
    "WAHR",
    "VRAI",
    "VERDADERO",
    "VERO",
    "VERDADEIRO",
    "WAAR",
    "ИСТИНА",
    "ІСТИНА",
    "PRAWDA",
    "PRAVDA",
    "SANT",
    "SAND",
    "SANN",
    "TOSI",
    "IGAZ",
    "DOĞRU",
    "ADEVĂRAT",
    "CERT",
];
const FALSE: [&str; 16] = [
    "FALSE",
    "FALSCH",
    "FAUX",
    "FALSO",
    "ONWAAR",
    "ЛОЖЬ",
    "ХИБНІСТЬ",
    "FAŁSZ",
    "NEPRAVDA",
    "FALSKT",
    "FALSK",
    "USANN",
    "EPÄTOSI",
    "HAMIS",
    "YANLIŞ",
    "FALS",
];

fn is_word(shown: &[u8], words: &[&str]) -> bool {
    shown.first().map_or(false, |&byte| !byte.is_ascii_digit()) && words.iter().any(|word| word.as_bytes() == shown)
}

/// Return the index of a style; one that is not there shows plain numbers.
fn style(name: &[u8], table: &Table) -> Result<u32, Stop> {
    if name.contains(&b'&') || name.iter().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err(Stop::Decline);
    }
    Ok(table.styles.get(name).copied().unwrap_or(NO_STYLE))
}

#[inline(always)]
fn known_style(name: &[u8], column: usize, context: &mut Context<'_>) -> Result<u32, Stop> {
    match context.known.get(column) {
        Some((last, style)) if last == name => Ok(*style),
        _ => new_style(name, column, context),
    }
}

#[inline(never)]
fn new_style(name: &[u8], column: usize, context: &mut Context<'_>) -> Result<u32, Stop> {
    let found = style(name, context.table)?;
    let known = &mut context.known;
    if column >= known.len() {
        known.resize_with(column + 1, || (Vec::new(), NO_STYLE));
    }
    known[column] = (name.to_vec(), found);
    Ok(found)
}

/// Go over a cell's content and its end tag; `name` is the cell's.
#[inline(always)]
fn skip_content<'a>(reader: &mut Reader<'a>, name: &'a [u8], names: &TableNames) -> Result<(), Stop> {
    if plain_paragraph(reader, names)?.is_none() {
        reader.skip(name, &[])?;
    }
    Ok(())
}

/// Return where the text of the only paragraph stands and go behind the cell; None, at the same place, if it is written in
/// another way.
#[inline(always)]
fn plain_paragraph(reader: &mut Reader<'_>, names: &TableNames) -> Result<Option<Range>, Stop> {
    let (bytes, at, end) = (reader.bytes, reader.at, reader.end());
    if !bytes[at..].starts_with(&names.paragraph_start) {
        return Ok(None);
    }
    let from = at + names.paragraph_start.len();
    let to = find(bytes, from, end, b'<');
    if !bytes[to..].starts_with(&names.text_end) || to + names.text_end.len() > end {
        return Ok(None);
    }
    if bytes[from..to].iter().any(|&byte| byte < b' ' || byte == b'&' || byte == b'>') {
        return Ok(None);
    }
    reader.at = to + names.text_end.len();
    Ok(Some((from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Values;
    use crate::serial::System;
    use crate::sheet::{BatchSize, Sheet};
    use crate::string_items::Status;
    use crate::style::{Operator, Section, Shown, Style};
    use crate::table_names::Prefixes;
    use crate::testing::{read_columns, strings_of};
    use std::sync::Arc;

    fn sheet(rows: usize) -> Sheet {
        let section = Section {
            operator: Operator::Always,
            threshold: 0.0,
            shown: Shown::Zeros,
            minus: true,
            pattern: vec![0; 3],
        };
        let values = Values::new(Arc::new(strings_of(&[])), vec![Style::new(vec![section])], System::From(-25_569));
        let prefixes = Prefixes { table: "table", office: "office", text: "text", calcext: "calcext" };
        let table = Table {
            names: TableNames::new(&prefixes),
            prefixes: ["table", "office", "text", "calcext"].iter().map(|prefix| prefix.as_bytes().to_vec()).collect(),
            styles: HashMap::from([(b"z".to_vec(), 0)]),
            columns: vec![(1, NO_STYLE), (2, 0)],
            notes_areas: false,
        };
        let limits = Limits { rows: 1 << 24, ..Limits::default() };
        Sheet::new(values, limits, Box::new(TableRows::new(table)), BatchSize { rows, cells: 1000 })
    }

    fn read(xml: &str, piece: usize, rows: usize) -> (Status, Vec<(u32, String)>, u32) {
        let mut sheet = sheet(rows);
        let (status, found) = read_columns(&mut sheet, xml.as_bytes(), piece);
        (status, found, sheet.rows.last_row)
    }

    const ROWS: &str = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>a &amp; b</text:p>\
        </table:table-cell><table:table-cell office:value-type=\"float\" office:value=\"7\"><text:p>7</text:p>\
        </table:table-cell></table:table-row>\n<table:table-row table:number-rows-repeated=\"3\"/>\
        <table:table-row table:style-name='ro1'><table:table-cell office:value-type='date' office:date-value='2024-02-29'/>\
        <table:table-cell table:style-name=\"x\" table:number-columns-repeated=\"2\" office:value-type=\"float\" \
        office:value=\"7\" calcext:value-type=\"float\"/></table:table-row>\
        <table:table-row><table:table-cell><text:p>x<text:s text:c=\"2\"/><text:span>y</text:span></text:p><text:p/>\
        <text:p>z</text:p></table:table-cell><table:table-cell table:formula=\"of:=1/0\" calcext:value-type=\"error\">\
        <text:p>#DIV/0!</text:p></table:table-cell></table:table-row></table:table>";

    #[test]
    fn rows_are_the_same_in_pieces_of_any_size() {
        for piece in [1, 2, 5, 64, 10_000] {
            for rows in [1, 3, 100] {
                let (status, found, last_row) = read(ROWS, piece, rows);
                assert_eq!((status, last_row), (Status::Ended, 6));
                assert_eq!(found[0], (0, "a & b\n2024-02-29\nx  y\\n\\nz\n".to_string()));
                assert_eq!(found[1], (1, "007\n7\n#DIV/0!\n".to_string()));
            }
        }
    }

    #[test]
    fn rows_for_a_parser_are_declined_without_a_trace() {
        let cells = [
            "<table:table-cell office:value-type=\"float\" office:value=\"x\"/>",
            "<table:table-cell office:value-type=\"float\" office:value=\" 1\"/>",
            "<table:covered-table-cell><text:p>x</text:p></table:covered-table-cell>",
            "<table:covered-table-cell office:value-type=\"float\" office:value=\"1\"/>",
            "<table:table-cell><text:p>a\nb</text:p></table:table-cell>",
            "<table:table-cell><text:p>a&#9;b</text:p></table:table-cell>",
            "<table:table-cell><text:p>a<text:note>b</text:note></text:p></table:table-cell>",
            "<table:table-cell><text:p>a]]></text:p></table:table-cell>",
            "<table:table-cell><text:p>a</text:p>",
            "<table:table-cell table:number-columns-repeated=\"16384\"/><table:table-cell><text:p>a</text:p></table:table-cell>",
            "<table:table-cell table:style-name=\"a\" table:style-name=\"b\"/>",
            "<table:table-cell b:c=\"d\"/>",
            "text",
            "<table:other/>",
        ];
        for bad in cells {
            let xml = format!(
                "<table:table-row><table:table-cell><text:p>1</text:p></table:table-cell>{}</table:table-row>",
                bad
            );
            let (status, found, _) = read(&xml, 1000, 100);
            assert_eq!(status, Status::Declined, "{}", bad);
            assert!(found.iter().all(|column| column.1.is_empty()), "{}", bad);
        }
        for bad in ["<table:table-row-group>", "</table:table-rows>", "text", "<!-- x -->", "<table:table-row"] {
            assert_eq!(read(bad, 1000, 100).0, Status::Declined, "{}", bad);
        }
    }
}
