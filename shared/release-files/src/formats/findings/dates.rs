//! Dates in the form of W3CDTF, which Dublin Core recommends.

/// Whether a text is a date of the W3C's note: a year, a month or a day, or a day with a time. As in
/// epubcheck, a number may have fewer digits, and a time no zone.
pub fn is_date(text: &str) -> bool {
    let text = text.trim();
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let numbers: Option<Vec<_>> = date.split('-').map(number).collect();
    match (numbers.as_deref(), time) {
        (Some([1..=9_999] | [1..=9_999, 1..=12]), None) => true,
        (Some([year @ 1..=9_999, month @ 1..=12, day]), time) => {
            (1..=days(*year, *month)).contains(day) && time.is_none_or(is_time)
        }
        _ => false,
    }
}

fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

const fn days(year: u32, month: u32) -> u32 {
    let is_leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a text is a time: `07:08`, `07:08Z`, `07:08:09.5+02:00`.
fn is_time(text: &str) -> bool {
    let (time, zone) = match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, "Z"),
    };
    let is_zone = zone == "Z" || zone.get(1..).is_some_and(is_clock);
    let clock = time.split_once('.').map_or(time, |(clock, _)| clock);
    is_zone && is_clock(clock)
}

fn is_clock(text: &str) -> bool {
    let numbers: Option<Vec<_>> = text.split(':').map(number).collect();
    matches!(
        numbers.as_deref(),
        Some([0..=23, 0..=59] | [0..=23, 0..=59, 0..=59])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As epubcheck 4.2.6 says.
    #[test]
    fn dates_of_the_note_are_known() {
        for text in [
            "2024",
            "21",
            "2024-05",
            "2024-1",
            "2024-05-06",
            "2024-001-01",
            "2024-5-6",
            "2024-02-29",
            " 2024 ",
            "2024-05-06T07:08",
            "2024-05-06T07:08:09",
            "2024-05-06T07:08Z",
            "2024-05-06T7:8:9Z",
            "2024-05-06T07:08:09.5+02:00",
        ] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "",
            " ",
            "-2021",
            "0000",
            "20210",
            "2024-13",
            "2024-00-10",
            "2023-02-29",
            "2024-05-06 07:08:09",
            "06/05/2024",
            "May 2024",
            "2024-05-06T",
            "2024-05-06Z",
            "2024-05-06T24:00Z",
            "2024-05-06T07:08:09+0200",
            "2024-05-06-07",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }
}
