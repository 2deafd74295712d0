//! Character data of XML: references, line ends, and what a parser would not accept.

/// Return whether an XML parser accepts character data: its references, and no `]]>`.
pub fn is_sound(raw: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = raw[at..].iter().position(|&byte| byte == b'&' || byte == b'>') {
        at += found;
        if raw[at] == b'>' {
            if raw[..at].ends_with(b"]]") {
                return false;
            }
            at += 1;
        } else {
            match reference(&raw[at..]) {
                Some((_, length)) => at += length,
                None => return false,
            }
        }
    }
    true
}

/// Return whether each `&` of an attribute's value begins a reference.
pub fn has_references(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|&byte| byte == b'&') {
        match reference(&rest[at..]) {
            Some((_, length)) => rest = &rest[at + length..],
            None => return false,
        }
    }
    true
}

/// Return the character of the reference that `raw` begins with, and the reference's length; None if it is not valid.
pub fn reference(raw: &[u8]) -> Option<(char, usize)> {
    let length = raw.iter().take(14).position(|&byte| byte == b';')?;
    let character = match &raw[1..length] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', digits @ ..] => numbered(digits, 16)?,
        [b'#', digits @ ..] => numbered(digits, 10)?,
        _ => return None,
    };
    Some((character, length + 1))
}

fn numbered(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let mut code = 0u32;
    for &digit in digits {
        code = code.checked_mul(radix)?.checked_add((digit as char).to_digit(radix)?)?;
    }
    // https://www.w3.org/TR/xml/#charsets
    match code {
        9 | 10 | 13 | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF => char::from_u32(code),
        _ => None,
    }
}

/// Append character data with references resolved and line ends as XML has them; None if a parser would not accept it.
pub fn resolve(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut at = 0;
    while at < raw.len() {
        match raw[at] {
            b'&' => {
                let (character, length) = reference(&raw[at..])?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length;
                continue;
            }
            b'\r' => {
                out.push(b'\n');
                at += (raw.get(at + 1) == Some(&b'\n')) as usize;
            }
            b'>' if raw[..at].ends_with(b"]]") => return None,
            byte => out.push(byte),
        }
        at += 1;
    }
    Some(())
}

/// Append the text of a CDATA section, in which only line ends are changed.
pub fn resolve_data(raw: &[u8], out: &mut Vec<u8>) {
    for (at, &byte) in raw.iter().enumerate() {
        match byte {
            b'\r' => out.push(b'\n'),
            b'\n' if at > 0 && raw[at - 1] == b'\r' => {}
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(raw: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        resolve(raw, &mut out).map(|()| out)
    }

    #[test]
    fn references_resolve_to_characters_of_xml() {
        assert_eq!(resolved(b"a&amp;b&#x41;&#66;\r\nc\r").unwrap(), b"a&bAB\nc\n");
        for raw in [&b"&bad;"[..], b"&#0;", b"&#xD800;", b"&#xFFFF;", b"&#;", b"&#x;", b"& ", b"&", b"a]]>b", b"&#1;"] {
            assert_eq!(resolved(raw), None, "{:?}", raw);
            assert!(!is_sound(raw), "{:?}", raw);
        }
    }
}
