//! Columns of fields as rows of `COPY`, text and binary.

use super::{guarded, slice, FAILED};
use crate::binary::{encode_binary, Type};
use crate::encode::{encode_text, text_size};

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
