//! Values of cells: from what a front end found to a field and its kind.

use crate::bytes::{is_space, trim};
use crate::column::Kind;
use crate::iso::push_iso;
use crate::number::{push_number, push_value, significant, Decimal, Numeric};
use crate::references::resolve;
use crate::serial::{Moment, Serials};
use crate::strings::Strings;
use crate::style::{push_zeros, Section, Shown, Style};
use crate::text::{push_decoded, push_raw, push_storable};
use crate::Stop;
use std::sync::Arc;

/// A longer number under another format than a number's is left to the caller.
const LONGEST: usize = 300;

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
    styles: Vec<Style>,
    serials: Serials,
    /// The sum of bytes that were only read so that they are in the cache.
    touched: u8,
}

impl Values {
    /// Return a converter for a workbook.
    pub fn new(strings: Arc<Strings>, styles: Vec<Style>, date1904: bool) -> Self {
        Values { strings, styles, serials: Serials::new(date1904), touched: 0 }
    }

    /// Look up the shared strings of a row's cells, one right behind the other: most of their time is the time of memory,
    /// which several look-ups can wait for together.
    #[inline(always)]
    pub fn look_up(&mut self, cells: &mut [Cell], input: &[u8], decoded: &[u8]) {
        for cell in cells.iter_mut().filter(|cell| cell.source == Source::Shared) {
            let bytes = if cell.decoded { decoded } else { input };
            let range = index(trim_fast(bytes, cell)).and_then(|index| self.strings.range(index));
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
            Source::Number => self.push_number(cell, bytes, out),
            Source::Text if cell.decoded => {
                push_decoded(&bytes[cell.from..cell.to], out, cleaned);
                Ok(Kind::Text)
            }
            Source::Text => {
                push_raw(bytes, cell.from, cell.to, out, cleaned)?;
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
        }
    }

    /// Append the field of a number that a front end has as a double.
    pub fn push_double(&mut self, style: u32, value: f64, out: &mut Vec<u8>) -> Result<Kind, Stop> {
        if !value.is_finite() {
            return Err(Stop::Decline);
        }
        let shown = match self.styles.get(style as usize) {
            None => Shown::Number,
            Some(style) => match (style.only, style.section(value)) {
                (Some(shown), _) => shown,
                (None, Some(section)) if section.shown == Shown::Zeros => {
                    return push_code(section, value < 0.0, &whole_digits(value)?, out);
                }
                (None, section) => section.map_or(Shown::Number, |section| section.shown),
            },
        };
        if shown == Shown::Nothing && value == 0.0 {
            return Ok(Kind::Empty);
        }
        Ok(match self.push_moment(shown, value, out) {
            Some(moment) => kind(moment),
            None => numeric(push_value(value, out)),
        })
    }

    #[inline(always)]
    fn push_number(&mut self, cell: &Cell, bytes: &[u8], out: &mut Vec<u8>) -> Result<Kind, Stop> {
        let (mut from, mut to) = (cell.from, cell.to);
        while from < to && is_space(bytes[from]) {
            from += 1;
        }
        while from < to && is_space(bytes[to - 1]) {
            to -= 1;
        }
        if from == to {
            return Err(Stop::Decline); // not even a cell
        }
        match self.styles.get(cell.style as usize).map_or(Some(Shown::Number), |style| style.only) {
            Some(Shown::Number) => Ok(numeric(push_number(bytes, from, to, out)?)),
            Some(shown) => self.push_serial(shown, bytes, from, to, out),
            None => self.push_by_section(cell, bytes, from, to, out),
        }
    }

    /// Append a date, time or interval; a serial that is none is a number.
    #[inline(always)]
    fn push_serial(
        &mut self,
        shown: Shown,
        bytes: &[u8],
        from: usize,
        to: usize,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Stop> {
        let text = &bytes[from..to];
        if text.len() > LONGEST {
            return Err(Stop::Decline);
        }
        let value = Decimal::parse(text).ok_or(Stop::Decline)?.value(text)?;
        match self.push_moment(shown, value, out) {
            Some(moment) => Ok(kind(moment)),
            None => Ok(numeric(push_number(bytes, from, to, out)?)),
        }
    }

    #[inline(always)]
    fn push_moment(&mut self, shown: Shown, value: f64, out: &mut Vec<u8>) -> Option<Moment> {
        match shown {
            Shown::Date => self.serials.push_timestamp(value, out),
            Shown::Time => self.serials.push_time(value, out),
            Shown::Elapsed => self.serials.push_interval(value, out),
            Shown::Number | Shown::Zeros | Shown::Nothing => None,
        }
    }

    #[inline(never)]
    fn push_by_section(
        &mut self,
        cell: &Cell,
        bytes: &[u8],
        from: usize,
        to: usize,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Stop> {
        let text = &bytes[from..to];
        if text.len() > LONGEST {
            return Err(Stop::Decline);
        }
        let decimal = Decimal::parse(text).ok_or(Stop::Decline)?;
        let value = decimal.value(text)?;
        let section = self.styles.get(cell.style as usize).and_then(|style| style.section(value));
        match section.map_or(Shown::Number, |section| section.shown) {
            Shown::Zeros => {
                let section = section.ok_or(Stop::Decline)?;
                if decimal.is_integer_text() {
                    push_code(section, decimal.negative, significant(text), out)
                } else {
                    push_code(section, decimal.negative, &whole_digits(value)?, out)
                }
            }
            Shown::Nothing if value == 0.0 => Ok(Kind::Empty),
            shown => self.push_serial(shown, bytes, from, to, out),
        }
    }
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

/// Return a double's digits, rounded half away from zero; from 10^15 on only whole doubles are taken.
fn whole_digits(value: f64) -> Result<Vec<u8>, Stop> {
    let size = value.abs();
    let whole = size.trunc();
    if size >= 1e15 && size > whole {
        return Err(Stop::Decline);
    }
    let up = if size - whole >= 0.5 { 1.0 } else { 0.0 };
    let mut digits = Vec::new();
    push_value(whole + up, &mut digits);
    Ok(digits)
}

fn push_code(section: &Section, negative: bool, digits: &[u8], out: &mut Vec<u8>) -> Result<Kind, Stop> {
    if negative && section.minus && digits != b"0" {
        out.push(b'-');
    }
    push_zeros(digits, &section.pattern, out);
    Ok(Kind::Text)
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

#[inline(always)]
fn numeric(found: Numeric) -> Kind {
    match found {
        Numeric::Integer => Kind::Integer,
        Numeric::Number => Kind::Number,
    }
}

#[inline(always)]
fn kind(moment: Moment) -> Kind {
    match moment {
        Moment::Date => Kind::Date,
        Moment::Timestamp => Kind::Timestamp,
        Moment::Time => Kind::Time,
        Moment::Interval => Kind::Interval,
    }
}

/// Return whether a cell's text is only white space where that makes it no cell at all.
pub fn is_blank_value(source: Source, text: &[u8]) -> bool {
    !matches!(source, Source::Text | Source::Uncached | Source::Shared) && trim(text).is_empty()
}
