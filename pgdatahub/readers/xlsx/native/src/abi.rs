//! The C boundary, the only place with unsafe code.
//!
//! A handle belongs to one thread at a time. Pointers that a function returns stay valid until the next call with the
//! handle. A panic ends as [`FAILED`], and its handle is of no more use.

pub mod facts;
pub mod rows;
pub mod sheets;
pub mod strings;

use crate::serial::System;
use crate::string_items::Status;
use crate::Limits;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// The version of this interface, which the caller compares with its own.
pub const VERSION: u32 = 4;
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
    /// Days from 1970-01-01 to day 0, of a date system that is not Excel's of 1900.
    epoch: i64,
    rows: u32,
    columns: u32,
    batch_rows: u32,
    batch_cells: u32,
    has_epoch: u32,
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

    fn system(&self) -> System {
        if self.has_epoch != 0 {
            System::From(self.epoch)
        } else {
            System::Excel1900
        }
    }
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

const _: () = {
    // The caller knows these codes.
    assert!(Status::More as i32 == 0 && Status::Full as i32 == 1);
    assert!(Status::Ended as i32 == 2 && Status::Declined as i32 == 3);
};
