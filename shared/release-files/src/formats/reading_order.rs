//! The order in which comic readers show the pages of an archive.

use std::cmp::Ordering;

/// Compares two paths folder by folder, without case, and numbers in them by their value: `p2.jpg`
/// is before `p10.jpg`.
pub fn compare(left: &str, right: &str) -> Ordering {
    let folded = (left.to_lowercase(), right.to_lowercase());
    let (mut left_parts, mut right_parts) = (folded.0.split('/'), folded.1.split('/'));
    loop {
        let ordering = match (left_parts.next(), right_parts.next()) {
            (Some(left), Some(right)) => compare_names(left, right),
            (None, None) => return left.cmp(right),
            (left, right) => left.cmp(&right),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

fn compare_names(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() && !right.is_empty() {
        let (left_run, right_run);
        (left_run, left) = split_run(left);
        (right_run, right) = split_run(right);
        let ordering = if is_number(left_run) && is_number(right_run) {
            let (a, b) = (significant(left_run), significant(right_run));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            left_run.cmp(right_run)
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    left.len().cmp(&right.len())
}

/// Splits off the first run of digits, or of other characters.
fn split_run(name: &str) -> (&str, &str) {
    let starts_number = is_number(name);
    let end = name.find(|c: char| c.is_ascii_digit() != starts_number);
    name.split_at(end.unwrap_or(name.len()))
}

fn is_number(run: &str) -> bool {
    run.starts_with(|c: char| c.is_ascii_digit())
}

fn significant(number: &str) -> &str {
    number.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_in_the_order_of_their_numbers() {
        let ordered = [
            "0.jpg",
            "00.jpg",
            "1.jpg",
            "02.jpg",
            "10.jpg",
            "99999999999999999999998.jpg",
            "99999999999999999999999.jpg",
            "Ch 1/2.jpg",
            "ch 1/10.jpg",
            "Ch 1.5/1.jpg",
            "ch 2/1.jpg",
            "page 9 (1).jpg",
            "Page 9 (2).jpg",
            "page 10.jpg",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn order_is_total(a in "[aA01/.é]{0,6}", b in "[aA01/.é]{0,6}", c in "[aA01/.é]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b).is_eq(), a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
