//! Numbers as workbooks write them, and their canonical text.
//!
//! Digits alone are an integer, exact however long; anything else is the double it denotes, and an integer if that is one
//! up to 2^53. The text is plain decimal notation with the shortest digits that denote the same double.

use crate::bytes::push;
use crate::double::{push_double, SAFE_INTEGER};
use crate::Stop;

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Up to so many significant digits decimal text and double correspond one to one (DBL_DIG of IEEE 754 binary64).
const EXACT_DIGITS: usize = 15;
/// Longer integers are left to the caller.
const MOST_DIGITS: usize = 4000;

/// The parts of a number's text.
pub struct Decimal {
    /// All digits as an integer; meaningless for more than 19 of them.
    pub mantissa: u64,
    digits: usize,
    fraction: usize,
    /// There is a minus sign.
    pub negative: bool,
    point: bool,
    exponent: bool,
    plain: bool,
}

impl Decimal {
    /// Return the parts of a number in the syntax of XML Schema's `double`, without `INF` and `NaN`; None if it is none.
    #[inline(always)]
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        let mut at = 0;
        let mut negative = false;
        let mut plain = true;
        match text.first()? {
            b'-' => {
                negative = true;
                at = 1;
            }
            b'+' => {
                plain = false;
                at = 1;
            }
            _ => {}
        }
        let start = at;
        let mut mantissa = 0;
        at = digits(text, at, &mut mantissa);
        let whole = at - start;
        plain &= whole == 1 || (whole > 1 && text[start] != b'0');
        let mut fraction = 0;
        let point = text.get(at) == Some(&b'.');
        if point {
            let end = digits(text, at + 1, &mut mantissa);
            fraction = end - at - 1;
            at = end;
            plain &= fraction > 0;
        }
        if whole + fraction == 0 {
            return None;
        }
        let exponent = at < text.len();
        if exponent {
            if text[at] | 0x20 != b'e' {
                return None;
            }
            at += 1;
            if matches!(text.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            let end = digits(text, at, &mut 0);
            if end == at || end < text.len() {
                return None;
            }
        }
        Some(Decimal { mantissa, digits: whole + fraction, fraction, negative, point, exponent, plain })
    }

    /// Return the double that `text`, of which these are the parts, denotes; declined beyond all doubles.
    #[inline(always)]
    pub fn value(&self, text: &[u8]) -> Result<f64, Stop> {
        if self.digits <= EXACT_DIGITS && !self.exponent && self.fraction < POWERS.len() {
            let size = self.mantissa as f64 / POWERS[self.fraction];
            return Ok(if self.negative { -size } else { size });
        }
        let text = std::str::from_utf8(text).map_err(|_| Stop::Decline)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(Stop::Decline),
        }
    }

    /// Return whether the text is digits alone, but for a sign.
    #[inline(always)]
    pub fn is_integer_text(&self) -> bool {
        !self.point && !self.exponent
    }
}

/// Read digits on into `mantissa`; return the position behind them.
#[inline(always)]
fn digits(text: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(&byte) = text.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// The class of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numeric {
    /// An integer.
    Integer,
    /// Any other double.
    Number,
}

/// Append the canonical text of the number `bytes[from..to]` of a padded buffer.
#[inline(always)]
pub fn push_number(bytes: &[u8], from: usize, to: usize, out: &mut Vec<u8>) -> Result<Numeric, Stop> {
    let text = &bytes[from..to];
    let decimal = Decimal::parse(text).ok_or(Stop::Decline)?;
    if decimal.plain && !decimal.exponent && decimal.digits <= EXACT_DIGITS {
        if !decimal.point {
            if decimal.mantissa == 0 {
                out.push(b'0');
            } else {
                push(out, bytes, from, to);
            }
            return Ok(Numeric::Integer);
        }
        if decimal.fraction < POWERS.len() {
            let mut end = to;
            while bytes[end - 1] == b'0' {
                end -= 1;
            }
            let whole = bytes[end - 1] == b'.';
            end -= whole as usize;
            if decimal.mantissa == 0 {
                out.push(b'0');
            } else {
                push(out, bytes, from, end);
            }
            return Ok(if whole { Numeric::Integer } else { Numeric::Number });
        }
    }
    push_unusual(text, &decimal, out)
}

#[inline(never)]
fn push_unusual(text: &[u8], decimal: &Decimal, out: &mut Vec<u8>) -> Result<Numeric, Stop> {
    if decimal.is_integer_text() {
        if text.len() > MOST_DIGITS {
            return Err(Stop::Decline);
        }
        push_digits(text, out);
        return Ok(Numeric::Integer);
    }
    Ok(push_value(decimal.value(text)?, out))
}

/// Append an integer's digits, without `+` and leading zeros.
fn push_digits(text: &[u8], out: &mut Vec<u8>) {
    let digits = significant(text);
    if text[0] == b'-' && digits != b"0" {
        out.push(b'-');
    }
    out.extend_from_slice(digits);
}

/// Return the digits of an integer's text, without sign and leading zeros.
pub fn significant(text: &[u8]) -> &[u8] {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros.min(digits.len() - 1)..]
}

/// Append the canonical text of a finite double.
pub fn push_value(value: f64, out: &mut Vec<u8>) -> Numeric {
    if value.fract() == 0.0 && value.abs() <= SAFE_INTEGER {
        use std::io::Write;
        // Writing to a vector cannot fail.
        let _ = write!(out, "{}", value as i64);
        return Numeric::Integer;
    }
    push_double(value, out);
    Numeric::Number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<(String, Numeric), Stop> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(text.len() + 64, 0);
        let mut out = Vec::new();
        let found = push_number(&bytes, 0, text.len(), &mut out)?;
        Ok((String::from_utf8(out).unwrap(), found))
    }

    #[test]
    fn numbers_have_one_text() {
        use Numeric::{Integer, Number};
        for (text, wanted, kind) in [
            ("43", "43", Integer),
            ("43.0", "43", Integer),
            ("4.3E1", "43", Integer),
            ("-0", "0", Integer),
            ("-0.00", "0", Integer),
            ("007", "7", Integer),
            ("-007", "-7", Integer),
            ("+5", "5", Integer),
            (".5", "0.5", Number),
            ("5.", "5", Integer),
            ("1.50", "1.5", Number),
            ("100.0", "100", Integer),
            ("0.10000000000000001", "0.1", Number),
            ("0.30000000000000004", "0.30000000000000004", Number),
            ("1e-400", "0", Integer),
            ("12345678901234567890123", "12345678901234567890123", Integer),
            ("9007199254740993.0", "9007199254740992", Integer),
            ("9007199254740994.0", "9007199254740994", Number),
            ("1E5", "100000", Integer),
            ("-2.5e-3", "-0.0025", Number),
        ] {
            assert_eq!(canonical(text), Ok((wanted.to_string(), kind)), "{}", text);
        }
    }

    #[test]
    fn texts_that_are_no_number_are_declined() {
        for text in ["x", "1e400", "", "-", ".", "1e", "1e+", "nan", "inf", "1_0", "0x1", "1.2.3", "--1", "1 "] {
            assert_eq!(canonical(text), Err(Stop::Decline), "{:?}", text);
        }
    }
}
