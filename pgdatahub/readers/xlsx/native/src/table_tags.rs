//! A search for the tags of tables in a piece of XML.

use crate::bytes::{first, load8, matches};

/// Return whether a tag in a piece may be one of an element with the local name `table`: `<table`, `</a:table>` …
///
/// Other occurrences of the word may count, none is missed that begins in the piece and has its name in it.
pub fn has_table_tag(xml: &[u8]) -> bool {
    let mut rest = xml;
    while let Some(at) = position(rest, b'<') {
        rest = &rest[at + 1..];
        let end = rest.iter().position(|&byte| !is_name(byte)).unwrap_or(rest.len());
        let end = if end == 0 && rest.first() == Some(&b'/') {
            1 + rest[1..].iter().position(|&byte| !is_name(byte)).unwrap_or(rest.len() - 1)
        } else {
            end
        };
        if rest[..end].ends_with(b"table") {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

/// Return where a byte stands.
#[inline(always)]
fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut at = 0;
    while at + 8 <= bytes.len() {
        let found = matches(load8(bytes, at), byte);
        if found != 0 {
            return Some(at + first(found));
        }
        at += 8;
    }
    bytes[at..].iter().position(|&other| other == byte).map(|found| at + found)
}

#[inline(always)]
fn is_name(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'/' | b'>' | b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_tables_are_found() {
        for xml in
            ["<table>", "a</t:table>", "<table:table table:name='x'>", "<a><table:table/>", "<x:table\n>", "</table"]
        {
            assert!(has_table_tag(xml.as_bytes()), "{}", xml);
        }
        for xml in [
            "",
            "<",
            "</",
            "table>",
            "<table:table-cell/>",
            "</table:table-row>",
            "<tables>",
            "<a b='table '>",
            "<a/table>",
        ] {
            assert!(!has_table_tag(xml.as_bytes()), "{}", xml);
        }
    }
}
