//! Searches and copies of eight bytes and more at a time, in safe code.

/// Zero bytes behind the data of a buffer, so that wide loads stay within it.
pub const PADDING: usize = 64;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Return some bytes.
#[inline(always)]
pub fn array<const SIZE: usize>(bytes: &[u8], at: usize) -> [u8; SIZE] {
    let mut taken = [0; SIZE];
    taken.copy_from_slice(&bytes[at..at + SIZE]);
    taken
}

/// Return eight bytes as a little-endian word.
#[inline(always)]
pub fn load8(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// Return a word whose lowest set bit is in the first byte that equals `byte`; 0 if there is none.
#[inline(always)]
pub fn matches(word: u64, byte: u8) -> u64 {
    let x = word ^ (ONES * byte as u64);
    x.wrapping_sub(ONES) & !x & HIGH
}

/// Return the index of the first byte of which [`matches`] has a bit.
#[inline(always)]
pub fn first(found: u64) -> usize {
    (found.trailing_zeros() >> 3) as usize
}

/// Return the position of the first `byte` from `at` on, `end` if there is none before it.
///
/// The buffer has at least eight bytes behind `end`.
#[inline(always)]
pub fn find(bytes: &[u8], mut at: usize, end: usize, byte: u8) -> usize {
    while at < end {
        let found = matches(load8(bytes, at), byte);
        if found != 0 {
            return (at + first(found)).min(end);
        }
        at += 8;
    }
    end
}

/// Return the position of the first occurrence of `wanted` in `bytes` from `at` on.
pub fn find_slice(bytes: &[u8], at: usize, wanted: &[u8]) -> Option<usize> {
    bytes.get(at..)?.windows(wanted.len()).position(|window| window == wanted).map(|found| at + found)
}

/// Return a word with high bits where a byte is a control, not ASCII, or one of `& \ _ >`.
#[inline(always)]
fn special(word: u64) -> u64 {
    // The subtraction also marks bytes behind a marked one, which costs a second look and nothing else.
    (word.wrapping_sub(ONES * 0x20) & !word)
        | word
        | matches(word, b'&')
        | matches(word, b'\\')
        | matches(word, b'_')
        | matches(word, b'>')
}

/// Return whether `bytes[from..to]` stands in `COPY` text as it stands in XML; eight bytes behind `to` may be read.
#[inline(always)]
pub fn is_plain(bytes: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    let mut found = 0;
    while at + 8 <= to {
        found |= special(load8(bytes, at));
        at += 8;
    }
    if at < to {
        let kept = u64::MAX >> (64 - 8 * (to - at));
        found |= special((load8(bytes, at) & kept) | ((ONES * 0x20) & !kept));
    }
    found & HIGH == 0
}

/// Append `bytes[from..to]`, of which 32 bytes from `from` on may be read: two wide moves cost less than a call of memcpy.
#[inline(always)]
pub fn push(out: &mut Vec<u8>, bytes: &[u8], from: usize, to: usize) {
    let length = to - from;
    if length <= 32 {
        let end = out.len() + length;
        out.extend_from_slice(&bytes[from..from + 32]);
        out.truncate(end);
    } else {
        out.extend_from_slice(&bytes[from..to]);
    }
}

/// Return whether a byte is white space in XML.
#[inline(always)]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Return `text` without white space around it.
pub fn trim(text: &[u8]) -> &[u8] {
    let from = text.iter().position(|&byte| !is_space(byte)).unwrap_or(text.len());
    let to = text.iter().rposition(|&byte| !is_space(byte)).map_or(from, |last| last + 1);
    &text[from..to]
}

/// Bytes as a word, for a comparison with eight bytes of input.
pub const fn word(text: &[u8]) -> u64 {
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
pub fn begins(loaded: u64, text: &[u8]) -> bool {
    (loaded ^ word(text)) << (64 - 8 * text.len()) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(text: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        bytes.resize(text.len() + PADDING, 0);
        bytes
    }

    #[test]
    fn find_stops_at_the_end() {
        let bytes = padded(b"abcdefghij<");
        assert_eq!(find(&bytes, 0, 11, b'<'), 10);
        assert_eq!(find(&bytes, 0, 10, b'<'), 10);
        assert_eq!(find(&bytes, 3, 5, b'<'), 5);
    }

    #[test]
    fn plain_text_has_no_special_byte() {
        for byte in 0..=255u8 {
            for at in 0..17 {
                let mut text = vec![b'x'; 17];
                text[at] = byte;
                let wanted = (0x20..0x80).contains(&byte) && !b"&\\_>".contains(&byte);
                assert_eq!(is_plain(&padded(&text), 0, 17), wanted, "{} at {}", byte, at);
            }
        }
    }

    #[test]
    fn push_appends_the_bytes_alone() {
        let bytes = padded(&[7; 50]);
        for length in 0..50 {
            let mut out = vec![1, 2];
            push(&mut out, &bytes, 0, length);
            assert_eq!(out.len(), 2 + length);
        }
    }
}
