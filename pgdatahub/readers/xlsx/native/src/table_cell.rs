//! The start tag of a cell of OpenDocument, and the value that its attributes give.

use crate::bytes::{find, is_space};
use crate::cell::Source;
use crate::references::has_references;
use crate::table_names::{attribute, TableNames};
use crate::xml::Reader;
use crate::Stop;

/// Where a text stands in the input.
pub type Range = (usize, usize);

/// A start tag.
#[derive(Clone, Copy)]
pub struct Tag {
    ranges: [Range; attribute::COUNT],
    seen: u32,
    /// The element is empty.
    pub closed: bool,
}

/// The value of a cell's attributes.
pub enum Typed {
    /// They have none.
    Nothing,
    /// A text of this kind, without white space around it.
    Value(Source, Range),
    /// A text as it stands.
    Text(Range),
}

impl Tag {
    /// Read the rest of a start tag from `at` on, written as nearly all programs write it; return the position behind it.
    ///
    /// None for anything unusual, which [`Tag::of`] then takes.
    #[inline(always)]
    pub fn read(bytes: &[u8], mut at: usize, end: usize, names: &TableNames) -> Option<(Tag, usize)> {
        let mut tag = Tag { ranges: [(0, 0); attribute::COUNT], seen: 0, closed: false };
        loop {
            if at + 1 >= end {
                return None;
            }
            match bytes[at] {
                b'>' => return Some((tag, at + 1)),
                b'/' if bytes[at + 1] == b'>' => {
                    tag.closed = true;
                    return Some((tag, at + 2));
                }
                b' ' => at += 1,
                _ => return None,
            }
            let rest = &bytes[at..];
            let index = names.attributes.iter().position(|name| rest.starts_with(name))?;
            let from = at + names.attributes[index].len();
            let to = find(bytes, from, end, b'"');
            if to >= end || tag.seen >> index & 1 == 1 {
                return None;
            }
            let value = &bytes[from..to];
            if value.iter().any(|&byte| byte == b'<' || byte == b'&') {
                let is_sound = index == attribute::FORMULA && !value.contains(&b'<') && has_references(value);
                if !is_sound {
                    return None;
                }
            }
            tag.seen |= 1 << index;
            tag.ranges[index] = (from, to);
            at = to + 1;
        }
    }

    /// Return the start tag that a reader read last.
    pub fn of(reader: &Reader<'_>, closed: bool, names: &TableNames) -> Tag {
        let mut tag = Tag { ranges: [(0, 0); attribute::COUNT], seen: 0, closed };
        for found in &reader.attributes {
            let name = |known: &Vec<u8>| known.len() == found.name.len() + 2 && known.starts_with(found.name);
            if let Some(index) = names.attributes.iter().position(name) {
                tag.seen |= 1 << index;
                tag.ranges[index] = (found.at, found.at + found.value.len());
            }
        }
        tag
    }

    /// Return whether an attribute is there.
    #[inline(always)]
    pub fn has(&self, index: usize) -> bool {
        self.seen >> index & 1 == 1
    }

    /// Return whether no attribute is there but those of `allowed`, a bit for each.
    pub fn has_only(&self, allowed: u32) -> bool {
        self.seen & !allowed == 0
    }

    /// Return where an attribute's value stands, None if there is none or if it is empty.
    #[inline(always)]
    pub fn range(&self, index: usize) -> Option<Range> {
        if self.ranges[index].0 < self.ranges[index].1 {
            Some(self.ranges[index])
        } else {
            None
        }
    }

    /// Return an attribute's value as it stands, empty if there is none.
    #[inline(always)]
    pub fn text<'a>(&self, index: usize, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.ranges[index].0..self.ranges[index].1]
    }

    /// Return how many cells the cell stands for.
    #[inline(always)]
    pub fn repeated(&self, bytes: &[u8]) -> Result<u64, Stop> {
        if self.has(attribute::REPEATED) {
            count(self.text(attribute::REPEATED, bytes))
        } else {
            Ok(1)
        }
    }

    /// Return the value that the attributes give.
    #[inline(always)]
    pub fn typed(&self, bytes: &[u8]) -> Result<Typed, Stop> {
        let (source, index) = match self.text(attribute::VALUE_TYPE, bytes) {
            b"float" | b"percentage" | b"currency" => (Source::Number, attribute::VALUE),
            b"date" => (Source::DateValue, attribute::DATE_VALUE),
            b"time" => (Source::TimeValue, attribute::TIME_VALUE),
            b"boolean" => (Source::Boolean, attribute::BOOLEAN_VALUE),
            b"" if !self.has(attribute::VALUE_TYPE) => return Ok(Typed::Nothing),
            kind if kind.contains(&b'&') => return Err(Stop::Decline),
            _ if !self.has(attribute::STRING_VALUE) => return Ok(Typed::Nothing),
            _ => return Ok(Typed::Text(self.ranges[attribute::STRING_VALUE])),
        };
        let (from, to) = match self.range(index) {
            Some(range) => range,
            None => return Ok(Typed::Nothing),
        };
        let text = &bytes[from..to];
        // White space around a value, and references, are for the caller.
        if !is_visible(text[0]) || !is_visible(text[text.len() - 1]) || text.contains(&b'&') {
            return Err(Stop::Decline);
        }
        match (source, text) {
            (Source::Boolean, b"true" | b"false" | b"0" | b"1") => {}
            (Source::Boolean, [b'+' | b'-' | b'.' | b'0'..=b'9', ..]) => {
                return Ok(Typed::Value(Source::Number, (from, to)))
            }
            (Source::Boolean, _) => return Err(Stop::Decline),
            _ => {}
        }
        if matches!(source, Source::DateValue | Source::TimeValue) && text.iter().any(|&byte| is_space(byte)) {
            return Err(Stop::Decline);
        }
        Ok(Typed::Value(source, (from, to)))
    }
}

/// Return whether a byte is a character of ASCII that is not white space.
#[inline(always)]
pub fn is_visible(byte: u8) -> bool {
    (0x21..0x7F).contains(&byte)
}

/// Return the number of an attribute that counts, at least 1; 1 if it is not a number.
pub fn count(text: &[u8]) -> Result<u64, Stop> {
    if text.is_empty() || text.len() > 11 || !text.iter().all(u8::is_ascii_digit) {
        return Err(Stop::Decline);
    }
    Ok(text.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')).max(1))
}
