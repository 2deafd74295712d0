//! The C boundary, the only place with unsafe code.
//!
//! A handle belongs to one thread at a time. Pointers that a function returns stay valid until the next call with the
//! handle. A panic ends as [`FAILED`], and its handle is of no more use.

use crate::batch::Batch;
use crate::binary::{encode_binary, Type};
use crate::cell::Values;
use crate::column::KINDS;
use crate::encode::{encode_text, text_size};
use crate::sheet::{BatchSize, Sheet};
use crate::string_items::{Status, StringItems};
use crate::strings::Strings;
use crate::style::Style;
use crate::text::push_decoded;
use crate::Limits;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;

/// The version of this interface, which the caller compares with its own.
pub const VERSION: u32 = 1;
/// Something that should not happen: a panic, damaged arguments, a file that cannot be written.
pub const FAILED: i32 = -1;

/// Bounds and switches of a workbook.
#[repr(C)]
pub struct Options {
    cell_bytes: u64,
    row_bytes: u64,
    token_bytes: u64,
    item_bytes: u64,
    strings_in_memory: u64,
    rows: u32,
    columns: u32,
    batch_rows: u32,
    batch_cells: u32,
    date1904: u32,
    trim: u32,
}

impl Options {
    fn limits(&self) -> Limits {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Limits {
            cell_bytes: size(self.cell_bytes),
            row_bytes: size(self.row_bytes),
            token_bytes: size(self.token_bytes),
            item_bytes: size(self.item_bytes),
            rows: self.rows,
            columns: self.columns,
            strings_in_memory: size(self.strings_in_memory),
        }
    }
}

/// Shared strings, first being read, then complete.
pub struct StringsHandle {
    items: Option<StringItems>,
    complete: Option<Arc<Strings>>,
    field: Vec<u8>,
}

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
    general_rows: u64,
    cleaned: u64,
    cleaned_row: u64,
    cleaned_column: u64,
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

fn guarded<T>(failed: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(failed)
}

/// # Safety
///
/// `data` points to `size` bytes that stay as they are for `'a`; it may be null if `size` is 0.
unsafe fn slice<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if size == 0 || data.is_null() {
        return &[];
    }
    // SAFETY: the caller guarantees it.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// Return NUL-separated prefixes.
fn prefixes(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split(|&byte| byte == 0).filter(|prefix| !prefix.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Return [`VERSION`].
#[no_mangle]
pub extern "C" fn pgh_version() -> u32 {
    VERSION
}

/// Begin to read shared strings, within `<sst>`. `path`: the file for what is beyond the limit; `declared`: prefixes.
///
/// # Safety
///
/// Pointers are valid for their sizes.
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_new(
    options: *const Options,
    path: *const u8,
    path_bytes: usize,
    declared: *const u8,
    declared_bytes: usize,
) -> *mut StringsHandle {
    // SAFETY: the caller guarantees the pointers.
    let (options, path, declared) =
        unsafe { (&*options, slice(path, path_bytes), slice(declared, declared_bytes)) };
    guarded(std::ptr::null_mut(), || {
        let limits = options.limits();
        let strings = Strings::new(limits.strings_in_memory, PathBuf::from(String::from_utf8_lossy(path).as_ref()));
        let items = StringItems::new(strings, limits, prefixes(declared), options.trim != 0);
        Box::into_raw(Box::new(StringsHandle { items: Some(items), complete: None, field: Vec::new() }))
    })
}

/// Feed the shared strings part; return a [`Status`].
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`]; `data` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_feed(handle: *mut StringsHandle, data: *const u8, size: usize, last: i32) -> i32 {
    // SAFETY: the caller guarantees the pointers.
    let (handle, data) = unsafe { (&mut *handle, slice(data, size)) };
    guarded(FAILED, || match handle.items.as_mut().map(|items| items.feed(data, last != 0)) {
        Some(Ok(status)) => status as i32,
        _ => FAILED,
    })
}

/// Return what was fed and not consumed.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`]; `size` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_rest(handle: *mut StringsHandle, size: *mut usize) -> *const u8 {
    // SAFETY: the caller guarantees the pointers.
    let (handle, size) = unsafe { (&mut *handle, &mut *size) };
    let rest = handle.items.as_ref().map_or(&[][..], |items| items.input.rest());
    *size = rest.len();
    rest.as_ptr()
}

/// Consume so many bytes of the rest.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_skip(handle: *mut StringsHandle, count: usize) {
    // SAFETY: the caller guarantees the pointer.
    let handle = unsafe { &mut *handle };
    guarded((), || {
        if let Some(items) = &mut handle.items {
            items.input.skip(count);
        }
    });
}

