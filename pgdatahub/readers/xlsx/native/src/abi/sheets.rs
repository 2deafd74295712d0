//! Worksheets: feed a part, take batches.

use super::strings::StringsHandle;
use super::{guarded, prefixes, slice, Options, FAILED};
use crate::batch::Batch;
use crate::cell::Values;
use crate::column::KINDS;
use crate::sheet::{BatchSize, Counts, FrontEnd, Sheet};
use crate::sheet_data::SheetData;
use crate::sheet_records::SheetRecords;
use crate::style::Style;
use crate::table_names::{Prefixes, TableNames};
use crate::table_rows::{Table, TableRows};
use crate::table_tags::has_table_tag;
use std::sync::Arc;

/// The state of a sheet's reading.
#[repr(C)]
pub struct SheetState {
    /// Rows in the batch, and where their numbers are.
    rows: u64,
    row_numbers: *const u32,
    /// Hidden rows in the batch, and where their numbers are.
    hidden: u64,
    hidden_numbers: *const u32,
    /// Columns of the batch with a cell.
    columns: u64,
    cells: u64,
    last_row: u64,
    cleaned: u64,
    cleaned_row: u64,
    cleaned_column: u64,
    formulas: u64,
    formula_row: u64,
    formula_column: u64,
    /// Cells with a value, as written, and those that repeat one of them.
    written: u64,
    repeated: u64,
}

/// A column of a batch.
#[repr(C)]
pub struct ColumnState {
    position: u64,
    /// The fields, each with a newline behind it.
    fields: *const u8,
    fields_bytes: u64,
    /// A kind for each cell, null if the texts tell them.
    kinds: *const u8,
    /// The row (index) and the place of the largest integer; the row is 2^64 - 1 if there is none.
    largest_row: u64,
    largest_at: u64,
    /// For each kind: cells, row of the first, place of the first.
    counts: [u64; KINDS],
    first_rows: [u64; KINDS],
    first_at: [u64; KINDS],
}

/// Return a sheet whose rows a front end finds; null if the strings are not complete or the styles are damaged.
fn new_sheet(strings: &StringsHandle, options: &Options, styles: &[u8], front: Box<dyn FrontEnd>) -> *mut Sheet {
    let (strings, styles) = match (&strings.complete, Style::read_all(styles)) {
        (Some(strings), Some(styles)) => (Arc::clone(strings), styles),
        _ => return std::ptr::null_mut(),
    };
    let values = Values::new(strings, styles, options.system());
    let size = BatchSize { rows: options.batch_rows as usize, cells: u64::from(options.batch_cells) };
    Box::into_raw(Box::new(Sheet::new(values, options.limits(), front, size)))
}

/// Begin to read a worksheet in XML, within `<sheetData>`. `styles` as [`Style::read_all`] has them. Null if they are
/// damaged.
///
/// # Safety
///
/// `strings` is complete; pointers are valid for their sizes.
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_new(
    strings: *mut StringsHandle,
    options: *const Options,
    styles: *const u8,
    styles_bytes: usize,
    declared: *const u8,
    declared_bytes: usize,
) -> *mut Sheet {
    // SAFETY: the caller guarantees the pointers.
    let (strings, options, styles, declared) =
        unsafe { (&*strings, &*options, slice(styles, styles_bytes), slice(declared, declared_bytes)) };
    guarded(std::ptr::null_mut(), || {
        let front = SheetData::new(prefixes(declared), options.trim != 0);
        new_sheet(strings, options, styles, Box::new(front))
    })
}

/// Begin to read a worksheet in binary records, behind `BrtBeginSheetData`; otherwise as [`pgh_sheet_new`].
///
/// # Safety
///
/// `strings` is complete; pointers are valid for their sizes.
#[no_mangle]
pub unsafe extern "C" fn pgh_record_sheet_new(
    strings: *mut StringsHandle,
    options: *const Options,
    styles: *const u8,
    styles_bytes: usize,
) -> *mut Sheet {
    // SAFETY: the caller guarantees the pointers.
    let (strings, options, styles) = unsafe { (&*strings, &*options, slice(styles, styles_bytes)) };
    guarded(std::ptr::null_mut(), || new_sheet(strings, options, styles, Box::new(SheetRecords::default())))
}

