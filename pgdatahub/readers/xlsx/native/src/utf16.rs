//! Text of UTF-16 units, as binary records hold it, to one field of `COPY`.
//!
//! As in `text`, but without a look at `_xHHHH_`, which is text there.

use crate::text::is_white;
use std::convert::TryInto;

/// Return the characters of little-endian units; halves of surrogate pairs are errors.
fn characters(units: &[u8]) -> impl Iterator<Item = Result<char, std::char::DecodeUtf16Error>> + '_ {
    char::decode_utf16(units.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])))
}

/// Return whether a text is white space alone, or empty.
pub fn is_blank_utf16(units: &[u8]) -> bool {
    match units {
        [0x21..=0x7e, 0, ..] => false,
        _ => characters(units).all(|character| character.map_or(false, is_white)),
    }
}

/// Append the field of a text; set `cleaned` if characters were removed that no database can store.
pub fn push_utf16(units: &[u8], out: &mut Vec<u8>, cleaned: &mut bool) {
    let start = out.len();
    out.reserve(units.len());
    let mut rest = units;
    let mut visible = false;
    // Four characters at a time, as long as they stand in a field as they are.
    while let Some(four) = rest.get(..8) {
        let word = u64::from_le_bytes(four.try_into().unwrap_or_default());
        let bytes = [word as u8, (word >> 16) as u8, (word >> 32) as u8, (word >> 48) as u8];
        if word & 0xFF80_FF80_FF80_FF80 != 0 || bytes.iter().any(|&byte| byte < b' ' || byte == b'\\') {
            break;
        }
        visible |= bytes != *b"    ";
        out.extend_from_slice(&bytes);
        rest = &rest[8..];
    }
    for character in characters(rest) {
        let character = match character {
            Ok(character) if character != '\0' => character,
            _ => {
                *cleaned = true;
                continue;
            }
        };
        visible = visible || !is_white(character);
        match character {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\r' => out.extend_from_slice(b"\\r"),
            character if character.is_ascii() => out.push(character as u8),
            character => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if !visible {
        out.truncate(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn units_become_a_field() {
        for (text, wanted, is_cleaned) in [
            ("plain text, long enough", "plain text, long enough", false),
            ("a\\b\tc\nd\r", "a\\\\b\\tc\\nd\\r", false),
            ("caf\u{e9} \u{1f600}", "caf\u{e9} \u{1f600}", false),
            ("        \u{a0}", "", false),
            ("     x", "     x", false),
            ("_x0041_", "_x0041_", false),
            ("a\0b", "ab", true),
            (" \0 ", "", true),
        ] {
            let (mut out, mut cleaned) = (Vec::new(), false);
            push_utf16(&units(text), &mut out, &mut cleaned);
            assert_eq!((String::from_utf8(out).unwrap().as_str(), cleaned), (wanted, is_cleaned), "{:?}", text);
        }
        let (mut out, mut cleaned) = (Vec::new(), false);
        push_utf16(&[0x3d, 0xd8, b'x', 0, 0, 0xde], &mut out, &mut cleaned);
        assert_eq!((out.as_slice(), cleaned), (&b"x"[..], true));
    }

    #[test]
    fn a_removed_character_is_not_white_space() {
        assert!(is_blank_utf16(&units(" \t\u{3000}")));
        assert!(is_blank_utf16(b""));
        assert!(!is_blank_utf16(&units(" \0")));
        assert!(!is_blank_utf16(&units("x")));
    }
}
