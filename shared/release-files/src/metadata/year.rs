//! Finds the year in a date.

/// Returns the year in a date of any form: the first four-digit group from 1000 to 2999, alone or
/// at the start of a date without separators (`20190304`, `D:20190304120000` in a PDF).
#[must_use]
pub fn find_year(date: &str) -> Option<i32> {
    let groups = date.split(|c: char| !c.is_ascii_digit());
    let parse_year = |group: &str| match group.len() {
        4 | 8 | 12 | 14 => group[..4].parse().ok(),
        _ => None,
    };
    groups
        .filter_map(parse_year)
        .find(|year| (1000..=2999).contains(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_found_in_every_date_form() {
        for (date, expected) in [
            ("2019", Some(2019)),
            ("2019-03-04T00:00:00Z", Some(2019)),
            ("4 March 2019", Some(2019)),
            ("D:20190304120000+01'00'", Some(2019)),
            ("0101-01-01", None),
            ("soon", None),
            ("12345", None),
        ] {
            assert_eq!(find_year(date), expected, "{date}");
        }
    }
}
