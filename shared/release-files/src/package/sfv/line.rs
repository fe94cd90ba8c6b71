//! Parses a line of an SFV as other tools write it.

use text::check_entry_name;

/// Parses a line into path and CRC-32: `name CRC`, `CRC *name`, or `CRC32 (name) = CRC`. The error
/// completes "the line ...".
pub fn parse_line(line: &str) -> Result<(String, u32), String> {
    let (name, crc32) = split_line(line).ok_or(if line.contains(char::is_whitespace) {
        "does not end in eight hexadecimal digits"
    } else {
        "has no checksum after the name"
    })?;
    let path = clean_name(name);
    check_entry_name(&path).map_err(|reason| format!("has a name that {reason}"))?;
    Ok((path, crc32))
}

/// Parses a line that every tool can read, which is like those that we write: a relative path, a
/// space or tab, and eight digits.
pub fn parse_strict_line(line: &str) -> Option<(&str, u32)> {
    let (name, digits) = line.trim_end().rsplit_once([' ', '\t'])?;
    let name = name.trim_end();
    let is_plain = check_entry_name(name).is_ok() && clean_name(name) == name;
    is_plain.then_some((name, parse_crc32(digits)?))
}

fn split_line(line: &str) -> Option<(&str, u32)> {
    if let Some(found) = split_bsd_line(line) {
        return Some(found);
    }
    let (before, last) = line.rsplit_once(char::is_whitespace)?;
    let first = line.trim_start().split_once(char::is_whitespace);
    let (first, after) = first.unwrap_or((last, ""));
    let after = after.trim_start();
    let (first_crc32, last_crc32) = (parse_crc32(first), parse_crc32(last));
    match (first_crc32, last_crc32) {
        (Some(crc32), _) if after.starts_with('*') => Some((after, crc32)),
        (_, Some(crc32)) => Some((before, crc32)),
        // A name after a semicolon would be a comment in the SFV that is written.
        (Some(crc32), None) if !after.starts_with(';') => Some((after, crc32)),
        _ => Some((before, parse_short_crc32(last)?)),
    }
}

/// Splits a line as BSD tools write it: `CRC32 (name) = 0BADCAFE`.
fn split_bsd_line(line: &str) -> Option<(&str, u32)> {
    let start = line.get(..7)?;
    let rest = line
        .get(7..)
        .filter(|_| start.eq_ignore_ascii_case("crc32 ("))?;
    let (name, digits) = rest.rsplit_once(')')?;
    Some((
        name,
        parse_crc32(digits.trim_start().strip_prefix('=')?.trim_start())?,
    ))
}

/// Removes what other tools write around a name: quotes, the mark of a binary file, a dot for the
/// current folder. Backslashes become slashes.
fn clean_name(name: &str) -> String {
    let mut name = name;
    loop {
        let mut clean = name.trim_end().trim_start_matches('*');
        clean = clean.strip_suffix(" =").unwrap_or(clean);
        let inner = clean
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'));
        clean = inner.unwrap_or(clean);
        if clean == name {
            break;
        }
        name = clean;
    }
    let path = name.replace('\\', "/");
    let mut parts: Vec<&str> = path.split('/').collect();
    // A slash at the start or the end says something else.
    let last = parts.len() - 1;
    let mut at = 0;
    parts.retain(|part| {
        let is_kept = *part != "." && (!part.is_empty() || at == 0 || at == last);
        at += 1;
        is_kept
    });
    parts.join("/")
}

/// Parses eight hexadecimal digits.
fn parse_crc32(digits: &str) -> Option<u32> {
    let prefix = ["0x", "0X"]
        .into_iter()
        .find_map(|prefix| digits.strip_prefix(prefix));
    let digits = prefix.unwrap_or(digits);
    parse_short_crc32(digits).filter(|_| digits.len() == 8)
}

/// Parses the digits of a tool that omits leading zeros.
fn parse_short_crc32(digits: &str) -> Option<u32> {
    let is_hex = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_of_every_tool_is_parsed() {
        for line in [
            "a b.zip 0BADCAFE",
            "a b.zip\t0badcafe",
            "a b.zip   0BADCAFE  ",
            "a b.zip BADCAFE",
            "a b.zip 0x0BADCAFE",
            "./a b.zip 0BADCAFE",
            ".\\a b.zip 0BADCAFE",
            ".\\.\\a b.zip 0BADCAFE",
            "\"a b.zip\" 0BADCAFE",
            "\".\\a b.zip\" 0BADCAFE",
            "*a b.zip 0BADCAFE",
            "0BADCAFE *a b.zip",
            "0BADCAFE  a b.zip",
            "0badcafe\ta b.zip",
            "CRC32 (a b.zip) = 0BADCAFE",
            "crc32 (./a b.zip)= 0badcafe",
            "a b.zip = 0BADCAFE",
        ] {
            let line = line.trim_end();
            assert_eq!(
                parse_line(line),
                Ok(("a b.zip".to_owned(), 0x0BAD_CAFE)),
                "{line}"
            );
        }
        for (line, path) in [
            ("art\\.\\cover.jpg 0BADCAFE", "art/cover.jpg"),
            ("art//cover.jpg 0BADCAFE", "art/cover.jpg"),
            ("DEADBEEF 0BADCAFE", "DEADBEEF"),
            ("DEADBEEF a 0BADCAFE", "DEADBEEF a"),
            ("a (b) = c 0BADCAFE", "a (b) = c"),
        ] {
            assert_eq!(
                parse_line(line),
                Ok((path.to_owned(), 0x0BAD_CAFE)),
                "{line}"
            );
        }
    }

    #[test]
    fn strict_line_is_one_that_is_written() {
        for line in ["a b.zip 0BADCAFE", "a/b.zip  0badcafe", "é.zip\t0BADCAFE"] {
            assert!(parse_strict_line(line).is_some(), "{line}");
        }
        for line in [
            "./a.zip 0BADCAFE",
            "a\\b.zip 0BADCAFE",
            "\"a.zip\" 0BADCAFE",
            "*a.zip 0BADCAFE",
            "0BADCAFE *a.zip",
            "a.zip BADCAFE",
            "a.zip",
        ] {
            assert!(parse_strict_line(line).is_none(), "{line}");
        }
    }
}
