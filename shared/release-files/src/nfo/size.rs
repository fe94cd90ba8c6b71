//! Parses sizes as people write them.

/// Parses a size: `1,234,567 bytes`, `1.2 MB`, `1,2 Mo`, `12 x 15 MiB`. kB and MB are powers of
/// 1,000, KiB and MiB are powers of 1,024; a number without a unit is in bytes.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "()[]~≈".contains(c));
    match text.split_once(['x', 'X', '×', '*']) {
        Some((count, each)) => {
            parse_single(each.trim_start())?.checked_mul(count.trim().parse().ok()?)
        }
        None => parse_single(text),
    }
}

/// Parses a number and its unit.
fn parse_single(text: &str) -> Option<u64> {
    let unit_at = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let unit = unit
        .split([' ', '(', '[', ','])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let factor: u32 = match unit.as_str() {
        "" | "b" | "o" | "byte" | "bytes" | "octet" | "octets" => 1,
        "k" | "kb" | "ko" => 1_000,
        "kib" | "kio" => 1 << 10,
        "m" | "mb" | "mo" => 1_000_000,
        "mib" | "mio" => 1 << 20,
        "g" | "gb" | "go" => 1_000_000_000,
        "gib" | "gio" => 1 << 30,
        _ => return None,
    };
    parse_scaled(number, factor)
}

/// Parses a number and multiplies it by `factor`. If there is a unit, a comma or point before the
/// last one or two digits is a decimal separator. All others separate thousands.
fn parse_scaled(number: &str, factor: u32) -> Option<u64> {
    let number: String = number
        .chars()
        .filter(|c| !c.is_whitespace() && !"'’_".contains(*c))
        .collect();
    let (whole, decimals) = match number.rsplit_once([',', '.']) {
        Some((whole, decimals)) if factor > 1 && (1..=2).contains(&decimals.len()) => {
            (whole, decimals)
        }
        _ => (number.as_str(), ""),
    };
    let digits = |text: &str| {
        text.chars()
            .filter(|c| !matches!(c, ',' | '.'))
            .collect::<String>()
    };
    let whole: u64 = digits(whole).parse().ok()?;
    let hundredths: u64 = if decimals.is_empty() {
        0
    } else {
        format!("{decimals:0<2}").parse().ok()?
    };
    whole
        .checked_mul(u64::from(factor))?
        .checked_add(hundredths * u64::from(factor) / 100)
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
