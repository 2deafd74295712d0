//! Rows in any form that an XML parser accepts, within the subset that `xml` reads; ten times slower than `row`.

use crate::bytes::PADDING;
use crate::cell::{is_blank_value, Cell, Source};
use crate::row::{row_number, Context, Row};
use crate::string_items::{flat_text, rich_text};
use crate::xml::{local, Markup, Reader};
use crate::Stop;

/// What stands between rows.
pub enum Item {
    /// A row was read; the position behind it.
    Row(usize),
    /// Something without cells; the position behind it.
    Other(usize),
    /// An end tag: the rows end here.
    End,
}

/// A cell's start tag.
#[derive(Default)]
struct Tag<'a> {
    address: &'a [u8],
    kind: &'a [u8],
    style: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Return the attributes of the start tag that was read last.
    fn of(reader: &Reader<'a>) -> Self {
        let mut tag = Tag::default();
        for attribute in &reader.attributes {
            match attribute.name {
                b"r" => tag.address = attribute.value,
                b"t" => tag.kind = attribute.value,
                b"s" => tag.style = attribute.value,
                _ => {}
            }
        }
        tag
    }
}

/// Read what begins at `at`, which is markup, into `row`.
pub fn read(row: &mut Row, at: usize, context: &Context<'_>) -> Result<Item, Stop> {
    row.cells.clear();
    row.decoded.clear();
    let longest = context.limits.token_bytes;
    let mut reader = Reader::new(context.bytes, at, context.end, longest, context.prefixes);
    match reader.markup()? {
        Markup::Open { name, closed } if local(name) == b"row" => {
            read_row(row, &mut reader, name, closed, context)?;
            row.decoded.resize(row.decoded.len() + PADDING, 0);
            Ok(Item::Row(reader.at))
        }
        Markup::Comment => Ok(Item::Other(reader.at)),
        Markup::Close(_) => Ok(Item::End),
        _ => Err(Stop::Decline),
    }
}

fn read_row<'a>(
    row: &mut Row,
    reader: &mut Reader<'a>,
    name: &'a [u8],
    closed: bool,
    context: &Context<'_>,
) -> Result<(), Stop> {
    row.number = context.last_row + 1;
    row.hidden = false;
    let mut numbered = false;
    for attribute in &reader.attributes {
        match attribute.name {
            b"r" => {
                row.number = row_number(attribute.value).ok_or(Stop::Decline)?;
                numbered = true;
            }
            b"hidden" => row.hidden = matches!(attribute.value, b"1" | b"true" | b"on"),
            _ => {}
        }
    }
    if !closed {
        read_cells(row, reader, name, numbered, context)?;
    }
    if row.number <= context.last_row || row.number > context.limits.rows {
        return Err(Stop::Decline);
    }
    Ok(())
}

/// Read the cells of a row up to its end tag; the first one gives a row its number that is not `numbered`.
fn read_cells<'a>(
    row: &mut Row,
    reader: &mut Reader<'a>,
    name: &'a [u8],
    mut numbered: bool,
    context: &Context<'_>,
) -> Result<(), Stop> {
    // One bit for each column; whatever the order of the cells, each is looked up at once.
    let mut taken = vec![0u64; context.limits.columns as usize / 64 + 1];
    let mut begun = false;
    let mut next = 0;
    loop {
        reader.space()?;
        let (cell, closed) = match reader.markup()? {
            Markup::Close(found) if found == name => return Ok(()),
            Markup::Open { name: cell, closed } if local(cell) == b"c" => (cell, closed),
            Markup::Open { name, closed } if local(name) == b"extLst" => {
                if !closed {
                    reader.skip(name, &[])?;
                }
                continue;
            }
            Markup::Comment => continue,
            _ => return Err(Stop::Decline),
        };
        let tag = Tag::of(reader);
        let mut column = next;
        if !tag.address.is_empty() {
            let (row_of_cell, position) = parse_address(tag.address).ok_or(Stop::Decline)?;
            if row_of_cell != row.number {
                if numbered || begun {
                    return Err(Stop::Decline);
                }
                row.number = row_of_cell;
            }
            numbered = true;
            column = position;
        }
        let (word, bit) = (column as usize / 64, 1 << (column % 64));
        if column >= context.limits.columns || taken[word] & bit != 0 {
            return Err(Stop::Decline);
        }
        taken[word] |= bit;
        begun = true;
        next = column + 1;
        if !closed {
            read_cell(row, reader, cell, column, &tag, context)?;
        }
    }
}

