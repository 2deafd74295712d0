//! A strict reader of XML markup: elements, comments, CDATA; it declines what workbooks do not need.

use crate::bytes::{find, find_slice, is_space};
use crate::references::{has_references, is_sound};
use crate::Stop;

/// An attribute as it stands in a tag; its value has no reference unless the reader is lenient.
#[derive(Clone, Copy)]
pub struct Attribute<'a> {
    /// The name with its prefix.
    pub name: &'a [u8],
    /// The value between the quotes.
    pub value: &'a [u8],
    /// Where the value begins.
    pub at: usize,
}

/// A piece of markup.
pub enum Markup<'a> {
    /// A start tag; `closed` if the element is empty.
    Open {
        /// The element's name with its prefix.
        name: &'a [u8],
        /// The element ends with this tag.
        closed: bool,
    },
    /// An end tag with the element's name.
    Close(&'a [u8]),
    /// The text of a CDATA section.
    Data(&'a [u8]),
    /// A comment.
    Comment,
}

/// Reads markup from a position on.
pub struct Reader<'a> {
    /// The input; zeros follow behind `end`.
    pub bytes: &'a [u8],
    /// The position.
    pub at: usize,
    end: usize,
    longest: usize,
    prefixes: &'a [Vec<u8>],
    /// The attributes of the last start tag.
    pub attributes: Vec<Attribute<'a>>,
    /// Each prefix stands for a namespace of its own, and values of attributes may have references.
    pub lenient: bool,
}

impl<'a> Reader<'a> {
    /// Begin at `at`; markup has at most `longest` bytes, `prefixes` are declared.
    pub fn new(bytes: &'a [u8], at: usize, end: usize, longest: usize, prefixes: &'a [Vec<u8>]) -> Self {
        Reader { bytes, at, end, longest, prefixes, attributes: Vec::new(), lenient: false }
    }

    /// Return the end of the input.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Return the text up to the next markup, as it stands.
    pub fn text(&mut self) -> Result<&'a [u8], Stop> {
        let from = self.at;
        self.at = find(self.bytes, from, self.end, b'<');
        if self.at == self.end {
            return Err(Stop::More);
        }
        Ok(&self.bytes[from..self.at])
    }

    /// Skip white space up to the next markup; other text is declined.
    pub fn space(&mut self) -> Result<(), Stop> {
        if self.text()?.iter().all(|&byte| is_space(byte)) {
            Ok(())
        } else {
            Err(Stop::Decline)
        }
    }

    /// Return the markup at the position and go behind it.
    pub fn markup(&mut self) -> Result<Markup<'a>, Stop> {
        let start = self.at;
        if self.byte(start)? != b'<' {
            return Err(Stop::Decline);
        }
        let markup = match self.byte(start + 1)? {
            b'/' => self.close(),
            b'!' => self.declaration(),
            b'?' => Err(Stop::Decline),
            _ => self.open(),
        };
        match markup {
            Err(Stop::More) if self.end - start > self.longest => Err(Stop::Decline),
            Ok(_) if self.at - start > self.longest => Err(Stop::Decline),
            markup => markup,
        }
    }

    /// Skip the content of an element and its end tag; `name` is the element's. An element within it whose local name is one
    /// of `forbidden` is declined.
    pub fn skip(&mut self, name: &'a [u8], forbidden: &[&[u8]]) -> Result<(), Stop> {
        let mut open = vec![name];
        while let Some(&innermost) = open.last() {
            if !is_sound(self.text()?) {
                return Err(Stop::Decline);
            }
            match self.markup()? {
                Markup::Open { name, .. } if forbidden.contains(&local(name)) => return Err(Stop::Decline),
                Markup::Open { name, closed: false } if open.len() < 16 => open.push(name),
                Markup::Open { closed: true, .. } | Markup::Comment => {}
                Markup::Close(name) if name == innermost => {
                    open.pop();
                }
                _ => return Err(Stop::Decline),
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> Result<u8, Stop> {
        if at < self.end {
            Ok(self.bytes[at])
        } else {
            Err(Stop::More)
        }
    }

    fn name(&self, from: usize) -> Result<&'a [u8], Stop> {
        let mut at = from;
        let mut colon = 0;
        loop {
            match self.byte(at)? {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {}
                b'0'..=b'9' | b'-' | b'.' if at > from && at != colon + 1 => {}
                b':' if at > from && colon == 0 => colon = at,
                byte if byte >= 0x80 => return Err(Stop::Decline),
                _ => break,
            }
            at += 1;
        }
        if at == from || at == colon + 1 {
            return Err(Stop::Decline);
        }
        let prefix = if colon > 0 { &self.bytes[from..colon] } else { &b""[..] };
        if !prefix.is_empty() && prefix != b"xml" && !self.prefixes.iter().any(|known| known == prefix) {
            return Err(Stop::Decline);
        }
        Ok(&self.bytes[from..at])
    }

    fn skip_space(&self, mut at: usize) -> Result<usize, Stop> {
        while is_space(self.byte(at)?) {
            at += 1;
        }
        Ok(at)
    }

    fn close(&mut self) -> Result<Markup<'a>, Stop> {
        let name = self.name(self.at + 2)?;
        let at = self.skip_space(self.at + 2 + name.len())?;
        if self.bytes[at] != b'>' {
            return Err(Stop::Decline);
        }
        self.at = at + 1;
        Ok(Markup::Close(name))
    }

    fn declaration(&mut self) -> Result<Markup<'a>, Stop> {
        let rest = &self.bytes[self.at..self.end];
        if rest.starts_with(b"<!--") {
            let from = self.at + 4;
            let found = find_slice(&self.bytes[..self.end], from, b"--").ok_or(Stop::More)?;
            if self.byte(found + 2)? != b'>' {
                return Err(Stop::Decline);
            }
            self.at = found + 3;
            return Ok(Markup::Comment);
        }
        if rest.starts_with(b"<![CDATA[") {
            let from = self.at + 9;
            let found = find_slice(&self.bytes[..self.end], from, b"]]>").ok_or(Stop::More)?;
            self.at = found + 3;
            return Ok(Markup::Data(&self.bytes[from..found]));
        }
        Err(if rest.len() < 9 { Stop::More } else { Stop::Decline })
    }

    fn open(&mut self) -> Result<Markup<'a>, Stop> {
        let name = self.name(self.at + 1)?;
        let mut at = self.at + 1 + name.len();
        self.attributes.clear();
        loop {
            let next = self.skip_space(at)?;
            match self.bytes[next] {
                b'>' => {
                    self.at = next + 1;
                    return Ok(Markup::Open { name, closed: false });
                }
                b'/' => {
                    if self.byte(next + 1)? != b'>' {
                        return Err(Stop::Decline);
                    }
                    self.at = next + 2;
                    return Ok(Markup::Open { name, closed: true });
                }
                _ if next == at => return Err(Stop::Decline),
                _ => at = self.attribute(next)?,
            }
        }
    }

    fn attribute(&mut self, from: usize) -> Result<usize, Stop> {
        let name = self.name(from)?;
        let at = self.skip_space(from + name.len())?;
        if self.bytes[at] != b'=' {
            return Err(Stop::Decline);
        }
        let at = self.skip_space(at + 1)?;
        let quote = self.bytes[at];
        if quote != b'"' && quote != b'\'' {
            return Err(Stop::Decline);
        }
        let end = find(self.bytes, at + 1, self.end, quote);
        if end == self.end {
            return Err(Stop::More);
        }
        let value = &self.bytes[at + 1..end];
        // A declaration of a namespace may change what names mean.
        let declares = name == b"xmlns" || name.starts_with(b"xmlns:");
        if declares || value.contains(&b'<') || (value.contains(&b'&') && !(self.lenient && has_references(value))) {
            return Err(Stop::Decline);
        }
        let lenient = self.lenient;
        let twice = |known: &Attribute| {
            known.name == name || (!lenient && is_prefixed(known.name) && local(known.name) == local(name))
        };
        if self.attributes.len() >= 64 || self.attributes.iter().any(twice) {
            return Err(Stop::Decline);
        }
        self.attributes.push(Attribute { name, value, at: at + 1 });
        Ok(end + 1)
    }
}

