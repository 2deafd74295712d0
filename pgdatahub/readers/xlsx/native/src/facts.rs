//! Facts about the fields of one column that the rules of a contract ask for.

use crate::encode::Fields;

const EMPTY: u32 = u32::MAX;

/// Integers of a column.
#[derive(Debug, PartialEq, Eq)]
pub struct Integers {
    /// The number of fields.
    pub count: usize,
    /// Each is larger than the one before.
    pub ascend: bool,
    /// The largest of them, 0 without any.
    pub largest: u64,
}

/// Write the distinct fields in the order of their first cells, with newlines between them; return how many they are and
/// the size of their text.
///
/// Args: `most` distinct fields are looked for, and more give None; `out` has at least the size of `fields`.
pub fn distinct(fields: &[u8], most: usize, out: &mut [u8]) -> Option<(usize, usize)> {
    // A hostile column makes all fields fall on one place: each is compared with at most `most` others.
    let places = most.checked_mul(2)?.checked_next_power_of_two()?.max(2);
    let mut table = vec![EMPTY; places];
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut size = 0;
    let mut reader = Fields::new(fields);
    while !reader.ended() {
        let field = reader.next_field();
        let mut place = hash(field) & (places - 1);
        loop {
            let entry = table[place];
            if entry == EMPTY {
                if found.len() == most {
                    return None;
                }
                if !found.is_empty() {
                    *out.get_mut(size)? = b'\n';
                    size += 1;
                }
                let end = size + field.len();
                out.get_mut(size..end)?.copy_from_slice(field);
                table[place] = u32::try_from(found.len()).ok()?;
                found.push((size, end));
                size = end;
                break;
            }
            let (start, end) = found[entry as usize];
            if &out[start..end] == field {
                break;
            }
            place = (place + 1) & (places - 1);
        }
    }
    Some((found.len(), size))
}

#[inline(always)]
fn hash(field: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = field.len() as u64;
    let mut words = field.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        state = (state.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
    for &byte in words.remainder() {
        state = (state.rotate_left(5) ^ u64::from(byte)).wrapping_mul(FACTOR);
    }
    (state >> 32) as usize
}

/// Write the fields as integers; None if one is not the canonical text of an integer from 0 to 2^64 - 1, or does not fit.
pub fn integers(fields: &[u8], out: &mut [u64]) -> Option<Integers> {
    let mut reader = Fields::new(fields);
    let mut count = 0;
    let mut ascend = true;
    let mut largest = 0;
    let mut last = 0;
    while !reader.ended() {
        let value = integer(reader.next_field())?;
        ascend &= count == 0 || value > last;
        last = value;
        largest = largest.max(value);
        *out.get_mut(count)? = value;
        count += 1;
    }
    Some(Integers { count, ascend, largest })
}

/// Set the bit of each integer in a table of bits; None if the table lacks one, or if one was set before.
pub fn mark(table: &mut [u8], integers: impl Iterator<Item = u64>) -> Option<()> {
    for integer in integers {
        let byte = table.get_mut(usize::try_from(integer >> 3).ok()?)?;
        let bit = 1 << (integer & 7);
        if *byte & bit != 0 {
            return None;
        }
        *byte |= bit;
    }
    Some(())
}

#[inline(always)]
fn integer(field: &[u8]) -> Option<u64> {
    let (&first, _) = field.split_first()?;
    if first == b'0' && field.len() > 1 {
        return None;
    }
    let mut value = 0u64;
    for &byte in field {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct_texts(fields: &str, most: usize) -> Option<(usize, String)> {
        let mut out = vec![0; fields.len()];
        let (count, size) = distinct(fields.as_bytes(), most, &mut out)?;
        Some((count, String::from_utf8(out[..size].to_vec()).unwrap()))
    }

    #[test]
    fn distinct_fields_stand_in_their_order() {
        assert_eq!(distinct_texts("b\na\nb\n\na\n", 3), Some((3, "b\na\n".into())));
        assert_eq!(distinct_texts("", 1), Some((1, String::new())));
        assert_eq!(distinct_texts("open\nopen\npaid", 2), Some((2, "open\npaid".into())));
    }

    #[test]
    fn too_many_distinct_fields_give_none() {
        assert_eq!(distinct_texts("a\nb\nc", 2), None);
        assert_eq!(distinct_texts("a", 0), None);
    }

    #[test]
    fn fields_of_one_place_stay_apart() {
        let texts: Vec<String> = (0..5000).map(|number| format!("text number {number}")).collect();
        let twice = [texts.join("\n"), texts.join("\n")].join("\n");
        assert_eq!(distinct_texts(&twice, 5000), Some((5000, texts.join("\n"))));
    }

    fn numbers(fields: &str) -> Option<(Vec<u64>, bool)> {
        let mut out = vec![0; 4];
        let Integers { count, ascend, largest } = integers(fields.as_bytes(), &mut out)?;
        assert_eq!(out[..count].iter().copied().max(), Some(largest));
        Some((out[..count].to_vec(), ascend))
    }

    #[test]
    fn canonical_integers_are_read() {
        assert_eq!(numbers("0\n7\n18446744073709551615"), Some((vec![0, 7, u64::MAX], true)));
        assert_eq!(numbers("7\n7"), Some((vec![7, 7], false)));
        assert_eq!(numbers("8\n7"), Some((vec![8, 7], false)));
    }

    #[test]
    fn other_fields_give_none() {
        for fields in ["", "1\n", "01", "1.0", "-1", "1e3", "18446744073709551616", "1\n2\n3\n4\n5"] {
            assert_eq!(numbers(fields), None, "{fields}");
        }
    }

    #[test]
    fn integers_are_marked_once() {
        let mut table = [0; 2];
        assert_eq!(mark(&mut table, [15, 0, 7, 8].into_iter()), Some(()));
        assert_eq!(table, [0b1000_0001, 0b1000_0001]);
        assert_eq!(mark(&mut table, [9, 7].into_iter()), None);
        assert_eq!(mark(&mut table, [16].into_iter()), None);
        assert_eq!(mark(&mut table, [u64::MAX].into_iter()), None);
    }
}
