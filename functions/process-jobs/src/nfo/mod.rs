//! Reading NFOs.

pub mod decode;