/// Return a name without its prefix.
pub fn local(name: &[u8]) -> &[u8] {
    match name.iter().position(|&byte| byte == b':') {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

fn is_prefixed(name: &[u8]) -> bool {
    name.contains(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &[u8]) -> Result<bool, Stop> {
        let mut bytes = text.to_vec();
        bytes.resize(text.len() + 64, 0);
        let prefixes = vec![b"x".to_vec()];
        let mut reader = Reader::new(&bytes, 0, text.len(), 1000, &prefixes);
        reader.markup().map(|markup| matches!(markup, Markup::Open { .. }))
    }

    #[test]
    fn tags_that_a_parser_refuses_are_declined() {
        for good in [&b"<a>"[..], b"<a b='1' c=\"2\"/>", b"<x:a x:b = '>' >", b"<a xml:space='preserve'>", b"<_a.1-2/>"]
        {
            assert_eq!(tag(good), Ok(true), "{:?}", std::str::from_utf8(good));
        }
        for bad in [
            &b"<1>"[..],
            b"<a b=1>",
            b"<a b='1'c='2'>",
            b"<a b='1' b='2'>",
            b"<a b='<'>",
            b"<y:a>",
            b"<a xmlns='u'>",
            b"<a:>",
            b"<:a>",
            b"<a b>",
            b"< a>",
            b"<a/ >",
            b"<?pi?>",
            b"<a x:b='1' xml:b='2'>",
            b"<x:1>",
            b"<a b='&amp;'>",
        ] {
            assert_eq!(tag(bad), Err(Stop::Decline), "{:?}", std::str::from_utf8(bad));
        }
        for cut in
            [&b"<"[..], b"<a", b"<a b", b"<a b=", b"<a b='1", b"<a b='1'", b"<a /", b"<!", b"<!--", b"<![CDATA[x]]"]
        {
            assert_eq!(tag(cut), Err(Stop::More), "{:?}", std::str::from_utf8(cut));
        }
    }
}
