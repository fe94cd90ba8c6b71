use super::*;

const KEYS: [&[u8]; 4] = [b"Title", b"Author", b"Producer", b"Kids"];

fn parse(input: &[u8]) -> Dictionary<'_> {
    Dictionary::parse(input, &KEYS).unwrap()
}

fn string(input: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    match parse(input).get(key)? {
        Value::String(bytes) => Some(bytes),
        _ => None,
    }
}

#[test]
fn literal_and_hexadecimal_strings_are_read() {
    let object = br"<</Title (A \(nested (one)\) \351t\351\
 line\n) /Author <FEFF 00C9 0074> /Producer<41 4> /X 3>>";
    let title = string(object, b"Title").unwrap();
    assert_eq!(title, b"A (nested (one)) \xE9t\xE9 line\n");
    assert_eq!(string(object, b"Author").unwrap(), b"\xFE\xFF\0\xC9\0t");
    assert_eq!(string(object, b"Producer").unwrap(), b"A@");
    assert_eq!(string(object, b"X"), None);
    for (literal, expected) in [
        (&b"(a\\\r\nb\\tc\\rd\\fe\\53)"[..], &b"ab\tc\rd e+"[..]),
        (b"(a\\", b"a"),
        (b"(a(b", b"a(b"),
        (b"()", b""),
    ] {
        assert_eq!(parse_value(literal), Some(Value::String(expected.to_vec())));
    }
}

#[test]
fn values_of_every_kind_are_read() {
    for (input, value) in [
        (&b"12 0 R"[..], Value::Reference(12)),
        (b"12 %x\n 0\tR>>", Value::Reference(12)),
        (b"12 0 Reset", Value::Number(12)),
        (b"12 (a)", Value::Number(12)),
        (b"/A#20B/C", Value::Name(b"A B"[..].into())),
        (b"/A#zz", Value::Name(b"A#zz"[..].into())),
        (b"[1 (]) [2]] 3", Value::Array(b"[1 (]) [2]]")),
        (b"<</A(>>)/B<3>>> 4", Value::Dictionary(b"<</A(>>)/B<3>>>")),
    ] {
        assert_eq!(parse_value(input), Some(value));
    }
    for input in [&b""[..], b"null", b"-1", b"]", b"99999999999 0 R"] {
        assert_eq!(parse_value(input), None, "{input:?}");
    }
}

#[test]
fn only_entries_of_the_dictionary_itself_are_read() {
    let object = b"<</X(/Title (no))/Y<</Title(no)>>/Z[/Author(no)]% /Producer (no)\n\
        /#54itle(yes)>> stream /Producer(no)";
    let dictionary = parse(object);
    assert_eq!(string(object, b"Title").unwrap(), b"yes");
    assert!(!dictionary.has(b"Author") && !dictionary.has(b"Producer"));
    assert_eq!(dictionary.rest, b" stream /Producer(no)");
    assert_eq!(string(b"<</Title(a)/Title(b)>>", b"Title").unwrap(), b"b");
    assert!(Dictionary::parse(b"(/Title (no))", &KEYS).is_none());
}

#[test]
fn damage_is_skipped() {
    for object in [
        &b"<</X ] ) } 3 /Title(a)>>"[..],
        b"<< junk /Title(a)/Author(",
        b"<</Author 1 0 R R/Title(a)/Kids[",
    ] {
        assert_eq!(
            string(object, b"Title").as_deref(),
            Some(&b"a"[..]),
            "{object:?}"
        );
    }
    assert!(!parse(b"<</Title").has(b"Author"));
}

#[test]
fn integers_may_be_negative() {
    const KEYS: [&[u8]; 5] = [b"A", b"B", b"C", b"D", b"E"];
    let text = b"<</A -1028/B +7/C 4294966268/D --1/E 99999999999999999999>>";
    let dictionary = Dictionary::parse(text, &KEYS).unwrap();
    let found = KEYS.map(|key| dictionary.integer(key));
    assert_eq!(
        found,
        [Some(-1028), Some(7), Some(4_294_966_268), None, None]
    );
}

#[test]
fn items_of_an_array_are_read() {
    let found: Vec<_> = items(b"[1 0 R 2 0 R<</A 1>> null /N 3]").collect();
    let expected = [
        Value::Reference(1),
        Value::Reference(2),
        Value::Dictionary(b"<</A 1>>"),
        Value::Name(b"N"[..].into()),
        Value::Number(3),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        items(b"[").count() + items(b"").count() + items(b"[>> ] ]").count(),
        0
    );
}
