//! Dates and durations of OpenDocument (`office:date-value`, `office:time-value`) under the number formats of their cells.
//!
//! The values are ISO 8601 and carry their kind. The number format matters where it shows another kind than the value's: a
//! time format shows 36 hours as a date, since a number of 1 or more under a time format is a date in every file format.

use crate::column::Kind;
use crate::formats::{numeric, Formats};
use crate::iso::{clock_time, date, duration, number, push_length, DAY, SECOND};
use crate::number::push_value;
use crate::serial::{date_text, days_of, System};
use crate::style::Shown;
use crate::text::push_storable;
use crate::Stop;

const DAY_LENGTH: i64 = DAY as i64;
/// An interval of PostgreSQL holds so many microseconds with ease.
const LONGEST: i128 = 99_999_999 * DAY as i128;
/// From here on a double does not hold each number of microseconds.
const EXACT: i64 = 1 << 53;
/// Digits of a fraction of a second; more are not a value.
const MOST_DIGITS: usize = 40;
/// Bytes of a time of day with so many digits.
const LONGEST_CLOCK: usize = 9 + MOST_DIGITS;

/// Append a date value; one that is not a date is a text.
pub fn push_date_value(formats: &Formats, style: u32, text: &[u8], out: &mut Vec<u8>) -> Result<Kind, Stop> {
    let moment = match date_value(text) {
        Some(moment) => moment,
        None => return push_other(text, out),
    };
    let epoch = match formats.system {
        System::From(epoch) => epoch,
        System::Excel1900 => return Err(Stop::Decline), // not a system of OpenDocument
    };
    let elapsed = moment - epoch * DAY_LENGTH;
    let shown = formats.shown(style, || days(elapsed))?;
    if shown == Shown::Nothing && elapsed == 0 {
        return Ok(Kind::Empty);
    }
    if shown == Shown::Time && (0..DAY_LENGTH).contains(&elapsed) {
        push_length(elapsed.unsigned_abs(), out);
        return Ok(Kind::Time);
    }
    if shown == Shown::Elapsed && i128::from(elapsed.abs()) <= LONGEST {
        push_interval(elapsed, out);
        return Ok(Kind::Interval);
    }
    push_moment(moment, out).ok_or(Stop::Decline)
}

/// Append a time value; one that is not a duration is a text.
pub fn push_time_value(formats: &Formats, style: u32, text: &[u8], out: &mut Vec<u8>) -> Result<Kind, Stop> {
    let elapsed = match time_value(text) {
        Some(elapsed) if elapsed.abs() <= LONGEST => elapsed as i64,
        _ => return push_other(text, out),
    };
    let shown = formats.shown(style, || days(elapsed))?;
    if shown == Shown::Nothing && elapsed == 0 {
        return Ok(Kind::Empty);
    }
    if (0..DAY_LENGTH).contains(&elapsed) && !matches!(shown, Shown::Elapsed | Shown::Date) {
        push_length(elapsed.unsigned_abs(), out);
        return Ok(Kind::Time);
    }
    if !matches!(shown, Shown::Time | Shown::Date) {
        push_interval(elapsed, out);
        return Ok(Kind::Interval);
    }
    if let (System::From(epoch), true) = (formats.system, elapsed >= 0) {
        let moment = elapsed.checked_add(epoch * DAY_LENGTH).ok_or(Stop::Decline)?;
        if let Some(kind) = push_moment(moment, out) {
            return Ok(kind);
        }
    }
    // Neither a time of day nor a date: the number of days that the sheet has.
    Ok(numeric(push_value(days(elapsed)?, out)))
}

fn days(elapsed: i64) -> Result<f64, Stop> {
    if elapsed.abs() >= EXACT {
        return Err(Stop::Decline);
    }
    Ok(elapsed as f64 / DAY_LENGTH as f64)
}

fn push_other(text: &[u8], out: &mut Vec<u8>) -> Result<Kind, Stop> {
    push_storable(text, out);
    Ok(Kind::Text)
}

fn push_interval(elapsed: i64, out: &mut Vec<u8>) {
    if elapsed < 0 {
        out.push(b'-');
    }
    push_length(elapsed.unsigned_abs(), out);
}

/// Append microseconds since 1970-01-01 as a date or a timestamp, None beyond the years 1 to 9999.
fn push_moment(moment: i64, out: &mut Vec<u8>) -> Option<Kind> {
    out.extend_from_slice(&date_text(moment.div_euclid(DAY_LENGTH))?);
    let time = moment.rem_euclid(DAY_LENGTH);
    if time == 0 {
        return Some(Kind::Date);
    }
    out.push(b' ');
    push_length(time.unsigned_abs(), out);
    Some(Kind::Timestamp)
}

