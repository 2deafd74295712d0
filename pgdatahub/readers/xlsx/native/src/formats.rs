//! Numbers under the number formats of their cells: numbers, dates, times, durations, codes of zeros.

use crate::bytes::is_space;
use crate::column::Kind;
use crate::number::{push_integer, push_number, push_scaled, push_value, significant, Decimal, Numeric};
use crate::serial::{Moment, Serials, System};
use crate::style::{push_zeros, Section, Shown, Style};
use crate::Stop;

/// A longer number under another format than a number's is left to the caller.
const LONGEST: usize = 300;

/// The number formats and the date system of a workbook.
pub struct Formats {
    styles: Vec<Style>,
    serials: Serials,
    /// The date system.
    pub system: System,
}

impl Formats {
    /// Return the formats of a workbook.
    pub fn new(styles: Vec<Style>, system: System) -> Self {
        Formats { styles, serials: Serials::new(system), system }
    }

    /// Return what a style makes of a number, which is asked for only if the style depends on it.
    pub fn shown(&self, style: u32, value: impl FnOnce() -> Result<f64, Stop>) -> Result<Shown, Stop> {
        let style = match self.styles.get(style as usize) {
            None => return Ok(Shown::Number),
            Some(style) => style,
        };
        match style.only {
            Some(shown) => Ok(shown),
            None => Ok(style.section(value()?).map_or(Shown::Number, |section| section.shown)),
        }
    }

    /// Append the field of a finite number that a front end has as a double.
    #[inline(always)]
    pub fn push_double(&mut self, style: u32, value: f64, out: &mut Vec<u8>) -> Result<Kind, Stop> {
        match self.only(style) {
            Some(Shown::Number) => Ok(numeric(push_value(value, out))),
            Some(shown) => self.push_shown(shown, value, out),
            None => self.push_double_by_section(style, value, out),
        }
    }

    /// Append the field of a number that a front end has as an integer, or as its hundredth part.
    #[inline(always)]
    pub fn push_hundredths(
        &mut self,
        style: u32,
        integer: i32,
        hundredth: bool,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Stop> {
        match (self.only(style), hundredth) {
            (Some(Shown::Number), true) => Ok(numeric(push_scaled(i64::from(integer), 2, out))),
            (Some(Shown::Number), false) => {
                push_integer(i64::from(integer), out);
                Ok(Kind::Integer)
            }
            (_, true) => self.push_double(style, f64::from(integer) / 100.0, out),
            (_, false) => self.push_double(style, f64::from(integer), out),
        }
    }

    /// Return what a style makes of every number, None if a look at the number is needed.
    #[inline(always)]
    fn only(&self, style: u32) -> Option<Shown> {
        self.styles.get(style as usize).map_or(Some(Shown::Number), |style| style.only)
    }

    fn push_shown(&mut self, shown: Shown, value: f64, out: &mut Vec<u8>) -> Result<Kind, Stop> {
        Ok(match self.push_moment(shown, value, out) {
            Some(moment) => kind(moment),
            None => numeric(push_value(value, out)),
        })
    }

    #[inline(never)]
    fn push_double_by_section(&mut self, style: u32, value: f64, out: &mut Vec<u8>) -> Result<Kind, Stop> {
        let section = self.styles.get(style as usize).and_then(|style| style.section(value));
        match section {
            Some(section) if section.shown == Shown::Zeros => {
                push_code(section, value < 0.0, &whole_digits(value)?, out)
            }
            Some(section) if section.shown == Shown::Nothing && value == 0.0 => Ok(Kind::Empty),
            Some(section) => self.push_shown(section.shown, value, out),
            None => self.push_shown(Shown::Number, value, out),
        }
    }

    /// Append the field of a number's text, `bytes[range]` of a padded buffer, with white space around it or not.
    #[inline(always)]
    pub fn push_text(
        &mut self,
        style: u32,
        bytes: &[u8],
        range: (usize, usize),
        out: &mut Vec<u8>,
    ) -> Result<Kind, Stop> {
        let (mut from, mut to) = range;
        while from < to && is_space(bytes[from]) {
            from += 1;
        }
        while from < to && is_space(bytes[to - 1]) {
            to -= 1;
        }
        if from == to {
            return Err(Stop::Decline); // not even a cell
        }
        match self.only(style) {
            Some(Shown::Number) => Ok(numeric(push_number(bytes, from, to, out)?)),
            Some(shown) => self.push_serial(shown, bytes, from, to, out),
            None => self.push_by_section(style, bytes, from, to, out),
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
        style: u32,
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
        let section = self.styles.get(style as usize).and_then(|style| style.section(value));
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

/// Return the kind of a cell that is a number.
#[inline(always)]
pub fn numeric(found: Numeric) -> Kind {
    match found {
        Numeric::Integer => Kind::Integer,
        Numeric::Number => Kind::Number,
    }
}

/// Return the kind of a cell that is a moment.
#[inline(always)]
pub fn kind(moment: Moment) -> Kind {
    match moment {
        Moment::Date => Kind::Date,
        Moment::Timestamp => Kind::Timestamp,
        Moment::Time => Kind::Time,
        Moment::Interval => Kind::Interval,
    }
}
