//! Reads the year of a date in a PDF.

use std::ops::RangeInclusive;

use crate::metadata::find_year;

/// The years of dates without the prefix `D:`, which may be other numbers.
const PLAIN_YEARS: RangeInclusive<i32> = 1900..=2099;

/// Returns the year of a date: `D:YYYYMMDDHHmmSS` and a time zone, where all but the year is
/// optional (ISO 32000-2, 7.9.4). Some programs leave out the prefix, or write the date in words.
pub fn year(date: &str) -> Option<i32> {
    let date = date.trim().trim_start_matches('(');
    let prefixed = date
        .strip_prefix(['D', 'd'])
        .and_then(|rest| rest.trim_start().strip_prefix(':'));
    let plain = prefixed.unwrap_or(date).trim_start();
    let end = plain.find(|c: char| !c.is_ascii_digit());
    let digits = &plain[..end.unwrap_or(plain.len())];
    let year = match prefixed {
        Some(_) => year_2000_fault(digits).or_else(|| find_year(digits.get(..4)?)),
        None => plain_year(digits),
    };
    year.or_else(|| find_year(plain))
}

/// Returns the year in front of a month, a day and a time, as far as these are there.
fn plain_year(digits: &str) -> Option<i32> {
    let year = digits.get(..4)?.parse().ok()?;
    let fits = |at: usize, range: RangeInclusive<u8>| {
        let part = digits.get(at..at + 2).and_then(|part| part.parse().ok());
        part.is_none_or(|part| range.contains(&part))
    };
    (PLAIN_YEARS.contains(&year) && fits(4, 1..=12) && fits(6, 1..=31)).then_some(year)
}

/// Returns the year of a date that Acrobat Distiller 3 wrote after 1999: the century and the years
/// since 1900, such as `19103` for 2003.
fn year_2000_fault(digits: &str) -> Option<i32> {
    let since_1900: i32 = digits.get(2..5)?.parse().ok()?;
    let is_fault = digits.len() == 15 && digits.starts_with("191");
    is_fault.then_some(1900 + since_1900)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_read_from_dates_of_any_length() {
        for (date, expected) in [
            ("D:2018", Some(2018)),
            ("D:201807", Some(2018)),
            ("D:20180704", Some(2018)),
            ("D:2018070412", Some(2018)),
            ("D:201807041230", Some(2018)),
            ("D:20180704123059", Some(2018)),
            ("D:20180704123059Z", Some(2018)),
            ("D:20180704123059-5'00'", Some(2018)),
            ("D:20180704123059+01'00", Some(2018)),
            (" D: 20180704", Some(2018)),
            ("(D:201807)", Some(2018)),
            ("d:201807", Some(2018)),
            ("201807", Some(2018)),
            ("2018070412", Some(2018)),
            ("20180704123059+0100", Some(2018)),
            ("2018-07-04T12:30:59Z", Some(2018)),
            ("2018/07/04", Some(2018)),
            ("D:2018-07-04", Some(2018)),
            ("Mon Jan 05 10:00:00 2004", Some(2004)),
            ("7/4/2018 12:30", Some(2018)),
            ("04.07.2018", Some(2018)),
            ("D:191030112120000", Some(2003)),
            ("D:19990112120000", Some(1999)),
            ("D:1899", Some(1899)),
            ("D:20189999", Some(2018)),
        ] {
            assert_eq!(year(date), expected, "{date}");
        }
    }

    #[test]
    fn other_numbers_are_not_years() {
        for date in [
            "",
            "D:",
            "D:0000",
            "D:00000000000000",
            "D:99991231",
            "D:201",
            "201899",
            "1551700800",
            "180305",
            "7/4/18",
            "soon",
        ] {
            assert_eq!(year(date), None, "{date}");
        }
    }
}
