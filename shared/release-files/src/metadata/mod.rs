//! Values of a work's metadata, as files and NFOs write them: ISBNs, people, years.

pub mod isbn;
mod people;
mod year;

pub use self::{
    people::{join_authors, split_authors, split_people},
    year::find_year,
};
