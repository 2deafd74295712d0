//! Facts about the fields of one column.

use super::{guarded, slice, FAILED};
use crate::facts::{distinct, integers};

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

/// Write a column's fields as integers; see [`integers`]. `ascend`: receives 1 if each is larger than the one before.
///
/// Return their number; `FAILED` if a field is not an integer or there are more than `room`.
///
/// # Safety
///
/// `fields` has `bytes` bytes, `out` room for `room` integers; `ascend` may be written.
#[no_mangle]
pub unsafe extern "C" fn pgh_integers(
    fields: *const u8,
    bytes: usize,
    out: *mut u64,
    room: usize,
    ascend: *mut i32,
) -> i64 {
    if room == 0 {
        return i64::from(FAILED);
    }
    // SAFETY: the caller guarantees the pointers.
    let (fields, out, ascend) =
        unsafe { (slice(fields, bytes), std::slice::from_raw_parts_mut(out, room), &mut *ascend) };
    guarded(i64::from(FAILED), || match integers(fields, out) {
        Some(found) => {
            *ascend = i32::from(found.ascend);
            found.count as i64
        }
        None => i64::from(FAILED),
    })
}