/// Add a string that the caller's parser read: UTF-8 with references resolved. Return 0.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`]; `text` points to `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_add(handle: *mut StringsHandle, text: *const u8, size: usize) -> i32 {
    // SAFETY: the caller guarantees the pointers.
    let (handle, text) = unsafe { (&mut *handle, slice(text, size)) };
    guarded(FAILED, || {
        let items = match &mut handle.items {
            Some(items) => items,
            None => return FAILED,
        };
        let added = items.strings.add(|out| {
            let mut cleaned = false;
            push_decoded(text, out, &mut cleaned);
            Ok(cleaned)
        });
        if added.is_ok() && items.strings.settle().is_ok() {
            0
        } else {
            FAILED
        }
    })
}

/// End the reading; sheets may be read from now on. Return 0.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_finish(handle: *mut StringsHandle) -> i32 {
    // SAFETY: the caller guarantees the pointer.
    let handle = unsafe { &mut *handle };
    guarded(FAILED, || {
        if let Some(items) = handle.items.take() {
            let mut strings = items.strings;
            if strings.finish().is_err() {
                return FAILED;
            }
            handle.complete = Some(Arc::new(strings));
        }
        0
    })
}

/// Return how many strings there are, once complete.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_count(handle: *mut StringsHandle) -> u64 {
    // SAFETY: the caller guarantees the pointer.
    let handle = unsafe { &*handle };
    handle.complete.as_ref().map_or(0, |strings| strings.len() as u64)
}

/// Return from how many strings characters were removed, once complete.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`].
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_cleaned(handle: *mut StringsHandle) -> u64 {
    // SAFETY: the caller guarantees the pointer.
    let handle = unsafe { &*handle };
    handle.complete.as_ref().map_or(0, |strings| strings.cleaned() as u64)
}

/// Return the field of a string, null past the last; set `cleaned` if characters were removed from it.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`]; `size` and `cleaned` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_get(
    handle: *mut StringsHandle,
    index: u64,
    size: *mut usize,
    cleaned: *mut i32,
) -> *const u8 {
    // SAFETY: the caller guarantees the pointers.
    let (handle, size, cleaned) = unsafe { (&mut *handle, &mut *size, &mut *cleaned) };
    guarded(std::ptr::null(), || {
        let strings = match &handle.complete {
            Some(strings) => strings,
            None => return std::ptr::null(),
        };
        let mut was_cleaned = false;
        handle.field.clear();
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if strings.push(index, &mut handle.field, &mut was_cleaned).is_err() {
            return std::ptr::null();
        }
        *size = handle.field.len();
        *cleaned = i32::from(was_cleaned);
        handle.field.as_ptr()
    })
}

/// Free the strings; sheets that are open keep them.
///
/// # Safety
///
/// `handle` is of [`pgh_strings_new`] and not used again.
#[no_mangle]
pub unsafe extern "C" fn pgh_strings_free(handle: *mut StringsHandle) {
    // SAFETY: the caller guarantees that the handle is a box of `pgh_strings_new`.
    guarded((), || drop(unsafe { Box::from_raw(handle) }));
}

