//! Cells as nearly all writers write them: start tag, value, end tag, compared eight bytes at a time.
//!
//! Functions return None for anything unusual, which the general way then reads.

use crate::bytes::{begins, find, is_space, load8, word};
use crate::cell::Source;
use crate::references::is_sound;

/// Return name, value and the position behind the attribute at `at`; None if it is written in an unusual way.
#[inline(always)]
pub fn attribute(bytes: &[u8], at: usize, end: usize) -> Option<(&[u8], &[u8], usize)> {
    let mut equals = at;
    while bytes[equals].is_ascii_alphanumeric() || bytes[equals] == b':' {
        equals += 1;
    }
    if equals == at || bytes[equals] != b'=' || bytes[equals + 1] != b'"' {
        return None;
    }
    let from = equals + 2;
    let to = find(bytes, from, end, b'"');
    let value = &bytes[from..to.max(from)];
    if to >= end || value.iter().any(|&byte| byte == b'<' || byte == b'&') {
        return None;
    }
    Some((&bytes[at..equals], value, to + 1))
}

/// The row's number with the quote behind it, as it stands in the address of each cell of the row.
pub struct Address {
    wanted: u64,
    mask: u64,
    length: usize,
}

impl Address {
    /// Return the address of a row's cells without their letters.
    pub fn new(number: u32) -> Self {
        let mut text = number.to_string();
        text.push('"');
        let length = text.len().min(8);
        Address { wanted: word(&text.as_bytes()[..length]), mask: u64::MAX >> (64 - 8 * length), length }
    }
}

/// The start tag of a cell.
pub struct Tag {
    /// The position of its column.
    pub column: u32,
    /// The index of its style.
    pub style: u32,
    /// The understanding of its value.
    pub source: Source,
    /// The cell is empty.
    pub closed: bool,
    inline: bool,
    string: bool,
}

impl Tag {
    /// Read what follows `<c`.
    #[inline(always)]
    pub fn read(bytes: &[u8], mut at: usize, end: usize, next: u32, address: &Address) -> Option<(Tag, usize)> {
        let mut tag =
            Tag { column: next, style: u32::MAX, source: Source::Number, inline: false, string: false, closed: false };
        let mut seen = 0;
        loop {
            match bytes[at] {
                b'>' => return Some((tag, at + 1)),
                b'/' if bytes[at + 1] == b'>' => {
                    tag.closed = true;
                    return Some((tag, at + 2));
                }
                b' ' if at < end => {}
                _ => return None,
            }
            let loaded = load8(bytes, at + 1);
            at += 4;
            if begins(loaded, b"r=\"") && seen & 1 == 0 {
                seen |= 1;
                let mut column = 0;
                let from = at;
                loop {
                    let letter = (bytes[at] & 0xDF).wrapping_sub(b'A');
                    if letter > 25 || at - from > 3 {
                        break;
                    }
                    column = column * 26 + u32::from(letter) + 1;
                    at += 1;
                }
                if at == from || at - from > 3 || load8(bytes, at) & address.mask != address.wanted {
                    return None;
                }
                at += address.length;
                tag.column = column - 1;
            } else if begins(loaded, b"s=\"") && seen & 2 == 0 {
                seen |= 2;
                let from = at;
                let mut style = 0;
                while bytes[at].is_ascii_digit() && at - from < 8 {
                    style = style * 10 + u32::from(bytes[at] - b'0');
                    at += 1;
                }
                if at == from || bytes[at] != b'"' {
                    return None;
                }
                at += 1;
                tag.style = style;
            } else if begins(loaded, b"t=\"") && seen & 4 == 0 {
                seen |= 4;
                let loaded = load8(bytes, at);
                let (source, length) = if begins(loaded, b"s\"") {
                    (Source::Shared, 2)
                } else if begins(loaded, b"n\"") {
                    (Source::Number, 2)
                } else if begins(loaded, b"str\"") {
                    tag.string = true;
                    (Source::Text, 4)
                } else if begins(loaded, b"b\"") {
                    (Source::Boolean, 2)
                } else if begins(loaded, b"inlineSt") && bytes[at + 8] == b'r' && bytes[at + 9] == b'"' {
                    tag.inline = true;
                    (Source::Text, 10)
                } else if begins(loaded, b"e\"") {
                    (Source::Error, 2)
                } else if begins(loaded, b"d\"") {
                    (Source::Date, 2)
                } else {
                    return None;
                };
                tag.source = source;
                at += length;
            } else {
                return None;
            }
        }
    }
}

/// Return where the value of a cell begins and ends, its understanding, and the position behind `</c>`.
#[inline(always)]
pub fn value(bytes: &[u8], at: usize, end: usize, tag: &Tag, trim: bool) -> Option<(usize, usize, Source, usize)> {
    let loaded = load8(bytes, at);
    if begins(loaded, b"<v>") {
        let from = at + 3;
        let to = find(bytes, from, end, b'<');
        return if begins(load8(bytes, to), b"</v></c>") { Some((from, to, tag.source, to + 8)) } else { None };
    }
    if begins(loaded, b"</c>") {
        return Some((at, at, tag.source, at + 4));
    }
    if tag.inline && begins(loaded, b"<is><t") {
        let mut from = at + 6;
        let preserved = bytes[from..].starts_with(b" xml:space=\"preserve\"");
        if preserved {
            from += 21;
        }
        if bytes[from] != b'>' {
            return None;
        }
        from += 1;
        let to = find(bytes, from, end, b'<');
        if !bytes[to..].starts_with(b"</t></is></c>") {
            return None;
        }
        let text = &bytes[from..to];
        // A reference may be white space, too.
        let trims = |byte: &u8| is_space(*byte) || *byte == b'&';
        if trim
            && !preserved
            && (text.first().map_or(false, trims) || text.last().map_or(false, |b| trims(b) || *b == b';'))
        {
            return None;
        }
        return Some((from, to, Source::Text, to + 13));
    }
    if begins(loaded, b"<f") {
        return formula(bytes, at + 2, end, tag);
    }
    None
}

/// Read a cell's content from behind `<f` on.
#[inline(always)]
fn formula(bytes: &[u8], mut at: usize, end: usize, tag: &Tag) -> Option<(usize, usize, Source, usize)> {
    let mut names: [&[u8]; 6] = [b""; 6];
    let mut count = 0;
    while bytes[at] == b' ' {
        let (name, _, after) = attribute(bytes, at + 1, end)?;
        if count == names.len() || name.contains(&b':') || name == b"xmlns" || names[..count].contains(&name) {
            return None;
        }
        names[count] = name;
        count += 1;
        at = after;
    }
    if bytes[at] == b'/' && bytes[at + 1] == b'>' {
        at += 2;
    } else if bytes[at] == b'>' {
        let to = find(bytes, at + 1, end, b'<');
        if !begins(load8(bytes, to), b"</f>") || !is_sound(&bytes[at + 1..to]) {
            return None;
        }
        at = to + 4;
    } else {
        return None;
    }
    let loaded = load8(bytes, at);
    if begins(loaded, b"</c>") {
        return Some((at, at + 1, Source::Uncached, at + 4));
    }
    if !begins(loaded, b"<v>") {
        return None;
    }
    let from = at + 3;
    let to = find(bytes, from, end, b'<');
    if !begins(load8(bytes, to), b"</v></c>") {
        return None;
    }
    if from < to {
        return Some((from, to, tag.source, to + 8));
    }
    if tag.string {
        return Some((from, from, tag.source, to + 8)); // a formula whose result is not a text
    }
    Some((from, from + 1, Source::Uncached, to + 8))
}
