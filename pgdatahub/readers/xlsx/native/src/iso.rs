//! Cells of type `d`: dates, times and durations written out (ISO 8601), rounded to the microsecond.
//!
//! A `Z` or `+00:00` is dropped, since a sheet shows wall-clock time; a text with another offset stays a text.

use crate::serial::Moment;
use std::io::Write;

/// Microseconds of a second.
pub const SECOND: u64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: u64 = 86_400 * SECOND;

/// Append the field of an ISO 8601 text; return None, with nothing appended, if it stays a text.
pub fn push_iso(text: &[u8], out: &mut Vec<u8>) -> Option<Moment> {
    let start = out.len();
    let found = push_date(text, out).or_else(|| {
        out.truncate(start);
        push_time(text, out)
    });
    found
        .or_else(|| {
            out.truncate(start);
            push_duration(text, out)
        })
        .or_else(|| {
            out.truncate(start);
            None
        })
}

fn push_date(text: &[u8], out: &mut Vec<u8>) -> Option<Moment> {
    let (year, month, day) = date(text.get(..10)?)?;
    let time = match &text[10..] {
        [] => 0,
        [b'T', clock @ ..] => time_of_day(clock)?,
        _ => return None,
    };
    let (day, time) = match time {
        // The last moment that a date has, which .NET writes as 9999-12-31T23:59:59.9999999.
        DAY if (year, month, day) == (9999, 12, 31) => ((year, month, day), DAY - 1),
        DAY => (next_day(year, month, day), 0),
        time => ((year, month, day), time),
    };
    // Writing to a vector cannot fail.
    let _ = write!(out, "{:04}-{:02}-{:02}", day.0, day.1, day.2);
    if time == 0 {
        return Some(Moment::Date);
    }
    out.push(b' ');
    push_length(time, out);
    Some(Moment::Timestamp)
}

fn push_time(text: &[u8], out: &mut Vec<u8>) -> Option<Moment> {
    let time = time_of_day(text.strip_prefix(b"T").unwrap_or(text))?;
    push_length(time.min(DAY - 1), out);
    Some(Moment::Time)
}

/// Return year, month and day of `YYYY-MM-DD`, a text of ten bytes.
pub fn date(text: &[u8]) -> Option<(u64, u64, u64)> {
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
    if year > 0 && (1..=12).contains(&month) && (1..=last_day(year, month)).contains(&day) {
        Some((year, month, day))
    } else {
        None
    }
}