/// Begin to read a sheet, within `<sheetData>`. `styles` as [`Style::read_all`] has them. Null if they are damaged.
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
        let (strings, styles) = match (&strings.complete, Style::read_all(styles)) {
            (Some(strings), Some(styles)) => (Arc::clone(strings), styles),
            _ => return std::ptr::null_mut(),
        };
        let values = Values::new(strings, styles, options.date1904 != 0);
        let size = BatchSize { rows: options.batch_rows as usize, cells: u64::from(options.batch_cells) };
        let sheet = Sheet::new(values, options.limits(), prefixes(declared), options.trim != 0, size);
        Box::into_raw(Box::new(sheet))
    })
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
    let (sheet, size) = unsafe { (&*sheet, &mut *size) };
    let rest = sheet.input.rest();
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
        sheet.input.skip(count);
        sheet.last_row = last_row;
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
        sheet.batch.finish();
        let batch = &sheet.batch;
        *state = SheetState {
            rows: batch.rows.len() as u64,
            row_numbers: batch.rows.as_ptr(),
            hidden: batch.hidden.len() as u64,
            hidden_numbers: batch.hidden.as_ptr(),
            columns: batch.used.len() as u64,
            cells: batch.cells,
            last_row: u64::from(sheet.last_row),
            general_rows: sheet.general_rows,
            cleaned: batch.cleaning.count,
            cleaned_row: u64::from(batch.cleaning.row),
            cleaned_column: u64::from(batch.cleaning.column),
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
    guarded(FAILED, || write_column(&sheet.batch, index, state).map_or(FAILED, |()| 0))
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
    guarded((), || sheet.batch.clear());
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

/// # Safety
///
/// `columns` and `sizes` point to `count` items; each column to its size of bytes.
unsafe fn column_slices<'a>(columns: *const *const u8, sizes: *const usize, count: usize) -> Vec<&'a [u8]> {
    // SAFETY: the caller guarantees the pointers.
    let (columns, sizes) = unsafe { (slice(columns, count), slice(sizes, count)) };
    // SAFETY: the caller guarantees the pointers.
    columns.iter().zip(sizes).map(|(&column, &size)| unsafe { slice(column, size) }).collect()
}

/// Write columns, fields with newlines between them, as rows of `COPY` text with `suffix` behind each row's fields.
///
/// Return the size of the rows: that of all columns, one byte for each column, and the suffix for each row. `FAILED` if
/// there is not so much room or a column has another number of fields.
///
/// # Safety
///
/// Pointers are valid for their sizes; `out` has `room` bytes.
#[no_mangle]
pub unsafe extern "C" fn pgh_encode_text(
    columns: *const *const u8,
    sizes: *const usize,
    count: usize,
    rows: usize,
    suffix: *const u8,
    suffix_bytes: usize,
    out: *mut u8,
    room: usize,
) -> i64 {
    if count == 0 || room == 0 {
        return i64::from(FAILED);
    }
    // SAFETY: the caller guarantees the pointers.
    let (columns, suffix, out) = unsafe {
        (column_slices(columns, sizes, count), slice(suffix, suffix_bytes), std::slice::from_raw_parts_mut(out, room))
    };
    guarded(i64::from(FAILED), || match text_size(&columns, rows, suffix) {
        Some(size) if size <= room => encode_text(&columns, rows, suffix, out).map_or(-1, |size| size as i64),
        _ => i64::from(FAILED),
    })
}

/// Rows of binary `COPY`.
pub struct BinaryRows {
    bytes: Vec<u8>,
}

/// Encode columns as rows of binary `COPY`; `types` has a code of [`Type::from_code`] for each column.
///
/// Return null, with the row and the column in `misfit`, if a field is not of its column's type.
///
/// # Safety
///
/// Pointers are valid for their sizes; `misfit` has room for two numbers.
#[no_mangle]
pub unsafe extern "C" fn pgh_binary_new(
    columns: *const *const u8,
    sizes: *const usize,
    types: *const u8,
    count: usize,
    rows: usize,
    suffix: *const u8,
    suffix_bytes: usize,
    suffix_fields: u32,
    misfit: *mut u64,
) -> *mut BinaryRows {
    // SAFETY: the caller guarantees the pointers.
    let (columns, types, suffix, misfit) = unsafe {
        (
            column_slices(columns, sizes, count),
            slice(types, count),
            slice(suffix, suffix_bytes),
            std::slice::from_raw_parts_mut(misfit, 2),
        )
    };
    guarded(std::ptr::null_mut(), || {
        let types: Option<Vec<Type>> = types.iter().map(|&code| Type::from_code(code)).collect();
        let (types, fields) = match (types, u16::try_from(suffix_fields)) {
            (Some(types), Ok(fields)) => (types, fields),
            _ => return std::ptr::null_mut(),
        };
        let mut bytes = Vec::new();
        match encode_binary(&columns, &types, rows, suffix, fields, &mut bytes) {
            Ok(()) => Box::into_raw(Box::new(BinaryRows { bytes })),
            Err(found) => {
                misfit.copy_from_slice(&[found.row as u64, found.column as u64]);
                std::ptr::null_mut()
            }
        }
    })
}

/// Return the bytes of encoded rows.
///
/// # Safety
///
/// `rows` is of [`pgh_binary_new`]; `size` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_binary_bytes(rows: *const BinaryRows, size: *mut usize) -> *const u8 {
    // SAFETY: the caller guarantees the pointers.
    let (rows, size) = unsafe { (&*rows, &mut *size) };
    *size = rows.bytes.len();
    rows.bytes.as_ptr()
}

/// Free encoded rows.
///
/// # Safety
///
/// `rows` is of [`pgh_binary_new`] and not used again.
#[no_mangle]
pub unsafe extern "C" fn pgh_binary_free(rows: *mut BinaryRows) {
    // SAFETY: the caller guarantees that the handle is a box of `pgh_binary_new`.
    guarded((), || drop(unsafe { Box::from_raw(rows) }));
}

const _: () = {
    // The caller knows these codes.
    assert!(Status::More as i32 == 0 && Status::Full as i32 == 1);
    assert!(Status::Ended as i32 == 2 && Status::Declined as i32 == 3);
};
