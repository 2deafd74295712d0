//! Number formats of cell styles: up to four sections, of which the first whose condition holds applies to a value.

/// What a section of a number format makes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A number.
    Number,
    /// A date, with or without a time of day.
    Date,
    /// A time of day alone.
    Time,
    /// A duration.
    Elapsed,
    /// A code of zeros and literals, which is text.
    Zeros,
    /// Empty text: 0 is an empty cell, any other number stays a number.
    Nothing,
}

/// The condition of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Every value.
    Always,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

/// One section of a number format.
#[derive(Clone, Debug)]
pub struct Section {
    /// The condition's operator.
    pub operator: Operator,
    /// The number that a value is compared with.
    pub threshold: f64,
    /// What the section makes of a number.
    pub shown: Shown,
    /// A negative number gets a minus sign.
    pub minus: bool,
    /// For zeros: a NUL for each digit, and literals as fields have them.
    pub pattern: Vec<u8>,
}

impl Section {
    fn applies(&self, value: f64) -> bool {
        match self.operator {
            Operator::Always => true,
            Operator::Less => value < self.threshold,
            Operator::AtMost => value <= self.threshold,
            Operator::Equal => value == self.threshold,
            Operator::Unequal => value != self.threshold,
            Operator::AtLeast => value >= self.threshold,
            Operator::Greater => value > self.threshold,
        }
    }
}

/// A cell style's number format.
#[derive(Clone, Debug)]
pub struct Style {
    /// What the format makes of every number, None if a look at the sections is needed.
    pub only: Option<Shown>,
    sections: Vec<Section>,
}

impl Style {
    /// Return the style with these sections; without any, numbers are numbers.
    pub fn new(sections: Vec<Section>) -> Self {
        let only = match sections.as_slice() {
            [] => Some(Shown::Number),
            [first, ..] if first.operator == Operator::Always => match first.shown {
                Shown::Zeros | Shown::Nothing => None,
                shown => Some(shown),
            },
            _ => None,
        };
        Style { only, sections }
    }

    /// Return the section for a value, None if no condition holds.
    pub fn section(&self, value: f64) -> Option<&Section> {
        self.sections.iter().find(|section| section.applies(value))
    }

    /// Return the styles that a caller wrote as bytes, None if they are damaged.
    ///
    /// A style is its number of sections (u8), and for each of them operator (u8), shown (u8), minus (u8), threshold (f64),
    /// length of the pattern (u16) and the pattern; numbers are little-endian.
    pub fn read_all(mut bytes: &[u8]) -> Option<Vec<Style>> {
        let mut styles = Vec::new();
        while let [count, rest @ ..] = bytes {
            bytes = rest;
            let mut sections = Vec::new();
            for _ in 0..*count {
                let head = bytes.get(..13)?;
                let mut threshold = [0; 8];
                threshold.copy_from_slice(&head[3..11]);
                let end = 13 + usize::from(u16::from_le_bytes([head[11], head[12]]));
                sections.push(Section {
                    operator: operator(head[0])?,
                    shown: shown(head[1])?,
                    minus: head[2] != 0,
                    threshold: f64::from_le_bytes(threshold),
                    pattern: bytes.get(13..end)?.to_vec(),
                });
                bytes = &bytes[end..];
            }
            styles.push(Style::new(sections));
        }
        Some(styles)
    }
}

fn operator(code: u8) -> Option<Operator> {
    use Operator::{Always, AtLeast, AtMost, Equal, Greater, Less, Unequal};
    [Always, Less, AtMost, Equal, Unequal, AtLeast, Greater].get(usize::from(code)).copied()
}

fn shown(code: u8) -> Option<Shown> {
    use Shown::{Date, Elapsed, Nothing, Number, Time, Zeros};
    [Number, Date, Time, Elapsed, Zeros, Nothing].get(usize::from(code)).copied()
}

/// Append digits in a pattern: filled from the right, the digits too many at its first placeholder.
pub fn push_zeros(digits: &[u8], pattern: &[u8], out: &mut Vec<u8>) {
    let places = pattern.iter().filter(|&&byte| byte == 0).count();
    let surplus = digits.len().saturating_sub(places);
    let mut missing = places.saturating_sub(digits.len());
    let mut rest = digits;
    let mut begun = false;
    for &byte in pattern {
        if byte != 0 {
            out.push(byte);
            continue;
        }
        if missing > 0 {
            out.push(b'0');
            missing -= 1;
        } else {
            let count = if begun { 1 } else { surplus + 1 }.min(rest.len());
            out.extend_from_slice(&rest[..count]);
            rest = &rest[count..];
        }
        begun = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_as(digits: &str, pattern: &str) -> String {
        let mut out = Vec::new();
        push_zeros(digits.as_bytes(), pattern.replace('0', "\0").as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn digits_fill_a_pattern_from_the_right() {
        assert_eq!(shown_as("501", "00000"), "00501");
        assert_eq!(shown_as("123456", "00000"), "123456");
        assert_eq!(shown_as("123456789", "00000-0000"), "12345-6789");
        assert_eq!(shown_as("9123456789", "00000-0000"), "912345-6789");
        assert_eq!(shown_as("7", "(00) 0"), "(00) 7");
    }

    #[test]
    fn the_first_condition_that_holds_decides() {
        let mut bytes = vec![2, 6, 4, 0];
        bytes.extend_from_slice(&99.0f64.to_le_bytes());
        bytes.extend_from_slice(&[2, 0, 0, 0]);
        bytes.extend_from_slice(&[0, 0, 0]);
        bytes.extend_from_slice(&0f64.to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0]);
        let styles = Style::read_all(&bytes).unwrap();
        assert_eq!(styles.len(), 2);
        assert_eq!(styles[0].only, None);
        assert_eq!(styles[0].section(100.0).map(|section| section.shown), Some(Shown::Zeros));
        assert_eq!(styles[0].section(99.0).map(|section| section.shown), Some(Shown::Number));
        assert_eq!(styles[1].only, Some(Shown::Number));
        assert!(Style::read_all(&bytes[..20]).is_none());
    }
}
