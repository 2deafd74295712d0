//! Text of cells: from XML to one field of `COPY … (FORMAT text, NULL '')`.
//!
//! Backslash, tab, newline and carriage return are escaped, `_xHHHH_` stands for a UTF-16 unit (ECMA-376 part 1,
//! 22.9.2.19), NUL and unpaired surrogates are removed, and text of white space alone is an empty field.

use crate::bytes::{is_plain, push};
use crate::references::resolve;
use crate::Stop;

/// Append the field of a text without markup, `bytes[from..to]` of a padded buffer; set `cleaned` if characters were
/// removed. `_xHHHH_` stands for a unit if `units` is set.
#[inline(always)]
pub fn push_raw(
    bytes: &[u8],
    from: usize,
    to: usize,
    units: bool,
    out: &mut Vec<u8>,
    cleaned: &mut bool,
) -> Result<(), Stop> {
    if is_plain(bytes, from, to) {
        if bytes[from..to].iter().any(|&byte| byte != b' ') {
            push(out, bytes, from, to);
        }
        return Ok(());
    }
    if push_common(&bytes[from..to], units, out) {
        return Ok(());
    }
    let mut text = Vec::with_capacity(to - from);
    resolve(&bytes[from..to], &mut text).ok_or(Stop::Decline)?;
    if units {
        push_decoded(&text, out, cleaned);
    } else {
        push_storable(&text, out);
    }
    Ok(())
}

/// Append the field of a text with the usual references, escapes and characters beyond ASCII.
///
/// Return false, with nothing appended, for a text that needs a closer look.
fn push_common(raw: &[u8], units: bool, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.reserve(2 * raw.len());
    let mut visible = false;
    let mut at = 0;
    while at < raw.len() {
        let byte = raw[at];
        at += 1;
        match byte {
            b'&' => {
                let (character, length) = match &raw[at..] {
                    [b'a', b'm', b'p', b';', ..] => (b'&', 4),
                    [b'l', b't', b';', ..] => (b'<', 3),
                    [b'g', b't', b';', ..] => (b'>', 3),
                    [b'q', b'u', b'o', b't', b';', ..] => (b'"', 5),
                    [b'a', b'p', b'o', b's', b';', ..] => (b'\'', 5),
                    _ => {
                        out.truncate(start);
                        return false;
                    }
                };
                out.push(character);
                at += length;
                visible = true;
            }
            b'\\' => {
                out.extend_from_slice(b"\\\\");
                visible = true;
            }
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'_' if units && raw.get(at) == Some(&b'x') => {
                out.truncate(start);
                return false;
            }
            b'>' if at > 2 && raw[at - 3..at - 1] == *b"]]" => {
                out.truncate(start);
                return false;
            }
            0..=0x1f => {
                out.truncate(start);
                return false;
            }
            // These begin the white space beyond ASCII; the others follow in a character.
            b' ' | 0xC2 | 0xE1 | 0xE2 | 0xE3 | 0x80..=0xBF => out.push(byte),
            _ => {
                out.push(byte);
                visible = true;
            }
        }
    }
    if !visible {
        out.truncate(start);
    }
    visible
}

/// Append the field of a text with references resolved.
pub fn push_decoded(text: &[u8], out: &mut Vec<u8>, cleaned: &mut bool) {
    if text.windows(2).any(|pair| pair == b"_x") {
        let decoded = decode_units(text, cleaned);
        push_storable(&decoded, out);
    } else {
        push_storable(text, out);
    }
}

/// Append the field of a text as it is, without a look at `_xHHHH_`.
pub fn push_storable(text: &[u8], out: &mut Vec<u8>) {
    if is_blank(text) {
        return;
    }
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            byte => out.push(byte),
        }
    }
}

/// Return whether a text is white space alone, or empty.
pub fn is_blank(text: &[u8]) -> bool {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().all(is_white),
        Err(_) => false,
    }
}

/// Return whether a character is white space, as Python's `str.isspace` understands it.
pub fn is_white(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

fn decode_units(text: &[u8], cleaned: &mut bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let unit = match unit_at(text, at) {
            Some(unit) => unit,
            None => {
                decoded.push(text[at]);
                at += 1;
                continue;
            }
        };
        at += 7;
        let character = match (unit, unit_at(text, at)) {
            (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
                at += 7;
                char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            }
            _ => char::from_u32(unit),
        };
        match character {
            None | Some('\0') => *cleaned = true,
            Some(character) => decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    decoded
}

/// Return the UTF-16 unit that `_xHHHH_` at `at` stands for.
fn unit_at(text: &[u8], at: usize) -> Option<u32> {
    match text.get(at..at + 7)? {
        [b'_', b'x', digits @ .., b'_'] => {
            digits.iter().try_fold(0, |unit, &digit| Some(unit * 16 + (digit as char).to_digit(16)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(raw: &str) -> (String, bool) {
        let mut bytes = raw.as_bytes().to_vec();
        bytes.resize(raw.len() + 64, 0);
        let (mut out, mut cleaned) = (Vec::new(), false);
        push_raw(&bytes, 0, raw.len(), true, &mut out, &mut cleaned).unwrap();
        (String::from_utf8(out).unwrap(), cleaned)
    }

    #[test]
    fn text_becomes_a_field() {
        for (raw, wanted) in [
            ("plain text that is longer than 32 bytes", "plain text that is longer than 32 bytes"),
            (" kept ", " kept "),
            ("a\\b\tc\nd\r\ne", "a\\\\b\\tc\\nd\\ne"),
            ("caf\u{e9} &amp; &lt;b&gt; &#65;", "caf\u{e9} & <b> A"),
            ("   ", ""),
            ("\u{a0}\u{2003}", ""),
            ("\u{a0}x", "\u{a0}x"),
            ("_x000D_", ""),
            ("a_x000D_", "a\\r"),
            ("_xD83D__xDE00_", "\u{1f600}"),
            ("_x005F_x0041_", "_x0041_"),
            ("_xyz_ _x12", "_xyz_ _x12"),
        ] {
            assert_eq!(field(raw), (wanted.to_string(), false), "{:?}", raw);
        }
    }

    #[test]
    fn characters_that_no_database_stores_are_removed() {
        assert_eq!(field("a_x0000_b"), ("ab".to_string(), true));
        assert_eq!(field("_xD800_"), ("".to_string(), true));
        assert_eq!(field("_xDE00__xD83D_x"), ("x".to_string(), true));
    }
}
