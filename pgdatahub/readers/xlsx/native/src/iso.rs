//! Cells of type `d`: dates, times and durations written out (ISO 8601), to the microsecond.
//!
//! A `Z` is dropped, since a sheet shows wall-clock time; a text with another offset stays a text.

use crate::serial::Moment;
use std::io::Write;

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
    let day = text.get(..10)?;
    if !is_date(day) {
        return None;
    }
    out.extend_from_slice(day);
    match &text[10..] {
        [] => Some(Moment::Date),
        [b'T', clock @ ..] => {
            let from = out.len();
            out.push(b' ');
            push_clock(clock, out)?;
            if &out[from..] == b" 00:00:00" {
                out.truncate(from);
                return Some(Moment::Date);
            }
            Some(Moment::Timestamp)
        }
        _ => None,
    }
}

fn push_time(text: &[u8], out: &mut Vec<u8>) -> Option<Moment> {
    push_clock(text.strip_prefix(b"T").unwrap_or(text), out)?;
    Some(Moment::Time)
}

fn is_date(text: &[u8]) -> bool {
    let (year, month, day) = match (number(&text[..4]), number(&text[5..7]), number(&text[8..])) {
        (Some(year), Some(month), Some(day)) if text[4] == b'-' && text[7] == b'-' => (year, month, day),
        _ => return false,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + leap as u64,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year > 0 && (1..=last).contains(&day)
}

/// Append `HH:MM[:SS[.f]][Z]` with seconds and without zeros at the fraction's end.
fn push_clock(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let text = text.strip_suffix(b"Z").unwrap_or(text);
    let within = |digits: &[u8], end: u64| number(digits).map_or(false, |number| number < end);
    if text.len() < 5 || !within(&text[..2], 24) || text[2] != b':' || !within(&text[3..5], 60) {
        return None;
    }
    out.extend_from_slice(&text[..5]);
    match &text[5..] {
        [] => out.extend_from_slice(b":00"),
        [b':', seconds @ ..] if seconds.len() >= 2 && within(&seconds[..2], 60) => {
            out.extend_from_slice(&text[5..8]);
            match &seconds[2..] {
                [] => {}
                [b'.' | b',', fraction @ ..] => push_fraction(fraction, out)?,
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

fn push_fraction(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if digits.len() > 6 {
        return None;
    }
    number(digits)?;
    let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    if zeros < digits.len() {
        out.push(b'.');
        out.extend_from_slice(&digits[..digits.len() - zeros]);
    }
    Some(())
}

/// Append `[-]P[nD][T[nH][nM][n[.f]S]]` as hours.
fn push_duration(text: &[u8], out: &mut Vec<u8>) -> Option<Moment> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut rest = text.strip_prefix(b"P")?;
    let mut total = 0u64;
    let mut parts = 0;
    let mut fraction: &[u8] = b"";
    if let Some(days) = part(&mut rest, b'D', 8)? {
        total += days * 86_400;
        parts += 1;
    }
    if let Some(after) = rest.strip_prefix(b"T") {
        rest = after;
        for (unit, seconds) in [(b'H', 3600), (b'M', 60)] {
            if let Some(count) = part(&mut rest, unit, 9)? {
                total += count * seconds;
                parts += 1;
            }
        }
        if let Some(seconds) = rest.strip_suffix(b"S") {
            let point = seconds.iter().position(|&byte| byte == b'.' || byte == b',');
            let whole = &seconds[..point.unwrap_or(seconds.len())];
            if let Some(point) = point {
                fraction = &seconds[point + 1..];
                if fraction.is_empty() {
                    return None;
                }
            }
            if whole.len() > 9 {
                return None;
            }
            total += number(whole)?;
            parts += 1;
            rest = b"";
        }
    }
    if parts == 0 || !rest.is_empty() {
        return None;
    }
    let start = out.len();
    // Writing to a vector cannot fail.
    let _ = write!(out, "{:02}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
    if !fraction.is_empty() {
        push_fraction(fraction, out)?;
    }
    if negative {
        out.insert(start, b'-');
    }
    Some(Moment::Interval)
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
fn number(digits: &[u8]) -> Option<u64> {
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
            "2024-02-29T13:37:05.1234567",
        ] {
            assert_eq!(field(text), None, "{}", text);
        }
    }
}
