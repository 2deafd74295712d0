//! Doubles to the digits that PostgreSQL writes, in plain decimal notation.

use std::io::Write;

/// The integers up to here are doubles exactly, one by one.
pub const SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Append the shortest digits that denote a finite double, of those the nearest.
pub fn push_double(value: f64, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing to a vector cannot fail.
    let _ = if value.abs() < 1e16 { write!(out, "{}", value) } else { push_large(value, out) };
    if out.len() - start >= 16 && value.abs() < 1e16 {
        settle_tie(value, start, out);
    }
}

/// Take the even one of two shortest texts that are equally near to a double, as PostgreSQL does; the standard library
/// takes the larger one.
///
/// A double of `n` binary digits behind the point has exactly `n` decimal ones, the last of them a 5. So it lies half-way
/// between two texts of one digit less.
fn settle_tie(value: f64, start: usize, out: &mut Vec<u8>) {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32 - 1075;
    let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
    let places = -(exponent + mantissa.trailing_zeros() as i32);
    let written = out[start..].iter().rev().take_while(|&&byte| byte != b'.').count();
    if places < 2 || written + 1 != places as usize {
        return;
    }
    let mut exact = format!("{:.*}", written + 1, value).into_bytes();
    exact.pop();
    if let Some(last) = exact.last_mut() {
        *last += *last & 1; // never a 9, or a text of fewer digits would do
    }
    let text = std::str::from_utf8(&exact).unwrap_or_default();
    if text.parse() == Ok(value) {
        out.truncate(start);
        out.extend_from_slice(&exact);
    }
}

/// Append the digits of a double from 10^16 on.
///
/// PostgreSQL's algorithm (Ryu) takes no number that is as near to another double; from 2^54 on such numbers can be the
/// shortest, and the standard library takes them.
fn push_large(value: f64, out: &mut Vec<u8>) -> std::io::Result<()> {
    let size = value.abs();
    let shortest = format!("{:e}", size);
    let fewest = shortest.bytes().take_while(|&byte| byte != b'e').filter(u8::is_ascii_digit).count();
    for digits in fewest..17 {
        let (mantissa, zeros) = rounded(size, digits);
        // Below a power of two doubles are nearer to each other than above, so the nearest may be out of reach and the
        // next one within.
        for candidate in [mantissa, mantissa + 1] {
            if denotes(candidate, zeros, size) {
                return push_whole(value < 0.0, candidate, zeros, out);
            }
        }
    }
    let (mantissa, zeros) = rounded(size, 17);
    push_whole(value < 0.0, mantissa, zeros, out)
}

/// Return the nearest number of so many digits as these digits and a number of zeros behind them.
fn rounded(size: f64, digits: usize) -> (u64, u32) {
    let text = format!("{:.*e}", digits - 1, size);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.bytes().filter(u8::is_ascii_digit).fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    let exponent: u32 = exponent.parse().unwrap_or(0);
    (mantissa, (exponent + 1).saturating_sub(digits as u32))
}

/// Return whether `mantissa × 10^zeros` is nearer to `size` than to any other double.
fn denotes(mantissa: u64, zeros: u32, size: f64) -> bool {
    format!("{}e{}", mantissa, zeros).parse() == Ok(size) && !is_midway(mantissa, zeros)
}

/// Return whether `mantissa × 10^zeros` lies half-way between two doubles: it then has 54 significant bits.
fn is_midway(mantissa: u64, zeros: u32) -> bool {
    if mantissa == 0 || zeros > 23 {
        return false; // 5^24 has more than 54 bits
    }
    let odd = u128::from(mantissa >> mantissa.trailing_zeros()) * 5u128.pow(zeros);
    128 - odd.leading_zeros() == 54
}

fn push_whole(negative: bool, mantissa: u64, zeros: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
    let sign = if negative { "-" } else { "" };
    write!(out, "{}{}{:0<width$}", sign, mantissa, "", width = zeros as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        push_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn digits_are_the_servers() {
        // PostgreSQL 16: SELECT value::float8::text::numeric::text
        for (value, wanted) in [
            (0.1, "0.1"),
            (1e-7, "0.0000001"),
            (123456.789, "123456.789"),
            (9007199254740994.0, "9007199254740994"),
            (1e16, "10000000000000000"),
            (39984794546555744.0, "39984794546555744"),
            (-1e22, "-10000000000000000000000"),
            (637_637_799_964_508.2, "637637799964508.2"),
            (-637_637_799_964_508.8, "-637637799964508.8"),
            (637_637_799_964_509.2, "637637799964509.2"),
            (9007199254740993e3, "9007199254740993000"),
        ] {
            assert_eq!(text(value), wanted);
        }
    }

    #[test]
    fn digits_denote_the_same_double() {
        let mut state = 88172645463325252u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let value = f64::from_bits(state);
            if value.is_finite() {
                assert_eq!(text(value).parse(), Ok(value));
            }
        }
    }
}
