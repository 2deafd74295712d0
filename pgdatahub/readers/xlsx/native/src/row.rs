//! Rows as nearly all writers write them: one look at each byte, no general XML.
//!
//! Anything unusual makes [`Row::read`] give up on the row; `row_general` then reads it from its beginning.

use crate::bytes::{find, is_space, load8};
use crate::cell::{is_blank_value, Cell, Source};
use crate::xml::is_sound;
use crate::{Limits, Stop};

/// A row that was read.
#[derive(Default)]
pub struct Row {
    /// Its number, from 1.
    pub number: u32,
    /// It is hidden.
    pub hidden: bool,
    /// Its cells with a value.
    pub cells: Vec<Cell>,
    /// Texts of decoded cells, padded.
    pub decoded: Vec<u8>,
}

/// What a row is read with.
pub struct Context<'a> {
    /// The input; zeros follow behind `end`.
    pub bytes: &'a [u8],
    /// The end of what may be read.
    pub end: usize,
    /// The number of the row before.
    pub last_row: u32,
    /// Bounds.
    pub limits: &'a Limits,
    /// The prefixes that the document declares.
    pub prefixes: &'a [Vec<u8>],
    /// White space around `<t>` without `xml:space="preserve"` is trimmed.
    pub trim: bool,
}

/// Bytes as a word, for a comparison with eight bytes of input.
const fn word(text: &[u8]) -> u64 {
    let mut all = 0;
    let mut at = text.len();
    while at > 0 {
        at -= 1;
        all = all << 8 | text[at] as u64;
    }
    all
}

/// Return whether the word that was loaded begins with a text of so many bytes.
#[inline(always)]
fn begins(loaded: u64, text: &[u8]) -> bool {
    (loaded ^ word(text)) << (64 - 8 * text.len()) == 0
}

impl Row {
    /// Read the row that begins at `at` with `<row`; return the position behind it, None if it is for the general way.
    #[inline(always)]
    pub fn read(&mut self, at: usize, context: &Context<'_>) -> Result<Option<usize>, Stop> {
        self.cells.clear();
        let (mut at, closed) = match self.start(at + 4, context) {
            Some(found) => found,
            None => return Ok(None),
        };
        if self.number <= context.last_row || self.number > context.limits.rows {
            return Err(Stop::Decline);
        }
        if !closed {
            at = match self.read_cells(at, context) {
                Some(at) => at,
                None => return Ok(None),
            };
        }
        // Beyond the end only zeros stand, or bytes that are not characters of XML.
        Ok(if at <= context.end { Some(at) } else { None })
    }

    /// Read the rest of the row's start tag.
    #[inline(always)]
    fn start(&mut self, mut at: usize, context: &Context<'_>) -> Option<(usize, bool)> {
        let bytes = context.bytes;
        self.number = context.last_row + 1;
        self.hidden = false;
        let mut seen = 0u32;
        loop {
            match bytes[at] {
                b'>' => return Some((at + 1, false)),
                b'/' if bytes[at + 1] == b'>' => return Some((at + 2, true)),
                b' ' => at += 1,
                _ => return None,
            }
            let (name, value, after) = attribute(bytes, at, context.end)?;
            let bit = match name {
                b"r" => {
                    self.number = row_number(value)?;
                    0
                }
                b"hidden" => {
                    self.hidden = matches!(value, b"1" | b"true" | b"on");
                    1
                }
                b"spans" => 2,
                b"ht" => 3,
                b"customHeight" => 4,
                b"s" => 5,
                b"customFormat" => 6,
                b"outlineLevel" => 7,
                b"collapsed" => 8,
                b"thickBot" => 9,
                b"thickTop" => 10,
                b"x14ac:dyDescent" if context.prefixes.iter().any(|prefix| prefix == b"x14ac") => 11,
                _ => return None,
            };
            if seen >> bit & 1 == 1 {
                return None;
            }
            seen |= 1 << bit;
            at = after;
        }
    }

    #[inline(always)]
    fn read_cells(&mut self, mut at: usize, context: &Context<'_>) -> Option<usize> {
        let bytes = context.bytes;
        let end = context.end;
        let address = Address::new(self.number);
        let mut next = 0; // the position of a cell without an address: no cell of the row is there or beyond
        let mut total = 0;
        loop {
            if at >= end {
                return None;
            }
            let loaded = load8(bytes, at);
            if !begins(loaded, b"<c") {
                if begins(loaded, b"</row>") {
                    return Some(at + 6);
                }
                if is_space(loaded as u8) {
                    at += 1;
                    continue;
                }
                return None;
            }
            let (tag, after) = Tag::read(bytes, at + 2, end, next, &address)?;
            at = after;
            if tag.column < next || tag.column >= context.limits.columns {
                return None;
            }
            next = tag.column + 1;
            if tag.closed {
                continue;
            }
            let (from, to, source, after) = value(bytes, at, end, &tag, context.trim)?;
            at = after;
            if from == to || (bytes[from] <= b' ' && is_blank_value(source, &bytes[from..to])) {
                continue;
            }
            total += to - from;
            if to - from > context.limits.cell_bytes || total > context.limits.row_bytes {
                return None;
            }
            self.cells.push(Cell { column: tag.column, source, style: tag.style, from, to, decoded: false });
        }
    }
}

/// Return name, value and the position behind the attribute at `at`; None if it is written in an unusual way.
#[inline(always)]
fn attribute(bytes: &[u8], at: usize, end: usize) -> Option<(&[u8], &[u8], usize)> {
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

/// Return the row number that digits denote, None if there are none, too many, or others.
pub fn row_number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 8 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// The row's number with the quote behind it, as it stands in the address of each cell of the row.
struct Address {
    wanted: u64,
    mask: u64,
    length: usize,
}

impl Address {
    fn new(number: u32) -> Self {
        let mut text = number.to_string();
        text.push('"');
        let length = text.len().min(8);
        Address { wanted: word(&text.as_bytes()[..length]), mask: u64::MAX >> (64 - 8 * length), length }
    }
}

/// The start tag of a cell.
struct Tag {
    column: u32,
    style: u32,
    source: Source,
    inline: bool,
    string: bool,
    closed: bool,
}

impl Tag {
    /// Read what follows `<c`.
    #[inline(always)]
    fn read(bytes: &[u8], mut at: usize, end: usize, next: u32, address: &Address) -> Option<(Tag, usize)> {
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
fn value(bytes: &[u8], at: usize, end: usize, tag: &Tag, trim: bool) -> Option<(usize, usize, Source, usize)> {
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
        if trim && !preserved && (text.first().map_or(false, trims) || text.last().map_or(false, |b| trims(b) || *b == b';')) {
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
        return Some((from, from, tag.source, to + 8)); // a formula whose result is no text
    }
    Some((from, from + 1, Source::Uncached, to + 8))
}
