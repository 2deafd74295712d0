//! Columns of fields → rows of `COPY` text.

use crate::bytes::{first, load8, matches};

/// A reader of a column's fields, which stand with newlines between them.
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// Begin with the first field.
    pub fn new(bytes: &'a [u8]) -> Self {
        Fields { bytes, at: 0 }
    }

    /// Return whether all fields were read; a column has at least one.
    #[inline(always)]
    pub fn ended(&self) -> bool {
        self.at > self.bytes.len()
    }

    /// Return the next field; empty ones behind the last.
    #[inline(always)]
    pub fn next_field(&mut self) -> &'a [u8] {
        let from = self.at.min(self.bytes.len());
        let to = field_end(self.bytes, from);
        self.at = to + 1;
        &self.bytes[from..to]
    }
}

#[inline(always)]
fn field_end(bytes: &[u8], mut at: usize) -> usize {
    while at + 8 <= bytes.len() {
        let found = matches(load8(bytes, at), b'\n');
        if found != 0 {
            return at + first(found);
        }
        at += 8;
    }
    while at < bytes.len() && bytes[at] != b'\n' {
        at += 1;
    }
    at
}

/// Return the size of [`encode_text`]'s rows.
pub fn text_size(columns: &[&[u8]], rows: usize, suffix: &[u8]) -> Option<usize> {
    let fields = columns.iter().try_fold(0usize, |all, column| all.checked_add(column.len())?.checked_add(1))?;
    fields.checked_add(rows.checked_mul(suffix.len())?)
}

/// Write rows: fields with tabs between them, `suffix`, a newline. Return how many bytes they have.
///
/// Args: `columns` each with `rows` fields; `out` with room for [`text_size`]. None if a column has not so many fields.
pub fn encode_text(columns: &[&[u8]], rows: usize, suffix: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut positions = vec![0usize; columns.len()];
    let mut to = 0;
    for _ in 0..rows {
        for (column, position) in columns.iter().zip(&mut positions) {
            let mut from = *position;
            if from > column.len() {
                return None;
            }
            // Copy while looking for the end, eight bytes at a time where both sides have room for them.
            loop {
                if from + 8 <= column.len() && to + 8 <= out.len() {
                    let loaded = load8(column, from);
                    out[to..to + 8].copy_from_slice(&loaded.to_le_bytes());
                    let found = matches(loaded, b'\n');
                    let count = if found == 0 { 8 } else { first(found) };
                    from += count;
                    to += count;
                    if found != 0 {
                        break;
                    }
                } else {
                    match column.get(from) {
                        None | Some(b'\n') => break,
                        Some(&byte) => *out.get_mut(to)? = byte,
                    }
                    from += 1;
                    to += 1;
                }
            }
            *position = from + 1;
            *out.get_mut(to)? = b'\t';
            to += 1;
        }
        to -= 1;
        out.get_mut(to..to + suffix.len())?.copy_from_slice(suffix);
        to += suffix.len();
        *out.get_mut(to)? = b'\n';
        to += 1;
    }
    if positions.iter().zip(columns).all(|(&position, column)| position == column.len() + 1) {
        Some(to)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: &[&str], rows: usize, suffix: &str) -> Option<String> {
        let columns: Vec<&[u8]> = columns.iter().map(|column| column.as_bytes()).collect();
        let mut out = vec![0; text_size(&columns, rows, suffix.as_bytes()).unwrap()];
        let size = encode_text(&columns, rows, suffix.as_bytes(), &mut out)?;
        assert_eq!(size, out.len());
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn columns_become_rows() {
        let long = "a text of more than eight bytes\n\nx";
        assert_eq!(rows(&["1\n22\n333", long], 3, "").unwrap(), "1\ta text of more than eight bytes\n22\t\n333\tx\n");
        assert_eq!(rows(&["1\n2"], 2, "\tf").unwrap(), "1\tf\n2\tf\n");
        assert_eq!(rows(&["", ""], 1, "").unwrap(), "\t\n");
        assert_eq!(rows(&["\n\n"], 3, "").unwrap(), "\n\n\n");
    }

    #[test]
    fn columns_of_another_length_are_refused() {
        assert_eq!(rows(&["1\n2", "1"], 2, ""), None);
        assert_eq!(rows(&["1\n2", "1\n2\n3"], 2, ""), None);
    }
}
