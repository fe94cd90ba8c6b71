//! Parses sizes as people write them.

/// The words that may precede a size.
const ABOUT: [&str; 8] = [
    "approximately",
    "approx.",
    "approx",
    "about",
    "circa",
    "ca.",
    "environ",
    "env.",
];
/// The largest number of decimals.
const MAX_DECIMALS: usize = 9;

/// Parses a size: `1,234,567 bytes`, `1.2 MB`, `1,2 Mo`, `12 x 15 MiB`. kB and MB are powers of
/// 1,000, KiB and MiB are powers of 1,024; a number without a unit is in bytes.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "()[]~≈".contains(c));
    let lower = text.to_lowercase();
    let about = ABOUT.into_iter().find(|about| lower.starts_with(about));
    let text = lower[about.map_or(0, str::len)..].trim_start();
    match text.split_once(['x', '×', '*']) {
        Some((count, each)) => {
            parse_single(each.trim_start())?.checked_mul(count.trim().parse().ok()?)
        }
        None => parse_single(text),
    }
}

/// The unit of a size.
#[derive(Clone, Copy)]
struct Unit {
    bytes: u64,
    /// `true` in French, where a comma is always a decimal separator.
    is_french: bool,
}

impl Unit {
    /// Parses the name of a unit, in lower case.
    fn parse(name: &str) -> Option<Self> {
        let bytes = match name {
            "" | "b" | "o" | "byte" | "bytes" | "octet" | "octets" => 1,
            "k" | "kb" | "ko" | "kbyte" | "kbytes" | "kilobytes" | "kilooctets" => 1_000,
            "kib" | "kio" => 1 << 10,
            "m" | "mb" | "mo" | "mbyte" | "mbytes" | "meg" | "megs" | "megabytes"
            | "megaoctets" | "mégaoctets" => 1_000_000,
            "mib" | "mio" => 1 << 20,
            "g" | "gb" | "go" | "gbyte" | "gbytes" | "gigabytes" | "gigaoctets" => 1_000_000_000,
            "gib" | "gio" => 1 << 30,
            "t" | "tb" | "to" => 1_000_000_000_000,
            "tib" | "tio" => 1 << 40,
            _ => return None,
        };
        let is_french = name.ends_with('o') || name.ends_with("octets");
        Some(Self { bytes, is_french })
    }

    /// Returns whether the only separator of a number, before three digits, separates decimals
    /// rather than thousands. In kB it separates thousands, as file managers of every language show
    /// sizes; `12.345 MB` has decimals.
    fn has_three_decimals(self, whole: &str, separator: char) -> bool {
        let kilo = 1 << 10;
        let giga = 1_000_000_000;
        whole.chars().all(|c| c == '0')
            || separator == '.' && self.bytes > kilo
            || separator == ',' && (self.bytes >= giga || self.is_french && self.bytes > 1)
    }
}

/// Parses a number and its unit, in lower case.
fn parse_single(text: &str) -> Option<u64> {
    let unit_at = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let unit = unit
        .split([' ', '(', '[', ',', '/', ';', '+'])
        .next()
        .unwrap_or_default();
    parse_scaled(number, Unit::parse(unit.trim_end_matches('.'))?)
}

/// Parses a number and multiplies it by its unit. The last comma or point separates decimals if
/// another number of digits than three follows, or if the others are different.
fn parse_scaled(number: &str, unit: Unit) -> Option<u64> {
    let number: String = number
        .chars()
        .filter(|c| !c.is_whitespace() && !"'’_".contains(*c))
        .collect();
    let is_separator = |c: char| matches!(c, ',' | '.');
    let number = number.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (whole, decimals) = match number.rfind(is_separator) {
        Some(at) => {
            let (whole, decimals) = (&number[..at], &number[at + 1..]);
            let separator = char::from(number.as_bytes()[at]);
            let has_decimals = if decimals.len() == 3 {
                match whole.chars().find(|c| is_separator(*c)) {
                    Some(other) => other != separator,
                    None => unit.has_three_decimals(whole, separator),
                }
            } else {
                true
            };
            if has_decimals {
                (whole, decimals)
            } else {
                (number, "")
            }
        }
        None => (number, ""),
    };
    let digits: String = whole.chars().filter(|c| !is_separator(*c)).collect();
    let whole = digits.parse::<u64>().ok()?.checked_mul(unit.bytes)?;
    // A fraction of a byte is a number of something else.
    if decimals.is_empty() {
        return Some(whole);
    }
    if unit.bytes == 1 {
        return None;
    }
    let decimals = &decimals[..decimals.len().min(MAX_DECIMALS)];
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let fraction = decimals.parse::<u128>().ok()? * u128::from(unit.bytes) / scale;
    whole.checked_add(u64::try_from(fraction).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_parsed_in_both_languages() {
        for (text, expected) in [
            ("1,234,567 bytes", Some(1_234_567)),
            ("1 234 567 octets", Some(1_234_567)),
            ("1.2 MB", Some(1_200_000)),
            ("1,25 Mo", Some(1_250_000)),
            ("1,234 KB", Some(1_234_000)),
            ("1.234 KB", Some(1_234_000)),
            ("12.345 MB", Some(12_345_000)),
            ("1,234 MB", Some(1_234_000_000)),
            ("12,345 Mo", Some(12_345_000)),
            ("12,345 Ko", Some(12_345)),
            ("1.234,56 MB", Some(1_234_560_000)),
            ("1,234.567 MB", Some(1_234_567_000)),
            ("1.234.567 KB", Some(1_234_567_000)),
            ("1 234,5 Mo", Some(1_234_500_000)),
            ("0,345 MB", Some(345_000)),
            ("0.5 MB", Some(500_000)),
            ("4,321 GB", Some(4_321_000_000)),
            ("1.5 GiB", Some(3 << 29)),
            ("12.3456 MB", Some(12_345_600)),
            ("1.12345678901234567890 MB", Some(1_123_456)),
            ("1.234.567 bytes", Some(1_234_567)),
            ("12.345", Some(12_345)),
            ("12.5", None),
            ("12.5 bytes", None),
            ("1.2 TB", Some(1_200_000_000_000)),
            ("approx. 12 MB", Some(12_000_000)),
            ("~12 MB", Some(12_000_000)),
            ("12 megabytes", Some(12_000_000)),
            ("12.5MB/3 files", Some(12_500_000)),
            ("03 x 5.00MB", Some(15_000_000)),
            ("3 X 5,000 KB", Some(15_000_000)),
            ("3 MiB", Some(3 << 20)),
            ("12 x 15MB", Some(180_000_000)),
            ("2 MB (2,097,152 bytes)", Some(2_000_000)),
            ("(42)", Some(42)),
            ("99999999999999999999", None),
            ("99999999999 x 999999999999", None),
            ("300 pages", None),
            ("MB", None),
            ("2 x 3 x 4", None),
            (".001 5", None),
            ("", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }
}
