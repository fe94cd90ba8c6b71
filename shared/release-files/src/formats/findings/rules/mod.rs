//! What is known of each id: its severity, its meaning and what to do about it.

mod container;
mod content;
mod own;
mod package;

use super::{FindingId, Severity};

/// What is known of an id.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The id.
    pub id: FindingId,
    /// Its name in JSON.
    pub name: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// Its meaning.
    pub meaning: &'static str,
    /// What to do about it.
    pub hint: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

const TABLES: [&[Rule]; 4] = [
    &container::RULES,
    &package::RULES,
    &content::RULES,
    &own::RULES,
];

/// The number of ids.
pub const COUNT: usize = {
    let mut count = 0;
    let mut table = 0;
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
};

/// The rules, in the order of [`FindingId`].
pub static RULES: [Rule; COUNT] = ALL_RULES;

const ALL_RULES: [Rule; COUNT] = {
    let mut rules = [TABLES[0][0]; COUNT];
    let (mut table, mut next) = (0, 0);
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            rules[next] = TABLES[table][at];
            (next, at) = (next + 1, at + 1);
        }
        table += 1;
    }
    rules
};

/// Builds a rule: the id with its name and severity; its meaning, what to do, and its source.
const fn rule(
    (id, name, severity): (FindingId, &'static str, Severity),
    meaning: &'static str,
    hint: &'static str,
    source: &'static str,
) -> Rule {
    Rule {
        id,
        name,
        severity,
        meaning,
        hint,
        source,
    }
}
