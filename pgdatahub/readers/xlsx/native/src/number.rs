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
#[inline(always)]
pub fn push_value(value: f64, out: &mut Vec<u8>) -> Numeric {
    if value.abs() <= SAFE_INTEGER {
        let whole = value as i64;
        if whole as f64 == value {
            push_integer(whole, out);
            return Numeric::Integer;
        }
        // No two texts of 15 digits denote one double, so one of so few digits is the shortest.
        let scaled = value * SCALE;
        if scaled.abs() < 1e15 {
            let nearest = (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i64;
            if nearest as f64 / SCALE == value {
                return push_scaled(nearest, SCALE_PLACES, out);
            }
        }
    }
    push_double(value, out);
    Numeric::Number
}

/// Decimal places that are tried before the search for the shortest digits, which takes several times as long.
const SCALE_PLACES: usize = 4;
const SCALE: f64 = POWERS[SCALE_PLACES];
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
    2021222324252627282930313233343536373839\
    4041424344454647484950515253545556575859\
    6061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899";

/// Append an integer.
#[inline(always)]
pub fn push_integer(value: i64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut at = text.len();
    let mut left = value.unsigned_abs();
    while left >= 100 {
        let pair = (left % 100) as usize * 2;
        left /= 100;
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    let pair = left as usize * 2;
    at -= 2;
    text[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    at += (left < 10) as usize;
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&text[at..]);
}

/// Append an integer divided by ten to the power of `places`, without zeros at the end.
pub fn push_scaled(value: i64, places: usize, out: &mut Vec<u8>) -> Numeric {
    let (mut value, mut places) = (value, places);
    while places > 0 && value % 10 == 0 {
        value /= 10;
        places -= 1;
    }
    if places == 0 {
        push_integer(value, out);
        return Numeric::Integer;
    }
    let power = 10i64.pow(places as u32);
    if value < 0 {
        out.push(b'-');
    }
    push_integer(value.abs() / power, out);
    let point = out.len();
    push_integer(value.abs() % power + power, out); // a 1 before the places, which the point replaces
    out[point] = b'.';
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
    fn doubles_have_their_shortest_digits() {
        let mut state = 88172645463325252u64;
        for index in 0..100_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let size = 10f64.powi((state % 17) as i32);
            let value = match index % 3 {
                0 => (state >> 20) as f64 / size,
                1 => -((state >> 40) as f64) / 100.0,
                _ => f64::from_bits(state),
            };
            if !value.is_finite() || value.fract() == 0.0 {
                continue;
            }
            let (mut out, mut wanted) = (Vec::new(), Vec::new());
            push_value(value, &mut out);
            push_double(value, &mut wanted);
            assert_eq!(out, wanted, "{}", value);
        }
    }

    #[test]
    fn integers_are_written_out() {
        for value in [0, 1, -1, 9, 10, 99, 100, -12345, 1_000_000, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            push_integer(value, &mut out);
            assert_eq!(out, value.to_string().as_bytes());
        }
        for (value, places, wanted) in
            [(5, 2, "0.05"), (-150, 2, "-1.5"), (100, 2, "1"), (0, 2, "0"), (-1, 4, "-0.0001")]
        {
            let mut out = Vec::new();
            push_scaled(value, places, &mut out);
            assert_eq!(out, wanted.as_bytes());
        }
    }

    #[test]
    fn texts_that_are_no_number_are_declined() {
        for text in ["x", "1e400", "", "-", ".", "1e", "1e+", "nan", "inf", "1_0", "0x1", "1.2.3", "--1", "1 "] {
            assert_eq!(canonical(text), Err(Stop::Decline), "{:?}", text);
        }
    }
}
