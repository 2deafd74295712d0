//! Values of cells: from what a front end found to a field and its kind.

use crate::bytes::{array, is_space, trim};
use crate::column::Kind;
use crate::formats::{kind, Formats};
use crate::iso::push_iso;
use crate::number::push_integer;
use crate::office_values::{push_date_value, push_time_value};
use crate::references::resolve;
use crate::serial::System;
use crate::strings::Strings;
use crate::style::Style;
use crate::text::{push_decoded, push_raw, push_storable};
use crate::utf16::push_utf16;
use crate::Stop;
use std::sync::Arc;

/// The error of a number that is not finite, which Excel does not have.
const NOT_FINITE: &str = "#NUM!";

/// Understanding of a cell's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A number in decimal notation, under the cell's style.
    Number,
    /// The index of a shared string.
    Shared,
    /// A shared string that was looked up: the range of its field.
    LookedUp,
    /// The text itself.
    Text,
    /// `0`, `1`, `false` or `true`.
    Boolean,
    /// The code of an error.
    Error,
    /// ISO 8601.
    Date,
    /// A formula without a result.
    Uncached,
    /// The index of a shared string in 32 bits; numbers in bytes are little-endian.
    Index,
    /// A number in 30 bits (MS-XLSB 2.5.122), under the cell's style.
    Rk,
    /// A double, under the cell's style.
    Double,
    /// A boolean in a byte.
    Flag,
    /// The code of an error in a byte (MS-XLSB 2.5.97.2).
    ErrorCode,
    /// A text of UTF-16 units.
    Utf16,
    /// The text itself, in which `_xHHHH_` is text.
    Plain,
    /// A date of OpenDocument, under the cell's style.
    DateValue,
    /// A duration of OpenDocument, under the cell's style.
    TimeValue,
    /// An error with the white space around it.
    ErrorText,
}

/// A cell that a front end found.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The position of its column, from 0.
    pub column: u32,
    /// The understanding of its text.
    pub source: Source,
    /// The index of its style.
    pub style: u32,
    /// Where its text begins in the bytes that hold it.
    pub from: usize,
    /// Where its text ends.
    pub to: usize,
    /// References of the text are resolved; it is in the row's own buffer.
    pub decoded: bool,
}

/// Converts the values of a workbook's cells.
pub struct Values {
    strings: Arc<Strings>,
    formats: Formats,
    /// The sum of bytes that were only read so that they are in the cache.
    touched: u8,
}

impl Values {
    /// Return a converter for a workbook.
    pub fn new(strings: Arc<Strings>, styles: Vec<Style>, system: System) -> Self {
        Values { strings, formats: Formats::new(styles, system), touched: 0 }
    }

    /// Look up the shared strings of a row's cells, one right behind the other: most of their time is the time of memory,
    /// which several look-ups can wait for together.
    #[inline(always)]
    pub fn look_up(&mut self, cells: &mut [Cell], input: &[u8], decoded: &[u8]) {
        for cell in cells.iter_mut() {
            let bytes = if cell.decoded { decoded } else { input };
            let index = match cell.source {
                Source::Shared => index(trim_fast(bytes, cell)),
                Source::Index => Some(u32::from_le_bytes(array(bytes, cell.from)) as usize),
                _ => continue,
            };
            let range = index.and_then(|index| self.strings.range(index));
            if let Some((from, to, byte)) = range {
                *cell = Cell { source: Source::LookedUp, from, to, ..*cell };
                self.touched = self.touched.wrapping_add(byte);
            }
        }
    }

