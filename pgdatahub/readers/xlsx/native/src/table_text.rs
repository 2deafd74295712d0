//! The text of a cell of OpenDocument: its paragraphs.

use crate::references::resolve;
use crate::table_cell::count;
use crate::table_names::TableNames;
use crate::text::is_blank;
use crate::xml::{Markup, Reader};
use crate::Stop;

/// Elements within each other in a paragraph.
const DEEPEST: usize = 8;

/// Append the paragraphs of a cell, with line feeds between them, up to the end tag of the element `name`; return how many
/// there are.
///
/// Other elements of the cell, such as comments and drawings, are none of its text.
pub fn read_paragraphs<'a>(
    reader: &mut Reader<'a>,
    name: &'a [u8],
    names: &TableNames,
    limit: usize,
    text: &mut Vec<u8>,
) -> Result<usize, Stop> {
    let start = text.len();
    let mut paragraphs = 0;
    loop {
        reader.space()?;
        match reader.markup()? {
            Markup::Close(found) if found == name => return Ok(paragraphs),
            Markup::Open { name, closed } if name == names.paragraph || name == names.heading => {
                if paragraphs > 0 {
                    text.push(b'\n');
                }
                paragraphs += 1;
                if !closed {
                    read_paragraph(reader, name, names, text)?;
                }
            }
            Markup::Open { name, .. } if names.holders.iter().any(|holder| holder == name) => {
                return Err(Stop::Decline)
            }
            Markup::Open { name, closed } => {
                if !closed {
                    reader.skip(name, &[])?;
                }
            }
            _ => return Err(Stop::Decline),
        }
        if text.len() - start > limit {
            return Err(Stop::Decline);
        }
    }
}

/// Append a paragraph's text, up to the end tag of the element `name`.
fn read_paragraph<'a>(
    reader: &mut Reader<'a>,
    name: &'a [u8],
    names: &TableNames,
    text: &mut Vec<u8>,
) -> Result<(), Stop> {
    let mut open = vec![name];
    while let Some(&innermost) = open.last() {
        push_characters(reader.text()?, text)?;
        match reader.markup()? {
            Markup::Close(found) if found == innermost => {
                open.pop();
            }
            Markup::Open { name, closed } if name == names.span || name == names.link => {
                if open.len() >= DEEPEST {
                    return Err(Stop::Decline);
                }
                if !closed {
                    open.push(name);
                }
            }
            Markup::Open { name, closed: true } if name == names.spaces => {
                let counted = reader.attributes.iter().find(|attribute| attribute.name == names.spaces_count);
                let spaces = counted.map_or(Ok(1), |attribute| spaces(attribute.value))?;
                text.resize(text.len() + spaces, b' ');
            }
            Markup::Open { name, closed: true } if name == names.tab => text.push(b'\t'),
            Markup::Open { name, closed: true } if name == names.line_break => text.push(b'\n'),
            _ => return Err(Stop::Decline),
        }
    }
    Ok(())
}

/// Return a number of spaces; 0 is a number, unlike for rows and cells.
fn spaces(value: &[u8]) -> Result<usize, Stop> {
    if value.len() > 4 || value == b"0" {
        return Err(Stop::Decline);
    }
    Ok(count(value)? as usize)
}

/// Append character data; that with tabs or line ends, which are the layout of the XML, is declined.
pub fn push_characters(raw: &[u8], text: &mut Vec<u8>) -> Result<(), Stop> {
    let start = text.len();
    resolve(raw, text).ok_or(Stop::Decline)?;
    if text[start..].iter().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err(Stop::Decline);
    }
    Ok(())
}

/// Return whether character data is white space alone; its references are not resolved.
#[inline(always)]
pub fn is_blank_raw(raw: &[u8]) -> Result<bool, Stop> {
    match raw.first() {
        None => Ok(true),
        Some(0x21..=0x25 | 0x27..=0x7E) => Ok(false),
        Some(_) => {
            let mut text = Vec::new();
            resolve(raw, &mut text).ok_or(Stop::Decline)?;
            Ok(is_blank(&text))
        }
    }
}
