//! The front end of the shared strings part: `<si>` elements, in pieces that may end anywhere.

use crate::bytes::{find, is_space};
use crate::input::Input;
use crate::references::{is_sound, resolve, resolve_data};
use crate::strings::Strings;
use crate::text::{push_decoded, push_raw};
use crate::xml::{local, Markup, Reader};
use crate::{Limits, Stop};

/// The answer to a piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// More input is wanted.
    More = 0,
    /// The batch is full; input is left.
    Full = 1,
    /// The element that holds the items ends here.
    Ended = 2,
    /// The next item is for the caller's parser.
    Declined = 3,
}

/// Reads the items within `<sst>`.
pub struct StringItems {
    /// The strings so far.
    pub strings: Strings,
    /// Input that was not consumed.
    pub input: Input,
    limits: Limits,
    prefixes: Vec<Vec<u8>>,
    trim: bool,
}

impl StringItems {
    /// Begin within `<sst>`, whose document declares `prefixes`; `trim` white space around `<t>` without
    /// `xml:space="preserve"`.
    pub fn new(strings: Strings, limits: Limits, prefixes: Vec<Vec<u8>>, trim: bool) -> Self {
        StringItems { strings, input: Input::default(), limits, prefixes, trim }
    }

    /// Take the whole items of what there is.
    ///
    /// # Errors
    ///
    /// The file for the strings beyond the limit cannot be written.
    pub fn feed(&mut self, data: &[u8], last: bool) -> std::io::Result<Status> {
        if !self.input.push(data, [b"si>", b"sst>"]) && !last {
            return Ok(Status::More);
        }
        let status = loop {
            match self.item() {
                Ok(true) => {}
                Ok(false) => break Status::Ended,
                Err(Stop::Decline) => break Status::Declined,
                Err(Stop::More) => {
                    let waiting = self.input.buffer.rest().len();
                    if last || self.input.broken || waiting > self.limits.item_bytes {
                        break Status::Declined;
                    }
                    self.input.buffer.note_tried();
                    break Status::More;
                }
            }
        };
        self.strings.settle()?;
        Ok(status)
    }

    /// Take the next item; return false at the end tag of the element around it.
    fn item(&mut self) -> Result<bool, Stop> {
        let bytes = self.input.buffer.bytes();
        let end = self.input.sound;
        let mut at = self.input.buffer.start;
        while at < end && is_space(bytes[at]) {
            at += 1;
        }
        let limit = self.limits.cell_bytes;
        if bytes[at..].starts_with(b"<si><t>") {
            let from = at + 7;
            let to = find(bytes, from, end, b'<');
            if to + 9 <= end && bytes[to..].starts_with(b"</t></si>") {
                let trims = self.trim && has_space_around(&bytes[from..to]);
                if !trims {
                    if to - from > limit {
                        return Err(Stop::Decline);
                    }
                    self.strings.add(|out| {
                        let mut cleaned = false;
                        push_raw(bytes, from, to, true, out, &mut cleaned)?;
                        Ok(cleaned)
                    })?;
                    self.input.buffer.start = to + 9;
                    return Ok(true);
                }
            }
        }
        if at >= end {
            return Err(Stop::More);
        }
        let mut reader = Reader::new(bytes, at, end, self.limits.token_bytes, &self.prefixes);
        let name = match reader.markup()? {
            Markup::Close(_) => {
                self.input.buffer.start = at;
                return Ok(false);
            }
            Markup::Comment => {
                self.input.buffer.start = reader.at;
                return Ok(true);
            }
            Markup::Open { name, closed } if local(name) == b"si" => {
                if closed {
                    None
                } else {
                    Some(name)
                }
            }
            _ => return Err(Stop::Decline),
        };
        let mut text = Vec::new();
        if let Some(name) = name {
            rich_text(&mut reader, name, self.trim, limit, &mut text)?;
        }
        let after = reader.at;
        self.strings.add(|out| {
            let mut cleaned = false;
            push_decoded(&text, out, &mut cleaned);
            Ok(cleaned)
        })?;
        self.input.buffer.start = after;
        Ok(true)
    }
}

fn has_space_around(raw: &[u8]) -> bool {
    // A reference may be white space too.
    matches!(raw, [first, ..] if is_space(*first) || *first == b'&')
        || matches!(raw, [.., last] if is_space(*last) || *last == b';')
}

/// Elements that have a place of their own; the first one stands in phonetic guides, too.
const OF_TEXTS: [&[u8]; 9] = [b"t", b"r", b"si", b"is", b"v", b"f", b"c", b"row", b"sheetData"];