    /// Append the field of a cell whose text is `bytes[cell.from..cell.to]`, padded; return its kind.
    ///
    /// `cleaned` is set if characters were removed that no database can store.
    #[inline(always)]
    pub fn push(&mut self, cell: &Cell, bytes: &[u8], out: &mut Vec<u8>, cleaned: &mut bool) -> Result<Kind, Stop> {
        match cell.source {
            Source::Shared => {
                let index = index(trim_fast(bytes, cell)).ok_or(Stop::Decline)?;
                self.strings.push(index, out, cleaned)?;
                Ok(Kind::Text)
            }
            Source::LookedUp => {
                self.strings.push_range(cell.from, cell.to, out);
                Ok(Kind::Text)
            }
            Source::Number => self.formats.push_text(cell.style, bytes, (cell.from, cell.to), out),
            Source::Text if cell.decoded => {
                push_decoded(&bytes[cell.from..cell.to], out, cleaned);
                Ok(Kind::Text)
            }
            Source::Text => {
                push_raw(bytes, cell.from, cell.to, true, out, cleaned)?;
                Ok(Kind::Text)
            }
            Source::Boolean => match trim_fast(bytes, cell) {
                b"1" | b"true" => {
                    out.extend_from_slice(b"true");
                    Ok(Kind::Boolean)
                }
                b"0" | b"false" => {
                    out.extend_from_slice(b"false");
                    Ok(Kind::Boolean)
                }
                _ => Err(Stop::Decline),
            },
            Source::Error => with_text(cell, bytes, |text| push_visible(text, out).map(|()| Kind::Error)),
            Source::Date => with_text(cell, bytes, |text| match push_iso(text, out) {
                Some(moment) => Ok(kind(moment)),
                None => push_visible(text, out).map(|()| Kind::Text),
            }),
            Source::Uncached => {
                out.push(b'f');
                Ok(Kind::Uncached)
            }
            Source::Index => {
                self.strings.push(u32::from_le_bytes(array(bytes, cell.from)) as usize, out, cleaned)?;
                Ok(Kind::Text)
            }
            Source::Rk => {
                let number = i32::from_le_bytes(array(bytes, cell.from));
                let hundredth = number & 1 != 0;
                if number & 2 != 0 {
                    return self.formats.push_hundredths(cell.style, number >> 2, hundredth, out);
                }
                let value = f64::from_bits(u64::from(number as u32 & !3) << 32);
                self.push_double(cell.style, if hundredth { value / 100.0 } else { value }, out)
            }
            Source::Double => self.push_double(cell.style, f64::from_le_bytes(array(bytes, cell.from)), out),
            Source::Flag => {
                out.extend_from_slice(if bytes[cell.from] == 0 { b"false" } else { b"true" });
                Ok(Kind::Boolean)
            }
            Source::ErrorCode => {
                push_error_code(bytes[cell.from], out);
                Ok(Kind::Error)
            }
            Source::Plain if cell.decoded => {
                push_storable(&bytes[cell.from..cell.to], out);
                Ok(Kind::Text)
            }
            Source::Plain => {
                push_raw(bytes, cell.from, cell.to, false, out, cleaned)?;
                Ok(Kind::Text)
            }
            Source::DateValue => push_date_value(&self.formats, cell.style, &bytes[cell.from..cell.to], out),
            Source::TimeValue => push_time_value(&self.formats, cell.style, &bytes[cell.from..cell.to], out),
            Source::ErrorText => push_visible(&bytes[cell.from..cell.to], out).map(|()| Kind::Error),
            Source::Utf16 => {
                push_utf16(&bytes[cell.from..cell.to], out, cleaned);
                Ok(Kind::Text)
            }
        }
    }

    #[inline(always)]
    fn push_double(&mut self, style: u32, value: f64, out: &mut Vec<u8>) -> Result<Kind, Stop> {
        if value.is_finite() {
            return self.formats.push_double(style, value, out);
        }
        out.extend_from_slice(NOT_FINITE.as_bytes());
        Ok(Kind::Error)
    }
}

/// Append the name of an error.
fn push_error_code(code: u8, out: &mut Vec<u8>) {
    let name = match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => NOT_FINITE,
        0x2A => "#N/A",
        0x2B => "#GETTING_DATA",
        _ => {
            out.extend_from_slice(b"#ERROR ");
            return push_integer(i64::from(code), out);
        }
    };
    out.extend_from_slice(name.as_bytes());
}

/// Use a cell's text with references resolved, without white space around it.
fn with_text<T>(cell: &Cell, bytes: &[u8], use_text: impl FnOnce(&[u8]) -> Result<T, Stop>) -> Result<T, Stop> {
    let raw = &bytes[cell.from..cell.to];
    if cell.decoded || !raw.iter().any(|&byte| matches!(byte, b'&' | b'>' | b'\r')) {
        return use_text(trim(raw));
    }
    let mut text = Vec::new();
    resolve(raw, &mut text).ok_or(Stop::Decline)?;
    use_text(trim(&text))
}

/// Append the field of a text; one of white space alone is left to the caller's parser.
fn push_visible(text: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
    let start = out.len();
    push_storable(text, out);
    if out.len() == start {
        return Err(Stop::Decline);
    }
    Ok(())
}

#[inline(always)]
fn trim_fast<'a>(bytes: &'a [u8], cell: &Cell) -> &'a [u8] {
    let text = &bytes[cell.from..cell.to];
    match text {
        [first, .., last] if is_space(*first) || is_space(*last) => trim(text),
        [only] if is_space(*only) => &[],
        _ => text,
    }
}

/// Return the index that digits denote, None if they are none.
#[inline(always)]
fn index(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > 11 {
        return None;
    }
    let mut index = 0u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        index = index * 10 + u64::from(digit);
    }
    usize::try_from(index).ok()
}

/// Return whether a cell's text is only white space where that makes it no cell at all.
pub fn is_blank_value(source: Source, text: &[u8]) -> bool {
    !matches!(source, Source::Text | Source::Uncached | Source::Shared) && trim(text).is_empty()
}
