//! Columns of fields → rows of PostgreSQL's binary `COPY`, without its header and trailer.
//!
//! https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS

use crate::encode::Fields;
use crate::number::Decimal;
use crate::serial::days_of;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `integer`
    Integer,
    /// `bigint`
    Bigint,
    /// `double precision`
    Double,
    /// `boolean`
    Boolean,
    /// `date`
    Date,
    /// `timestamp`
    Timestamp,
    /// `text`
    Text,
}

impl Type {
    /// Return the type with this code.
    pub fn from_code(code: u8) -> Option<Type> {
        use Type::{Bigint, Boolean, Date, Double, Integer, Text, Timestamp};
        [Integer, Bigint, Double, Boolean, Date, Timestamp, Text].get(usize::from(code)).copied()
    }
}

/// A field that its column's type does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The index of its row.
    pub row: usize,
    /// The index of its column.
    pub column: usize,
}

const DAY: i64 = 86_400_000_000;
/// Days from 1970-01-01 to 2000-01-01, from which PostgreSQL counts.
const EPOCH: i64 = 10_957;

/// Append rows; `suffix` is what follows the columns of each row: `suffix_fields` fields, encoded.
pub fn encode_binary(
    columns: &[&[u8]],
    types: &[Type],
    rows: usize,
    suffix: &[u8],
    suffix_fields: u16,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let count = u16::try_from(columns.len()).ok().and_then(|count| count.checked_add(suffix_fields));
    let count = count.ok_or(Misfit { row: 0, column: 0 })?.to_be_bytes();
    let total: usize = columns.iter().map(|column| column.len()).sum();
    out.reserve(total + rows * (columns.len() * 8 + suffix.len() + 2));
    let mut fields: Vec<Fields<'_>> = columns.iter().map(|column| Fields::new(column)).collect();
    for row in 0..rows {
        out.extend_from_slice(&count);
        for (column, (field, kind)) in fields.iter_mut().zip(types).enumerate() {
            push_field(field.next_field(), *kind, out).ok_or(Misfit { row, column })?;
        }
        out.extend_from_slice(suffix);
    }
    Ok(())
}

#[inline(always)]
fn push_field(text: &[u8], kind: Type, out: &mut Vec<u8>) -> Option<()> {
    if text.is_empty() {
        out.extend_from_slice(&[0xff; 4]);
        return Some(());
    }
    match kind {
        Type::Integer => push_4(i32::try_from(integer(text)?).ok()?.to_be_bytes(), out),
        Type::Bigint => push_8(integer(text)?.to_be_bytes(), out),
        Type::Double => push_8(Decimal::parse(text)?.value(text).ok()?.to_bits().to_be_bytes(), out),
        Type::Boolean => {
            let value = match text {
                b"true" => 1,
                b"false" => 0,
                _ => return None,
            };
            out.extend_from_slice(&[0, 0, 0, 1, value]);
        }
        Type::Date => push_4(i32::try_from(days(text)?).ok()?.to_be_bytes(), out),
        Type::Timestamp => push_8(microseconds(text)?.to_be_bytes(), out),
        Type::Text => push_text(text, out)?,
    }
    Some(())
}

#[inline(always)]
fn push_4(bytes: [u8; 4], out: &mut Vec<u8>) {
    let [a, b, c, d] = bytes;
    out.extend_from_slice(&[0, 0, 0, 4, a, b, c, d]);
}

#[inline(always)]
fn push_8(bytes: [u8; 8], out: &mut Vec<u8>) {
    let mut field = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    field[4..].copy_from_slice(&bytes);
    out.extend_from_slice(&field);
}

fn push_text(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.extend_from_slice(&u32::try_from(text.len()).ok()?.to_be_bytes());
    if !text.contains(&b'\\') {
        out.extend_from_slice(text);
        return Some(());
    }
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            byte => byte,
        });
    }
    let length = u32::try_from(out.len() - start - 4).ok()?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Some(())
}

#[inline(always)]
fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    let size = number(digits)?;
    Some(if negative { -size } else { size })
}

/// Return what up to 18 digits denote.
#[inline(always)]
fn number(digits: &[u8]) -> Option<i64> {
    let mut all = 0;
    let mut other = digits.is_empty();
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        other |= digit > 9;
        all = all * 10 + i64::from(digit);
    }
    if other {
        None
    } else {
        Some(all)
    }
}

/// Return the days of `YYYY-MM-DD` since 2000-01-01.
#[inline(always)]
fn days(text: &[u8]) -> Option<i64> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days_of(year, month, day) - EPOCH)
}

#[inline(always)]
fn microseconds(text: &[u8]) -> Option<i64> {
    let date = days(text.get(..10)?)? * DAY;
    if text.len() == 10 {
        return Some(date);
    }
    let clock = &text[10..];
    if clock.len() < 9 || clock[0] != b' ' || clock[3] != b':' || clock[6] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&clock[1..3])?, number(&clock[4..6])?, number(&clock[7..9])?);
    let fraction = match &clock[9..] {
        [] => 0,
        [b'.', digits @ ..] if digits.len() <= 6 => number(digits)? * 10i64.pow(6 - digits.len() as u32),
        _ => return None,
    };
    Some(date + (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str, kind: Type) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        push_field(text.as_bytes(), kind, &mut out)?;
        Some(out)
    }

    #[test]
    fn fields_have_the_servers_bytes() {
        assert_eq!(field("", Type::Text).unwrap(), [0xff; 4]);
        assert_eq!(field("-2", Type::Integer).unwrap(), [0, 0, 0, 4, 0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(field("-9223372036854775808", Type::Bigint).unwrap()[4..], i64::MIN.to_be_bytes());
        assert_eq!(field("1.5", Type::Double).unwrap()[4..], 1.5f64.to_be_bytes());
        assert_eq!(field("true", Type::Boolean).unwrap(), [0, 0, 0, 1, 1]);
        assert_eq!(field("1999-12-31", Type::Date).unwrap()[4..], (-1i32).to_be_bytes());
        assert_eq!(field("2000-01-02 00:00:00.5", Type::Timestamp).unwrap()[4..], (DAY + 500_000).to_be_bytes());
        assert_eq!(field("a\\nb\\\\", Type::Text).unwrap(), b"\0\0\0\x04a\nb\\");
    }

    #[test]
    fn other_fields_are_misfits() {
        for (text, kind) in [
            ("2147483648", Type::Integer),
            ("1.5", Type::Bigint),
            ("9223372036854775808", Type::Bigint),
            ("x", Type::Double),
            ("1", Type::Boolean),
            ("2000-13-01", Type::Date),
            ("2000-01-01T00:00:00", Type::Timestamp),
        ] {
            assert_eq!(field(text, kind), None, "{}", text);
        }
    }
}