/// Return a date value as microseconds since 1970-01-01, in UTC if it has an offset; None if it is not one.
fn date_value(text: &[u8]) -> Option<i64> {
    let (year, month, day) = date(text.get(..10)?)?;
    let midnight = days_of(year as i64, month as i64, day as i64) * DAY_LENGTH;
    let rest = &text[10..];
    let moment = match rest {
        [] => return Some(midnight),
        [b'T', clock @ ..] => {
            let zone = clock.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-')).unwrap_or(clock.len());
            if zone > LONGEST_CLOCK {
                return None;
            }
            midnight + clock_time(&clock[..zone])? as i64 - offset(&clock[zone..], true)?
        }
        zone => {
            offset(zone, false)?;
            midnight
        }
    };
    // Rounding and offsets may leave the years that a date can have.
    date_text(moment.div_euclid(DAY_LENGTH)).map(|_| moment)
}

/// Return `Z`, `±HH:MM`, `±HHMM` or nothing in microseconds; of less than a day where it `counts`.
fn offset(text: &[u8], counts: bool) -> Option<i64> {
    let (sign, digits) = match text {
        [] | [b'Z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    let minutes = hours * 60 + minutes;
    if counts && minutes >= 24 * 60 {
        return None;
    }
    Some(sign * (minutes * 60 * SECOND) as i64)
}

/// Return `[±]P[nD][T[nH][nM][n[.f]S]]` in microseconds; None if it is another text.
fn time_value(text: &[u8]) -> Option<i128> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = text.iter().rev().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    if text.ends_with(b"T") || digits > MOST_DIGITS {
        return None;
    }
    let (seconds, fraction) = duration(text, [9, 11, 12, 14], true)?;
    let elapsed = i128::try_from(seconds).ok()? * i128::from(SECOND) + i128::from(fraction);
    Some(if negative { -elapsed } else { elapsed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{Operator, Section, Style};

    fn formats() -> Formats {
        let section =
            |shown| Section { operator: Operator::Always, threshold: 0.0, shown, minus: true, pattern: vec![] };
        let styles = [Shown::Number, Shown::Date, Shown::Time, Shown::Elapsed];
        let styles = styles.iter().map(|&shown| Style::new(vec![section(shown)])).collect();
        Formats::new(styles, System::From(-25_569))
    }

    #[test]
    fn dates_follow_their_offset_and_format() {
        for (text, style, wanted, kind) in [
            ("2024-02-29", 0, "2024-02-29", Kind::Date),
            ("2024-02-29Z", 1, "2024-02-29", Kind::Date),
            ("2024-02-29+25:99", 1, "2024-02-29", Kind::Date),
            ("2024-02-29T13:37", 1, "2024-02-29 13:37:00", Kind::Timestamp),
            ("2024-02-29T13:37:05,1234567Z", 1, "2024-02-29 13:37:05.123457", Kind::Timestamp),
            ("2024-03-01T00:30:00+01:00", 1, "2024-02-29 23:30:00", Kind::Timestamp),
            ("2024-02-29T22:00:00-0200", 1, "2024-03-01", Kind::Date),
            ("1899-12-30T08:30:00", 2, "08:30:00", Kind::Time),
            ("1899-12-31T08:30:00", 2, "1899-12-31 08:30:00", Kind::Timestamp),
            ("1899-12-29T12:00:00", 3, "-12:00:00", Kind::Interval),
            ("9999-12-31T23:59:59.9999999", 1, "9999-12-31T23:59:59.9999999", Kind::Text),
            ("0001-01-01T00:00:00+00:01", 1, "0001-01-01T00:00:00+00:01", Kind::Text),
            ("2024-02-29T13:37:05.", 1, "2024-02-29T13:37:05.", Kind::Text),
            ("2024-02-29T13:37+24:00", 1, "2024-02-29T13:37+24:00", Kind::Text),
            ("2023-02-29", 1, "2023-02-29", Kind::Text),
        ] {
            let mut out = Vec::new();
            let found = push_date_value(&formats(), style, text.as_bytes(), &mut out);
            assert_eq!((String::from_utf8(out).unwrap().as_str(), found), (wanted, Ok(kind)), "{}", text);
        }
    }

    #[test]
    fn durations_follow_their_format() {
        for (text, style, wanted, kind) in [
            ("PT08H30M00S", 0, "08:30:00", Kind::Time),
            ("PT12H", 3, "12:00:00", Kind::Interval),
            ("PT36H0.5S", 0, "36:00:00.5", Kind::Interval),
            ("PT36H", 2, "1899-12-31 12:00:00", Kind::Timestamp),
            ("P1D", 1, "1899-12-31", Kind::Date),
            ("-PT36H", 2, "-1.5", Kind::Number),
            ("-PT1H1.S", 0, "-01:00:01", Kind::Interval),
            ("+PT1H", 0, "01:00:00", Kind::Time),
            ("PT", 0, "PT", Kind::Text),
            ("P1DT", 0, "P1DT", Kind::Text),
            ("PT1D", 0, "PT1D", Kind::Text),
            ("PT99999999999H", 0, "PT99999999999H", Kind::Text),
            ("P1Y", 0, "P1Y", Kind::Text),
            ("", 0, "", Kind::Text),
        ] {
            let mut out = Vec::new();
            let found = push_time_value(&formats(), style, text.as_bytes(), &mut out);
            assert_eq!((String::from_utf8(out).unwrap().as_str(), found), (wanted, Ok(kind)), "{}", text);
        }
    }
}
