//! Shared strings: feed their part, look them up.

use super::{guarded, prefixes, slice, Options, FAILED};
use crate::buffer::Buffer;
use crate::record_strings::RecordStrings;
use crate::string_items::{Status, StringItems};
use crate::strings::Strings;
use crate::text::push_decoded;
use std::path::PathBuf;
use std::sync::Arc;

/// Shared strings, first being read, then complete.
pub struct StringsHandle {
    items: Option<Items>,
    pub(super) complete: Option<Arc<Strings>>,
    field: Vec<u8>,
}

/// Strings that are being read.
enum Items {
    Xml(StringItems),
    Records(RecordStrings),
}

impl Items {
    fn feed(&mut self, data: &[u8], last: bool) -> std::io::Result<Status> {
        match self {
            Items::Xml(items) => items.feed(data, last),
            Items::Records(items) => items.feed(data, last),
        }
    }

    fn buffer(&self) -> &Buffer {
        match self {
            Items::Xml(items) => &items.input.buffer,
            Items::Records(items) => &items.buffer,
        }
    }

    fn skip(&mut self, count: usize) {
        match self {
            Items::Xml(items) => items.input.skip(count),
            Items::Records(items) => items.buffer.skip(count),
        }
    }

    fn strings(&mut self) -> &mut Strings {
        match self {
            Items::Xml(items) => &mut items.strings,
            Items::Records(items) => &mut items.strings,
        }
    }

    fn into_strings(self) -> Strings {
        match self {
            Items::Xml(items) => items.strings,
            Items::Records(items) => items.strings,
        }
    }
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
    let (options, path, declared) = unsafe { (&*options, slice(path, path_bytes), slice(declared, declared_bytes)) };
    guarded(std::ptr::null_mut(), || {
        let items =
            StringItems::new(no_strings(options, path), options.limits(), prefixes(declared), options.trim != 0);
        new_handle(Items::Xml(items))
    })
}

/// Begin to read the shared strings of a binary workbook, from the part's beginning.
///
/// # Safety
///
/// Pointers are valid for their sizes.
#[no_mangle]
pub unsafe extern "C" fn pgh_record_strings_new(
    options: *const Options,
    path: *const u8,
    path_bytes: usize,
) -> *mut StringsHandle {
    // SAFETY: the caller guarantees the pointers.
    let (options, path) = unsafe { (&*options, slice(path, path_bytes)) };
    guarded(std::ptr::null_mut(), || {
        new_handle(Items::Records(RecordStrings::new(no_strings(options, path), options.limits())))
    })
}

fn no_strings(options: &Options, path: &[u8]) -> Strings {
    Strings::new(options.limits().strings_in_memory, PathBuf::from(String::from_utf8_lossy(path).as_ref()))
}

fn new_handle(items: Items) -> *mut StringsHandle {
    Box::into_raw(Box::new(StringsHandle { items: Some(items), complete: None, field: Vec::new() }))
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
    let rest = handle.items.as_ref().map_or(&[][..], |items| items.buffer().rest());
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
            items.skip(count);
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
        let added = items.strings().add(|out| {
            let mut cleaned = false;
            push_decoded(text, out, &mut cleaned);
            Ok(cleaned)
        });
        if added.is_ok() && items.strings().settle().is_ok() {
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
            let mut strings = items.into_strings();
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
