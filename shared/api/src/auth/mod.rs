//! Who calls: tokens, and the keys that they are checked with.

mod keys;
mod token;

pub use self::{
    keys::{KeyError, KeySource, Keys},
    token::{InvalidToken, TokenRules},
};