/// The names of a document of OpenDocument and its styles.
#[repr(C)]
pub struct TableSettings {
    /// The prefixes of the namespaces table, office, text and calcext, with a NUL behind each; the last may be empty.
    namespaces: *const u8,
    namespaces_bytes: usize,
    /// All prefixes that are declared, with NULs between them; each stands for a namespace of its own.
    declared: *const u8,
    declared_bytes: usize,
    /// The names of the styles, with a NUL behind each.
    style_names: *const u8,
    style_names_bytes: usize,
    /// For each group of columns the position behind its last and the index of the style of its cells that name none.
    columns: *const u32,
    columns_count: usize,
    notes_areas: u32,
}

/// Begin to read a table of OpenDocument, before a row; otherwise as [`pgh_sheet_new`].
///
/// # Safety
///
/// `strings` is complete; pointers are valid for their sizes.
#[no_mangle]
pub unsafe extern "C" fn pgh_table_sheet_new(
    strings: *mut StringsHandle,
    options: *const Options,
    styles: *const u8,
    styles_bytes: usize,
    settings: *const TableSettings,
) -> *mut Sheet {
    // SAFETY: the caller guarantees the pointers.
    let (strings, options, styles, settings) =
        unsafe { (&*strings, &*options, slice(styles, styles_bytes), &*settings) };
    // SAFETY: the caller guarantees the pointers.
    let (namespaces, declared, style_names, columns) = unsafe {
        (
            slice(settings.namespaces, settings.namespaces_bytes),
            slice(settings.declared, settings.declared_bytes),
            slice(settings.style_names, settings.style_names_bytes),
            slice(settings.columns, settings.columns_count),
        )
    };
    guarded(std::ptr::null_mut(), || {
        let found: Vec<&str> = std::str::from_utf8(namespaces).map_or(Vec::new(), |text| text.split('\0').collect());
        let names = match found.as_slice() {
            [table, office, text, calcext, ..] => TableNames::new(&Prefixes { table, office, text, calcext }),
            _ => return std::ptr::null_mut(),
        };
        let table = Table {
            names,
            prefixes: prefixes(declared),
            styles: style_names.split(|&byte| byte == 0).map(<[u8]>::to_vec).zip(0..).collect(),
            columns: columns.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
            notes_areas: settings.notes_areas != 0,
        };
        new_sheet(strings, options, styles, Box::new(TableRows::new(table)))
    })
}

/// Go on behind rows that the caller read: with the counts of written and of repeated cells, in a hidden group or not.
///
/// # Safety
///
/// `sheet` is of [`pgh_table_sheet_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_resume(sheet: *mut Sheet, written: u64, repeated: u64, hidden: i32) {
    // SAFETY: the caller guarantees the pointer.
    let sheet = unsafe { &mut *sheet };
    guarded((), || {
        let counts = Counts { written, repeated, ..sheet.front.counts() };
        sheet.front.resume(counts, hidden != 0);
    });
}

/// Feed the sheet; return a [`Status`]. After [`Status::Full`] take the batch and feed no bytes to go on.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`]; `data` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_feed(sheet: *mut Sheet, data: *const u8, size: usize, last: i32) -> i32 {
    // SAFETY: the caller guarantees the pointers.
    let (sheet, data) = unsafe { (&mut *sheet, slice(data, size)) };
    guarded(FAILED, || sheet.feed(data, last != 0) as i32)
}

/// Return what was fed and not consumed: after [`Status::Ended`] from `</sheetData>` on, after [`Status::Declined`] from
/// the row on.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`]; `size` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_rest(sheet: *mut Sheet, size: *mut usize) -> *const u8 {
    // SAFETY: the caller guarantees the pointers.
    let (sheet, size) = unsafe { (&mut *sheet, &mut *size) };
    let rest = sheet.front.buffer().rest();
    *size = rest.len();
    rest.as_ptr()
}

