//! Splits damaged or partial PDFs into their values.
//!
//! Nothing here fails: what is not well-formed is skipped, and what is cut ends where the input
//! does. Each function takes time in proportion to its input.

use std::borrow::Cow;

use crate::formats::pdf::strings::MAX_STRING_BYTES;

/// A value of a dictionary.
#[derive(Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string, not yet decoded.
    String(Vec<u8>),
    /// A name.
    Name(Cow<'a, [u8]>),
    /// A whole number that is not negative.
    Number(u64),
    /// The number of another object.
    Reference(u32),
    /// An array, from its bracket.
    Array(&'a [u8]),
    /// A dictionary, from its brackets.
    Dictionary(&'a [u8]),
}

/// The entries of a dictionary that have the keys in use.
#[derive(Clone, Debug, Default)]
pub struct Dictionary<'a> {
    /// Each key, and the input from its value.
    entries: Vec<(&'static [u8], &'a [u8])>,
    /// The input behind the dictionary.
    pub rest: &'a [u8],
}

impl<'a> Dictionary<'a> {
    /// Parses the dictionary at the start of the input, for these keys only.
    pub fn parse(input: &'a [u8], keys: &[&'static [u8]]) -> Option<Self> {
        let mut rest = skip_blank(input).strip_prefix(b"<<")?;
        let mut entries: Vec<(&'static [u8], &[u8])> = Vec::new();
        loop {
            rest = skip_blank(rest);
            match rest {
                [] => break,
                [b'>', b'>', after @ ..] => {
                    rest = after;
                    break;
                }
                [b'/', after @ ..] => {
                    let (name, value) = after.split_at(regular_length(after));
                    let name = decode_name(name);
                    let value = skip_blank(value);
                    rest = &value[value_length(value)..];
                    if let Some(key) = keys.iter().find(|key| ***key == *name) {
                        // The last one counts, as for other readers.
                        entries.retain(|(known, _)| known != key);
                        entries.push((key, value));
                    }
                }
                // Not a key: the generation of a reference, or damage.
                _ => rest = &rest[token_length(rest)..],
            }
        }
        entries.shrink_to_fit();
        Some(Self { entries, rest })
    }

    /// Returns whether there is an entry with this key.
    pub fn has(&self, key: &[u8]) -> bool {
        self.entries.iter().any(|(known, _)| *known == key)
    }

    /// The value with this key.
    pub fn get(&self, key: &[u8]) -> Option<Value<'a>> {
        let (_, value) = self.entries.iter().find(|(known, _)| *known == key)?;
        parse_value(value)
    }

    /// Returns whether the value with this key is this name.
    pub fn is(&self, key: &[u8], name: &[u8]) -> bool {
        matches!(self.get(key), Some(Value::Name(found)) if *found == *name)
    }

    /// The whole number with this key, which may be negative.
    pub fn integer(&self, key: &[u8]) -> Option<i64> {
        let (_, value) = self.entries.iter().find(|(known, _)| *known == key)?;
        let value = skip_blank(value);
        let number = |value| i64::try_from(to_number(digits(value)?)?).ok();
        match value {
            [b'-', rest @ ..] => number(rest).map(|number| -number),
            [b'+', rest @ ..] => number(rest),
            _ => number(value),
        }
    }

    /// The whole number with this key.
    pub fn number(&self, key: &[u8]) -> Option<u64> {
        match self.get(key)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// Parses the value at the start of the input.
pub fn parse_value(input: &[u8]) -> Option<Value<'_>> {
    let input = skip_blank(input);
    Some(match input {
        [b'<', b'<', ..] => Value::Dictionary(&input[..value_length(input)]),
        [b'[', ..] => Value::Array(&input[..value_length(input)]),
        [b'(', rest @ ..] => Value::String(read_literal(rest)),
        [b'<', rest @ ..] => Value::String(read_hexadecimal(rest)),
        [b'/', rest @ ..] => Value::Name(decode_name(&rest[..regular_length(rest)])),
        _ => return parse_number(input),
    })
}

/// Iterates over the items of an array.
pub fn items(array: &[u8]) -> impl Iterator<Item = Value<'_>> {
    let mut rest = array.strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            rest = skip_blank(rest);
            if rest.is_empty() {
                return None;
            }
            let value = parse_value(rest);
            let length = match value {
                Some(Value::Reference(_)) => reference_length(rest),
                _ => value_length(rest).max(1),
            };
            rest = &rest[length..];
            if value.is_some() {
                return value;
            }
        }
    })
}

