//! Parses metadata values in files and NFOs: ISBNs, people, years.

pub mod isbn;
mod people;
mod year;

pub use self::{
    people::{join_authors, split_authors, split_people},
    year::find_year,
};
