//! A column of a batch: fields of `COPY` text, and the tallies from which its type is known.

/// The kind of a cell, as far as types are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// No value.
    Empty = 0,
    /// An integer, exact however long.
    Integer,
    /// Any other double.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A date.
    Date,
    /// A date with a time of day.
    Timestamp,
    /// A time of day.
    Time,
    /// A duration.
    Interval,
    /// Text.
    Text,
    /// An error such as `#N/A`.
    Error,
    /// A formula without a result.
    Uncached,
}

/// How many kinds there are.
pub const KINDS: usize = 11;

/// The first cell of something in a column.
#[derive(Clone, Copy, Default, Debug)]
pub struct Place {
    /// The index of its row in the batch.
    pub row: u32,
    /// Where its field begins.
    pub at: u64,
}

/// The largest integer of a column by absolute value.
#[derive(Clone, Copy, Default)]
struct Largest {
    place: Place,
    /// Digits of its text; 0 if there is none.
    digits: usize,
    /// Its absolute value, up to 19 digits.
    size: u64,
}

/// A column of a batch.
#[derive(Default)]
pub struct Column {
    /// Fields, each with a newline behind it.
    pub fields: Vec<u8>,
    /// How many fields there are.
    pub rows: u32,
    /// For each kind how many cells are of it.
    pub counts: [u32; KINDS],
    /// For each kind the first cell of it.
    pub firsts: [Place; KINDS],
    /// The kind of each cell, if `mixed`; else empty.
    pub kinds: Vec<u8>,
    /// The texts alone do not tell the kinds of the cells apart.
    pub mixed: bool,
    largest: Largest,
    before: Largest,
    last: u8,
}

impl Column {
    /// Append empty fields up to so many rows.
    #[inline(always)]
    pub fn pad(&mut self, rows: u32) {
        if self.rows < rows {
            let count = (rows - self.rows) as usize;
            self.fields.resize(self.fields.len() + count, b'\n');
            if self.mixed {
                self.kinds.resize(self.kinds.len() + count, Kind::Empty as u8);
            }
            self.rows = rows;
        }
    }

    /// End the field that was appended to `fields` from `start` on; without a byte it is empty, whatever `kind` says.
    #[inline(always)]
    pub fn end_field(&mut self, start: usize, kind: Kind) {
        let kind = if self.fields.len() == start { Kind::Empty } else { kind };
        let index = kind as usize;
        if self.counts[index] == 0 {
            self.begin_kind(kind, start);
        }
        match kind {
            Kind::Integer => self.note_integer(start),
            // A double of 2^53 and more is written as digits alone, as an integer is.
            Kind::Number if self.fields.len() - start >= 16 && !self.fields[start..].contains(&b'.') => {
                self.write_kinds(start, Kind::Integer as usize);
            }
            _ => {}
        }
        self.counts[index] += 1;
        if self.mixed {
            self.kinds.push(kind as u8);
        }
        self.last = kind as u8;
        self.fields.push(b'\n');
        self.rows += 1;
    }

    /// Take the last field off again, which must be the only one of its row.
    pub fn undo_field(&mut self) {
        self.rows -= 1;
        self.counts[usize::from(self.last)] -= 1;
        self.kinds.pop();
        if self.largest.digits > 0 && self.largest.place.row == self.rows {
            self.largest = self.before;
        }
        self.fields.pop();
        let start = self.fields.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.fields.truncate(start);
    }

    /// Begin a batch.
    pub fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        let mut kinds = std::mem::take(&mut self.kinds);
        fields.clear();
        kinds.clear();
        *self = Column { fields, kinds, ..Column::default() };
    }

    /// Return the first of the integers with the largest absolute value, None if there is no integer.
    pub fn largest(&self) -> Option<Place> {
        if self.largest.digits > 0 {
            Some(self.largest.place)
        } else {
            None
        }
    }

    #[inline(never)]
    fn begin_kind(&mut self, kind: Kind, start: usize) {
        self.firsts[kind as usize] = Place { row: self.rows, at: start as u64 };
        if kind == Kind::Empty {
            return;
        }
        let other = (1..KINDS).find(|&other| self.counts[other] > 0 && family(other) != family(kind as usize));
        if let Some(other) = other {
            self.write_kinds(start, family(other));
        }
    }

    /// Write down the kinds of the cells above, which are of one family.
    #[inline(never)]
    fn write_kinds(&mut self, start: usize, family: usize) {
        if self.mixed {
            return;
        }
        self.mixed = true;
        let above = self.fields[..start].split(|&byte| byte == b'\n').take(self.rows as usize);
        self.kinds.extend(above.map(|field| kind_of(family, field) as u8));
    }

    #[inline(always)]
    fn note_integer(&mut self, start: usize) {
        let field = &self.fields[start..];
        let digits = if field[0] == b'-' { &field[1..] } else { field };
        let count = digits.len();
        if count < self.largest.digits {
            return;
        }
        let size = if count <= 19 { digits.iter().fold(0, |all, digit| all * 10 + u64::from(digit & 15)) } else { 0 };
        let larger = count > self.largest.digits
            || if count <= 19 { size > self.largest.size } else { digits > self.digits_of(self.largest) };
        if larger {
            self.before = self.largest;
            self.largest = Largest { place: Place { row: self.rows, at: start as u64 }, digits: count, size };
        }
    }

    fn digits_of(&self, largest: Largest) -> &[u8] {
        let at = largest.place.at as usize;
        let at = at + (self.fields[at] == b'-') as usize;
        &self.fields[at..at + largest.digits]
    }
}

/// Return the kind that stands for all kinds of cells that one column of texts may hold together.
fn family(kind: usize) -> usize {
    match kind {
        2 => Kind::Integer as usize,
        5 => Kind::Date as usize,
        other => other,
    }
}

fn kind_of(family: usize, field: &[u8]) -> Kind {
    match family {
        _ if field.is_empty() => Kind::Empty,
        1 if field.contains(&b'.') => Kind::Number,
        1 => Kind::Integer,
        3 => Kind::Boolean,
        4 if field.contains(&b' ') => Kind::Timestamp,
        4 => Kind::Date,
        6 => Kind::Time,
        7 => Kind::Interval,
        8 => Kind::Text,
        9 => Kind::Error,
        _ => Kind::Uncached,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(column: &mut Column, field: &str, kind: Kind) {
        let start = column.fields.len();
        column.fields.extend_from_slice(field.as_bytes());
        column.end_field(start, kind);
    }

    #[test]
    fn tallies_name_the_first_and_the_largest() {
        let mut column = Column::default();
        add(&mut column, "", Kind::Text);
        for number in ["5", "-70", "70", "1.5", "-99999999999999999999", "99999999999999999998"] {
            let kind = if number.contains('.') { Kind::Number } else { Kind::Integer };
            add(&mut column, number, kind);
        }
        assert_eq!(column.counts[Kind::Integer as usize], 5);
        assert_eq!(column.firsts[Kind::Number as usize].row, 4);
        assert_eq!(column.largest().unwrap().row, 5);
        column.undo_field();
        column.undo_field();
        assert_eq!(column.largest().unwrap().row, 2);
        assert_eq!(column.fields, b"\n5\n-70\n70\n1.5\n");
        assert!(!column.mixed);
    }

    #[test]
    fn kinds_are_written_down_once_families_mix() {
        let mut column = Column::default();
        add(&mut column, "5", Kind::Integer);
        column.pad(2);
        add(&mut column, "1.5", Kind::Number);
        add(&mut column, "x", Kind::Text);
        column.pad(5);
        assert_eq!(column.kinds, [1, 0, 2, 8, 0]);
    }
}