fn parse_number(input: &[u8]) -> Option<Value<'static>> {
    let number = digits(input)?;
    let behind = skip_blank(&input[number.len()..]);
    if let Some(generation) = digits(behind)
        && let [b'R', after @ ..] = skip_blank(&behind[generation.len()..])
        && regular_length(after) == 0
    {
        return Some(Value::Reference(to_number(number)?.try_into().ok()?));
    }
    Some(Value::Number(to_number(number)?))
}

fn reference_length(input: &[u8]) -> usize {
    let end = input.iter().position(|byte| *byte == b'R');
    end.map_or(input.len(), |end| end + 1)
}

/// Returns the digits at the start of the input, if there are any.
fn digits(input: &[u8]) -> Option<&[u8]> {
    let end = input.iter().position(|byte| !byte.is_ascii_digit());
    let digits = &input[..end.unwrap_or(input.len())];
    (!digits.is_empty()).then_some(digits)
}

/// Parses digits.
pub fn to_number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Skips white space and comments.
fn skip_blank(mut input: &[u8]) -> &[u8] {
    loop {
        match input {
            [b'%', ..] => {
                let end = input.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                input = &input[end.unwrap_or(input.len())..];
            }
            [first, rest @ ..] if is_white_space(*first) => input = rest,
            _ => return input,
        }
    }
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

/// The number of bytes before the next white space or delimiter.
fn regular_length(input: &[u8]) -> usize {
    let is_end = |byte: &u8| is_white_space(*byte) || is_delimiter(*byte);
    input.iter().position(is_end).unwrap_or(input.len())
}

/// The length of the token at the start of the input, which is not empty and not blank.
fn token_length(input: &[u8]) -> usize {
    match input {
        [b'<', b'<', ..] | [b'>', b'>', ..] => 2,
        [b'(', rest @ ..] => 1 + literal_length(rest),
        [b'<', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b'>');
            1 + end.map_or(rest.len(), |end| end + 1)
        }
        [b'/', rest @ ..] => 1 + regular_length(rest),
        _ => regular_length(input).max(1),
    }
}

/// The length of the value at the start of the input: a token, or all to the closing bracket.
fn value_length(input: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut rest = input;
    loop {
        rest = skip_blank(rest);
        match rest {
            [] => return input.len(),
            [b'>', b'>', ..] | [b']', ..] if depth == 0 => break,
            [b'<', b'<', ..] | [b'[', ..] => depth += 1,
            [b'>', b'>', ..] | [b']', ..] => depth -= 1,
            _ => {}
        }
        rest = &rest[token_length(rest)..];
        if depth == 0 {
            break;
        }
    }
    input.len() - rest.len()
}

/// The length of a literal string behind its opening parenthesis, up to the closing one.
fn literal_length(input: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = input.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' if depth == 0 => return at,
            b')' => depth -= 1,
            _ => {}
        }
    }
    input.len()
}

fn decode_name(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'#') {
        return Cow::Borrowed(name);
    }
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, after @ ..] = rest {
        let escape = match rest {
            [b'#', high, low, after @ ..] => hex_digit(*high)
                .zip(hex_digit(*low))
                .map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((*first, after));
        decoded.push(byte);
        rest = after;
    }
    decoded.into()
}

fn hex_digit(digit: u8) -> Option<u8> {
    let digit = char::from(digit).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Returns the bytes of a literal string, up to its closing parenthesis.
fn read_literal(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut depth = 0_u32;
    let mut bytes = input.iter().copied().take(MAX_STRING_BYTES).peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b')' if depth == 0 => break,
            b')' => depth -= 1,
            b'(' => depth += 1,
            b'\\' => {
                out.extend(read_escape(&mut bytes));
                continue;
            }
            _ => {}
        }
        out.push(byte);
    }
    out
}

fn read_escape(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Option<u8> {
    let byte = bytes.next()?;
    Some(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' | b'f' => b' ',
        b'\n' => return None,
        b'\r' => {
            bytes.next_if_eq(&b'\n');
            return None;
        }
        b'0'..=b'7' => {
            let mut value = u16::from(byte - b'0');
            for _ in 0..2 {
                let Some(next) = bytes.next_if(|next| (b'0'..=b'7').contains(next)) else {
                    break;
                };
                value = value * 8 + u16::from(next - b'0');
            }
            // Three octal digits reach 511; the format says to ignore the overflow (ISO 32000-1,
            // 7.3.4.2).
            value.to_le_bytes()[0]
        }
        other => other,
    })
}

fn read_hexadecimal(input: &[u8]) -> Vec<u8> {
    let body = input
        .iter()
        .take(MAX_STRING_BYTES)
        .take_while(|byte| **byte != b'>');
    let digits: Vec<u8> = body.filter_map(|&byte| hex_digit(byte)).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] * 16 + pair.get(1).copied().unwrap_or(0))
        .collect()
}

#[cfg(test)]
#[path = "lexer_tests.rs"]
mod tests;
