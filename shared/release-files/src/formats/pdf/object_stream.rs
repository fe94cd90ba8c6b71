//! The index of an object stream (ISO 32000-2, 7.5.7).

/// Iterates over the numbers of an index: for each member, its object number and its offset. A
/// comment runs to the end of its line. A number that does not fit is `None`.
pub fn index_numbers(index: &[u8]) -> impl Iterator<Item = Option<u32>> {
    index
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .filter_map(|line| line.split(|byte| *byte == b'%').next())
        .flat_map(|line| line.split(u8::is_ascii_whitespace))
        .filter(|number| !number.is_empty())
        .map(|number| std::str::from_utf8(number).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_without_comments() {
        let index = b"7 0\r8 11 % 9 9\n\t10 99999999999 x";
        let numbers: Vec<_> = index_numbers(index).collect();
        let expected = [Some(7), Some(0), Some(8), Some(11), Some(10), None, None];
        assert_eq!(numbers, expected);
    }
}
