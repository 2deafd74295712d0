//! Facts about the fields of one column.

use super::{guarded, slice, FAILED};
use crate::facts::{distinct, integers, mark};
use std::ffi::c_void;

/// Write a column's distinct fields, newlines between them; see [`distinct`]. `size`: receives the size of their text.
///
/// Return their number; `FAILED` if they are more than `most`.
///
/// # Safety
///
/// `fields` and `out` have `bytes` bytes; `size` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_distinct(
    fields: *const u8,
    bytes: usize,
    most: usize,
    out: *mut u8,
    size: *mut usize,
) -> i64 {
    if bytes == 0 {
        return i64::from(FAILED);
    }
    // SAFETY: the caller guarantees the pointers.
    let (fields, out, size) = unsafe { (slice(fields, bytes), std::slice::from_raw_parts_mut(out, bytes), &mut *size) };
    guarded(i64::from(FAILED), || match distinct(fields, most, out) {
        Some((count, end)) => {
            *size = end;
            count as i64
        }
        None => i64::from(FAILED),
    })
}

/// Write a column's fields as integers; see [`integers`].
///
/// Return their number; `FAILED` if a field is not an integer or there are more than `room`.
///
/// # Safety
///
/// `fields` has `bytes` bytes, `out` room for `room` integers; what `ascend` and `largest` point to may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_integers(
    fields: *const u8,
    bytes: usize,
    out: *mut u64,
    room: usize,
    ascend: *mut i32,
    largest: *mut u64,
) -> i64 {
    if room == 0 {
        return i64::from(FAILED);
    }
    // SAFETY: the caller guarantees the pointers.
    let (fields, out, ascend, largest) =
        unsafe { (slice(fields, bytes), std::slice::from_raw_parts_mut(out, room), &mut *ascend, &mut *largest) };
    guarded(i64::from(FAILED), || match integers(fields, out) {
        Some(found) => {
            *ascend = i32::from(found.ascend);
            *largest = found.largest;
            found.count as i64
        }
        None => i64::from(FAILED),
    })
}

/// Set the bits of integers; see [`mark`].
///
/// Return 1 if none was set before, else 0.
///
/// # Safety
///
/// `table` has `bytes` bytes; `integers` points to `count` integers of `width` bytes, four or eight.
#[no_mangle]
pub unsafe extern "C" fn pgh_mark(
    table: *mut u8,
    bytes: usize,
    integers: *const c_void,
    count: usize,
    width: usize,
) -> i32 {
    if bytes == 0 {
        return i32::from(count == 0);
    }
    // SAFETY: the caller guarantees the pointers.
    let table = unsafe { std::slice::from_raw_parts_mut(table, bytes) };
    let marked = match width {
        4 => {
            // SAFETY: as above.
            let integers = unsafe { slice(integers.cast::<u32>(), count) };
            guarded(None, || mark(table, integers.iter().map(|&integer| u64::from(integer))))
        }
        8 => {
            // SAFETY: as above.
            let integers = unsafe { slice(integers.cast::<u64>(), count) };
            guarded(None, || mark(table, integers.iter().copied()))
        }
        _ => None,
    };
    i32::from(marked.is_some())
}