/// Consume so many bytes of the rest, which the caller's parser read up to the row `last_row`.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_skip(sheet: *mut Sheet, count: usize, last_row: u32) {
    // SAFETY: the caller guarantees the pointer.
    let sheet = unsafe { &mut *sheet };
    guarded((), || {
        sheet.front.skip(count);
        sheet.rows.last_row = last_row;
    });
}

/// End the next batches after so many rows.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_limit_batch(sheet: *mut Sheet, rows: u32) {
    // SAFETY: the caller guarantees the pointer.
    unsafe { (*sheet).size.rows = rows as usize };
}

/// Complete the batch and write its state.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`]; `state` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_state(sheet: *mut Sheet, state: *mut SheetState) -> i32 {
    // SAFETY: the caller guarantees the pointers.
    let (sheet, state) = unsafe { (&mut *sheet, &mut *state) };
    guarded(FAILED, || {
        sheet.rows.batch.finish();
        let batch = &sheet.rows.batch;
        let counts = sheet.front.counts();
        *state = SheetState {
            rows: batch.rows.len() as u64,
            row_numbers: batch.rows.as_ptr(),
            hidden: batch.hidden.len() as u64,
            hidden_numbers: batch.hidden.as_ptr(),
            columns: batch.used.len() as u64,
            cells: batch.cells,
            last_row: u64::from(sheet.rows.last_row),
            cleaned: batch.cleaning.count,
            cleaned_row: u64::from(batch.cleaning.row),
            cleaned_column: u64::from(batch.cleaning.column),
            formulas: counts.formulas,
            formula_row: u64::from(counts.formula_row),
            formula_column: u64::from(counts.formula_column),
            written: counts.written,
            repeated: counts.repeated,
        };
        0
    })
}

/// Write the state of a column of the batch that [`pgh_sheet_state`] completed.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`]; `state` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_column(sheet: *mut Sheet, index: usize, state: *mut ColumnState) -> i32 {
    // SAFETY: the caller guarantees the pointers.
    let (sheet, state) = unsafe { (&*sheet, &mut *state) };
    guarded(FAILED, || write_column(&sheet.rows.batch, index, state).map_or(FAILED, |()| 0))
}

fn write_column(batch: &Batch, index: usize, state: &mut ColumnState) -> Option<()> {
    let position = *batch.used.get(index)?;
    let column = batch.columns.get(position as usize)?;
    let largest = column.largest();
    *state = ColumnState {
        position: u64::from(position),
        fields: column.fields.as_ptr(),
        fields_bytes: column.fields.len() as u64,
        kinds: if column.mixed { column.kinds.as_ptr() } else { std::ptr::null() },
        largest_row: largest.map_or(u64::MAX, |place| u64::from(place.row)),
        largest_at: largest.map_or(0, |place| place.at),
        counts: column.counts.map(u64::from),
        first_rows: column.firsts.map(|place| u64::from(place.row)),
        first_at: column.firsts.map(|place| place.at),
    };
    Some(())
}

/// Begin the next batch.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_clear(sheet: *mut Sheet) {
    // SAFETY: the caller guarantees the pointer.
    let sheet = unsafe { &mut *sheet };
    guarded((), || sheet.rows.batch.clear());
}

/// Free the sheet.
///
/// # Safety
///
/// `sheet` is of [`pgh_sheet_new`] and not used again.
#[no_mangle]
pub unsafe extern "C" fn pgh_sheet_free(sheet: *mut Sheet) {
    // SAFETY: the caller guarantees that the handle is a box of `pgh_sheet_new`.
    guarded((), || drop(unsafe { Box::from_raw(sheet) }));
}

/// Return 1 if a tag of a table may begin in a piece of XML, else 0; see [`has_table_tag`].
///
/// # Safety
///
/// `data` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn pgh_has_table_tag(data: *const u8, size: usize) -> i32 {
    // SAFETY: the caller guarantees the pointer.
    let data = unsafe { slice(data, size) };
    guarded(1, || i32::from(has_table_tag(data)))
}
