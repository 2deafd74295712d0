//! Date serials: days since an epoch as a double → a date, a timestamp, a time of day, an interval.
//!
//! The day is the floor of a serial, the time of day its fraction times 86,400,000 milliseconds, rounded half up.

use std::io::Write;

const DAY: i64 = 86_400_000;
/// Beyond the last day of either date system.
const DAYS_END: f64 = 2_958_467.0;
/// Days with a text of their own: up to the year 2119.
const KNOWN: usize = 80_000;
/// An interval of PostgreSQL holds so many days with ease.
const MOST_ELAPSED: f64 = 99_999_999.0;

/// What a serial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A date.
    Date,
    /// A date with a time of day.
    Timestamp,
    /// A time of day.
    Time,
    /// A duration.
    Interval,
}

/// The day that a date system begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Day 1 is 1900-01-01, and day 60 never was.
    Excel1900,
    /// Day 0 is so many days after 1970-01-01.
    From(i64),
}

impl System {
    /// Day 0 is 1904-01-01.
    pub const EXCEL_1904: System = System::From(-24_107);
}

/// The date system of a workbook.
pub struct Serials {
    system: System,
    /// Texts of days, all zero until asked for.
    days: Vec<[u8; 10]>,
}

impl Serials {
    /// Return the texts of a date system.
    pub fn new(system: System) -> Self {
        Serials { system, days: vec![[0; 10]; KNOWN] }
    }

    /// Append a date or a timestamp; return None, with nothing appended, if no calendar day has the serial.
    #[inline(always)]
    pub fn push_timestamp(&mut self, serial: f64, out: &mut Vec<u8>) -> Option<Moment> {
        if !(0.0..DAYS_END).contains(&serial) {
            return None;
        }
        let day = serial as i64;
        let time = ((serial - day as f64) * DAY as f64 + 0.5) as i64;
        let text = self.day(day)?;
        if time == 0 {
            out.extend_from_slice(&text);
            return Some(Moment::Date);
        }
        if time == DAY {
            // The day after, by the calendar: 59.999999999 is the 1st of March, not the 60 that never was.
            let next = if day == 59 && self.system == System::Excel1900 { 61 } else { day + 1 };
            let text = self.day(next)?;
            out.extend_from_slice(&text);
            return Some(Moment::Date);
        }
        out.extend_from_slice(&text);
        out.push(b' ');
        push_clock(time, out);
        Some(Moment::Timestamp)
    }

    /// Append a time of day; a serial of 1 and more is a date.
    pub fn push_time(&mut self, serial: f64, out: &mut Vec<u8>) -> Option<Moment> {
        if !(0.0..1.0).contains(&serial) {
            return self.push_timestamp(serial, out);
        }
        push_clock(((serial * DAY as f64 + 0.5) as i64).min(DAY - 1), out);
        Some(Moment::Time)
    }

    /// Append a duration as `[-]H…H:MM:SS[.f]`.
    pub fn push_interval(&mut self, serial: f64, out: &mut Vec<u8>) -> Option<Moment> {
        let size = serial.abs();
        if size > MOST_ELAPSED {
            return None;
        }
        let days = size.floor();
        let time = days as i64 * DAY + ((size - days) * DAY as f64 + 0.5) as i64;
        if serial < 0.0 && time > 0 {
            out.push(b'-');
        }
        push_hours(time / 3_600_000, time % 3_600_000, out);
        Some(Moment::Interval)
    }

    #[inline(always)]
    fn day(&mut self, day: i64) -> Option<[u8; 10]> {
        match self.days.get(day as usize) {
            Some(known) if known[0] != 0 => Some(*known),
            _ => self.new_day(day),
        }
    }

    #[inline(never)]
    fn new_day(&mut self, day: i64) -> Option<[u8; 10]> {
        // Days from 1970-01-01 back to day 0.
        let epoch = match (self.system, day) {
            (System::From(epoch), _) => epoch,
            (System::Excel1900, 60) => return None,
            (System::Excel1900, 0..=59) => -25_568,
            (System::Excel1900, _) => -25_569,
        };
        let text = date_text(day + epoch)?;
        if let Some(known) = self.days.get_mut(day as usize) {
            *known = text;
        }
        Some(text)
    }
}

fn push_hours(hours: i64, rest: i64, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{:02}", hours);
    let colon = out.len();
    push_clock(rest, out);
    out.drain(colon..colon + 2);
}

#[inline(always)]
fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

/// Append `HH:MM:SS[.f]` of so many milliseconds of a day.
#[inline(always)]
fn push_clock(milliseconds: i64, out: &mut Vec<u8>) {
    let seconds = (milliseconds / 1000) as u32;
    let fraction = (milliseconds % 1000) as u32;
    let (hour, minute, second) = (two(seconds / 3600), two(seconds / 60 % 60), two(seconds % 60));
    out.extend_from_slice(&[hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1]]);
    if fraction > 0 {
        let [tens, ones] = two(fraction % 100);
        let text = [b'.', b'0' + (fraction / 100) as u8, tens, ones];
        let zeros = text.iter().rev().take_while(|&&digit| digit == b'0').count();
        out.extend_from_slice(&text[..4 - zeros]);
    }
}

/// Return the days from 1970-01-01 to a date.
///
/// Source: "chrono-Compatible Low-Level Date Algorithms", Howard Hinnant, `days_from_civil`.
#[inline(always)]
pub fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Return days since 1970-01-01 as `YYYY-MM-DD`, for the years 1 to 9999.
///
/// Source: "chrono-Compatible Low-Level Date Algorithms", Howard Hinnant, `civil_from_days`.
pub fn date_text(days: i64) -> Option<[u8; 10]> {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153; // months from March on
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    if !(1..=9999).contains(&year) {
        return None;
    }
    let (century, rest) = (two(year as u32 / 100), two(year as u32 % 100));
    let (month, day) = (two(month), two(day));
    Some([century[0], century[1], rest[0], rest[1], b'-', month[0], month[1], b'-', day[0], day[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp(serial: f64, system: System) -> Option<String> {
        let mut out = Vec::new();
        Serials::new(system).push_timestamp(serial, &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn serials_are_days_of_their_system() {
        for (serial, wanted) in [
            (1.0, "1900-01-01"),
            (59.0, "1900-02-28"),
            (59.999999999, "1900-03-01"),
            (61.0, "1900-03-01"),
            (45351.5, "2024-02-29 12:00:00"),
            (45351.000005787, "2024-02-29 00:00:00.5"),
            (0.0, "1899-12-31"),
            (2958465.0, "9999-12-31"),
        ] {
            assert_eq!(timestamp(serial, System::Excel1900).as_deref(), Some(wanted), "{}", serial);
        }
        assert_eq!(timestamp(0.0, System::EXCEL_1904).as_deref(), Some("1904-01-01"));
        for serial in [-1.0, 60.0, 60.999999999, 2958466.0, 1e300] {
            assert_eq!(timestamp(serial, System::Excel1900), None, "{}", serial);
        }
    }

    #[test]
    fn elapsed_serials_count_hours() {
        let mut out = Vec::new();
        let mut serials = Serials::new(System::Excel1900);
        serials.push_interval(-1.5, &mut out);
        out.push(b' ');
        serials.push_interval(0.0000001, &mut out);
        out.push(b' ');
        serials.push_time(0.999999999, &mut out);
        assert_eq!(out, b"-36:00:00 00:00:00.009 23:59:59.999");
    }
}