/// Append the text of `<t>` and `<r><t>` up to the end tag of the element `name`; phonetic guides are left out.
pub fn rich_text<'a>(
    reader: &mut Reader<'a>,
    name: &'a [u8],
    trim: bool,
    limit: usize,
    text: &mut Vec<u8>,
) -> Result<(), Stop> {
    let mut run: Option<&[u8]> = None;
    loop {
        if !is_sound(reader.text()?) {
            return Err(Stop::Decline);
        }
        match reader.markup()? {
            Markup::Open { name, closed } if local(name) == b"t" => {
                let preserved = reader.attributes.iter().any(|a| a.name == b"xml:space" && a.value == b"preserve");
                let start = text.len();
                if !closed {
                    flat_text(reader, name, text)?;
                }
                if trim && !preserved {
                    trim_from(text, start);
                }
            }
            Markup::Open { name, closed } if local(name) == b"r" && run.is_none() => {
                if !closed {
                    run = Some(name);
                }
            }
            Markup::Comment => {}
            Markup::Open { name, closed } => {
                // Formats and phonetic guides; only the latter have texts of their own.
                let forbidden = match local(name) {
                    b"rPr" | b"phoneticPr" => &OF_TEXTS[..],
                    b"rPh" if run.is_none() => &OF_TEXTS[1..],
                    _ => return Err(Stop::Decline),
                };
                if !closed {
                    reader.skip(name, forbidden)?;
                }
            }
            Markup::Close(found) => match run {
                Some(open) if found == open => run = None,
                None if found == name => return Ok(()),
                _ => return Err(Stop::Decline),
            },
            Markup::Data(_) => return Err(Stop::Decline),
        }
        if text.len() > limit {
            return Err(Stop::Decline);
        }
    }
}

/// Append the text of an element without elements in it, up to its end tag.
pub fn flat_text<'a>(reader: &mut Reader<'a>, name: &'a [u8], text: &mut Vec<u8>) -> Result<(), Stop> {
    loop {
        resolve(reader.text()?, text).ok_or(Stop::Decline)?;
        match reader.markup()? {
            Markup::Close(found) if found == name => return Ok(()),
            Markup::Data(data) => resolve_data(data, text),
            Markup::Comment => {}
            _ => return Err(Stop::Decline),
        }
    }
}

fn trim_from(text: &mut Vec<u8>, start: usize) {
    let kept = text[start..].iter().rposition(|&byte| !is_space(byte)).map_or(start, |last| start + last + 1);
    text.truncate(kept);
    let spaces = text[start..].iter().take_while(|&&byte| is_space(byte)).count();
    text.drain(start..start + spaces);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{feed_pieces, no_strings, texts_of};

    fn read(xml: &[u8], piece: usize, trim: bool) -> (Status, Vec<String>) {
        let mut items = StringItems::new(no_strings(), Limits::default(), Vec::new(), trim);
        let status = feed_pieces(xml, piece, |data, last| items.feed(data, last));
        (status, texts_of(items.strings))
    }

    #[test]
    fn items_are_read_in_pieces_of_any_size() {
        let xml = "<si><t>a</t></si>\n<si><t xml:space=\"preserve\"> b </t></si><si><r><rPr><b/></rPr><t>c</t></r>\
            <r><t>&amp;\u{e9}</t></r><rPh sb=\"0\"><t>no</t></rPh></si><si/><!-- x --><si><t><![CDATA[<]]></t></si></sst>";
        for piece in [1, 2, 3, 7, 1000] {
            let (status, texts) = read(xml.as_bytes(), piece, false);
            assert_eq!(status, Status::Ended);
            assert_eq!(texts, ["a", " b ", "c&\u{e9}", "", "<"]);
        }
    }

    #[test]
    fn space_is_trimmed_where_it_is_not_preserved() {
        let xml =
            b"<si><t> a </t></si><si><t xml:space='preserve'> b </t></si><si><r><t> c</t></r><r><t>d </t></r></si>\
            <si><t>&#32;e &amp; f&#x20;</t></si><si><t>&lt;g&gt;</t></si></sst>";
        assert_eq!(read(xml, 1000, true).1, ["a", " b ", "cd", "e & f", "<g>"]);
        assert_eq!(read(xml, 1000, false).1, [" a ", " b ", " cd ", " e & f ", "<g>"]);
    }

    #[test]
    fn damage_is_declined() {
        for xml in
            [&b"<si><t>&bad;</t></si>"[..], b"<si><t>a</x></si>", b"<si><t>a", b"<si><t>\xff</t></si>", b"x<si/>"]
        {
            assert_eq!(read(xml, 1000, false).0, Status::Declined, "{:?}", xml);
        }
    }
}
