//! Builds the package of a release on any writer.

pub mod archive_builder;
pub mod archive_writer;
mod deflate;
pub mod diz;
mod facts;
pub mod naming_rules;
pub mod nfo_template;
mod package_file;
#[cfg(test)]
mod property_tests;
mod quoted_facts;
pub mod records;
mod release_name;
pub mod rename_plan;
pub mod sfv;
#[cfg(test)]
mod testing;
pub mod volume_reader;
pub mod volume_writer;
pub mod volumes;
pub mod zip_headers;

pub use self::{
    facts::Facts,
    package_file::PackageFile,
    release_name::{BuiltName, NameSources, NamedAfter, build_release_name, source_stem},
};