fn last_day(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn next_day(year: u64, month: u64, day: u64) -> (u64, u64, u64) {
    if day < last_day(year, month) {
        (year, month, day + 1)
    } else if month < 12 {
        (year, month + 1, 1)
    } else {
        (year + 1, 1, 1)
    }
}

/// Return `HH:MM[:SS[.f]][Z]` in microseconds, up to the whole day where it was rounded.
fn time_of_day(text: &[u8]) -> Option<u64> {
    clock_time([&b"Z"[..], b"+00:00", b"-00:00"].iter().find_map(|zone| text.strip_suffix(*zone)).unwrap_or(text))
}

/// Return `HH:MM[:SS[.f]]` in microseconds, up to the whole day where it was rounded.
pub fn clock_time(text: &[u8]) -> Option<u64> {
    let within = |digits: &[u8], end: u64| number(digits).filter(|&number| number < end);
    if text.len() < 5 || text[2] != b':' {
        return None;
    }
    let minutes = within(&text[..2], 24)? * 60 + within(&text[3..5], 60)?;
    let (seconds, fraction) = match &text[5..] {
        [] => (0, 0),
        [b':', seconds @ ..] if seconds.len() >= 2 => {
            let fraction = match &seconds[2..] {
                [] => 0,
                [b'.' | b',', fraction @ ..] => microseconds(fraction)?,
                _ => return None,
            };
            (within(&seconds[..2], 60)?, fraction)
        }
        _ => return None,
    };
    Some((minutes * 60 + seconds) * SECOND + fraction)
}

/// Return the microseconds of a fraction's digits, rounded half up; None if there is none or anything else.
fn microseconds(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |index: usize| digits.get(index).map_or(0, |digit| u64::from(digit - b'0'));
    Some((0..6).fold(0, |all, index| all * 10 + digit(index)) + u64::from(digit(6) >= 5))
}

/// Append a length of time as hours, minutes and seconds, without zeros at the fraction's end.
pub fn push_length(length: u64, out: &mut Vec<u8>) {
    let (total, fraction) = (length / SECOND, length % SECOND);
    let _ = write!(out, "{:02}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
    if fraction > 0 {
        let _ = write!(out, ".{:06}", fraction);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Append `[-]P[nD][T[nH][nM][n[.f]S]]` as hours.
fn push_duration(text: &[u8], out: &mut Vec<u8>) -> Option<Moment> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (seconds, fraction) = duration(text, [8, 9, 9, 9], false)?;
    if negative {
        out.push(b'-');
    }
    push_length(u64::try_from(seconds).ok()? * SECOND + fraction, out);
    Some(Moment::Interval)
}

/// Return `P[nD][T[nH][nM][n[.f]S]]` in seconds and microseconds.
///
/// `most` digits have days, hours, minutes and seconds; `bare` if the point may have no digit behind it.
pub fn duration(text: &[u8], most: [usize; 4], bare: bool) -> Option<(u128, u64)> {
    let mut rest = text.strip_prefix(b"P")?;
    let (mut seconds, mut fraction) = (0, 0);
    let mut parts = 0;
    if let Some(days) = part(&mut rest, b'D', most[0])? {
        seconds += u128::from(days) * 86_400;
        parts += 1;
    }
    if let Some(after) = rest.strip_prefix(b"T") {
        rest = after;
        for (unit, length, most) in [(b'H', 3600, most[1]), (b'M', 60, most[2])] {
            if let Some(count) = part(&mut rest, unit, most)? {
                seconds += u128::from(count) * length;
                parts += 1;
            }
        }
        if let Some(text) = rest.strip_suffix(b"S") {
            let point = text.iter().position(|&byte| byte == b'.' || byte == b',');
            let whole = &text[..point.unwrap_or(text.len())];
            if whole.len() > most[3] {
                return None;
            }
            seconds += u128::from(number(whole)?);
            if let Some(point) = point {
                let digits = &text[point + 1..];
                fraction = if digits.is_empty() && bare { 0 } else { microseconds(digits)? };
            }
            parts += 1;
            rest = b"";
        }
    }
    if parts == 0 || !rest.is_empty() {
        return None;
    }
    Some((seconds, fraction))
}

/// Take `n` and its unit off `rest`, if they are there; None if there are too many digits.
#[allow(clippy::option_option)]
fn part(rest: &mut &[u8], unit: u8, most: usize) -> Option<Option<u64>> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || rest.get(digits) != Some(&unit) {
        return Some(None);
    }
    if digits > most {
        return None;
    }
    let count = number(&rest[..digits])?;
    *rest = &rest[digits + 1..];
    Some(Some(count))
}

/// Return what digits denote; None if there is none or anything else.
pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |all, &digit| {
        if digit.is_ascii_digit() {
            all.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Option<(String, Moment)> {
        let mut out = Vec::new();
        let moment = push_iso(text.as_bytes(), &mut out);
        assert!(moment.is_some() || out.is_empty());
        moment.map(|moment| (String::from_utf8(out).unwrap(), moment))
    }

    #[test]
    fn iso_texts_become_fields() {
        for (text, wanted, moment) in [
            ("2024-02-29", "2024-02-29", Moment::Date),
            ("2024-02-29T00:00:00Z", "2024-02-29", Moment::Date),
            ("2024-02-29T13:37", "2024-02-29 13:37:00", Moment::Timestamp),
            ("2024-02-29T13:37:05.120Z", "2024-02-29 13:37:05.12", Moment::Timestamp),
            ("T01:02", "01:02:00", Moment::Time),
            ("23:59:59,5", "23:59:59.5", Moment::Time),
            ("2024-02-29T13:37:05.1234567", "2024-02-29 13:37:05.123457", Moment::Timestamp),
            ("2024-02-29T13:37:05.0000000+00:00", "2024-02-29 13:37:05", Moment::Timestamp),
            ("2024-02-28T23:59:59.9999999", "2024-02-29", Moment::Date),
            ("2023-12-31T23:59:59.9999995", "2024-01-01", Moment::Date),
            ("9999-12-31T23:59:59.9999999", "9999-12-31 23:59:59.999999", Moment::Timestamp),
            ("23:59:59.9999999", "23:59:59.999999", Moment::Time),
            ("PT0.9999996S", "00:00:01", Moment::Interval),
            ("PT36H5M", "36:05:00", Moment::Interval),
            ("-P1DT1.50S", "-24:00:01.5", Moment::Interval),
        ] {
            assert_eq!(field(text), Some((wanted.to_string(), moment)), "{}", text);
        }
    }

    #[test]
    fn other_texts_stay_texts() {
        for text in [
            "2023-02-29",
            "0000-01-01",
            "2024-1-1",
            "2024-02-29T24:00",
            "2024-02-29T13:37+01:00",
            "2024-02-29T13:37:05.",
            "P",
            "PT",
            "P1H",
            "PT1D",
            "",
            "x",
            "2024-02-29 13:37",
            "PT1.S",
        ] {
            assert_eq!(field(text), None, "{}", text);
        }
    }
}