/// Read a cell's content up to its end tag.
fn read_cell<'a>(
    row: &mut Row,
    reader: &mut Reader<'a>,
    name: &'a [u8],
    column: u32,
    tag: &Tag<'_>,
    context: &Context<'_>,
) -> Result<(), Stop> {
    let (mut value, mut inline): (Option<Vec<u8>>, Option<Vec<u8>>) = (None, None);
    let mut formula = false;
    loop {
        reader.space()?;
        match reader.markup()? {
            Markup::Close(found) if found == name => break,
            Markup::Comment => {}
            Markup::Open { name, closed } => match local(name) {
                b"v" if value.is_none() => {
                    let mut text = Vec::new();
                    if !closed {
                        flat_text(reader, name, &mut text)?;
                    }
                    value = Some(text);
                }
                b"is" if inline.is_none() => {
                    let mut text = Vec::new();
                    if !closed {
                        rich_text(reader, name, context.trim, context.limits.cell_bytes, &mut text)?;
                    }
                    inline = Some(text);
                }
                b"f" => {
                    formula = true;
                    if !closed {
                        flat_text(reader, name, &mut Vec::new())?;
                    }
                }
                b"extLst" if !closed => reader.skip(name, &[])?,
                b"extLst" => {}
                _ => return Err(Stop::Decline),
            },
            _ => return Err(Stop::Decline),
        }
    }
    let (source, text) = match (inline, value) {
        (Some(text), value) if tag.kind == b"inlineStr" || value.is_none() => (Source::Text, text),
        (_, Some(text)) if !text.is_empty() => (source(tag.kind).ok_or(Stop::Decline)?, text),
        (_, value) if formula && !(value.is_some() && tag.kind == b"str") => (Source::Uncached, b"f".to_vec()),
        _ => return Ok(()),
    };
    if text.len() > context.limits.cell_bytes {
        return Err(Stop::Decline);
    }
    if text.is_empty() || is_blank_value(source, &text) {
        return Ok(());
    }
    let from = row.decoded.len();
    row.decoded.extend_from_slice(&text);
    let to = row.decoded.len();
    if to > context.limits.row_bytes {
        return Err(Stop::Decline);
    }
    row.cells.push(Cell { column, source, style: style(tag.style)?, from, to, decoded: true });
    Ok(())
}

fn source(kind: &[u8]) -> Option<Source> {
    match kind {
        b"" | b"n" => Some(Source::Number),
        b"s" => Some(Source::Shared),
        b"str" | b"inlineStr" => Some(Source::Text),
        b"b" => Some(Source::Boolean),
        b"e" => Some(Source::Error),
        b"d" => Some(Source::Date),
        _ => None,
    }
}

/// Return the index of a style; a style that is not there is General.
fn style(text: &[u8]) -> Result<u32, Stop> {
    if !text.is_ascii() {
        return Err(Stop::Decline); // other digits than ASCII's
    }
    Ok(row_number(text).unwrap_or(u32::MAX))
}

/// Return the row (from 1) and the column's position (from 0) of an address such as `B17`.
fn parse_address(text: &[u8]) -> Option<(u32, u32)> {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = &text[letters..];
    if !(1..=3).contains(&letters) || digits.len() > 7 || digits.first() == Some(&b'0') {
        return None;
    }
    let column = text[..letters].iter().fold(0, |all, byte| all * 26 + u32::from(byte & 0xDF) - 64);
    Some((row_number(digits)?, column - 1))
}
