//! Parses metadata values in files and NFOs: ISBNs, people, years.

pub mod isbn;
mod people;
mod quoting;
mod year;

pub use self::{
    people::{join_authors, join_quoted_authors, split_authors, split_credits, split_people},
    quoting::{quote, unquote},
    year::find_year,
};
