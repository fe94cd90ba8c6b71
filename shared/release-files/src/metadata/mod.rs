//! Parses metadata values in files and NFOs: ISBNs, people, years.

pub mod isbn;
mod people;
mod quoting;
mod year;

pub use self::{
    people::{join_authors, join_quoted_authors, split_authors, split_credits},
    quoting::{quote, unquote},
    year::find_year,
};
