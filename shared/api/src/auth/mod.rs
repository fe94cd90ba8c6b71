//! Authentication: tokens, and the keys that verify them.

mod keys;
mod token;

pub use self::{
    keys::{KeyError, KeySource, Keys},
    token::{InvalidToken, TokenRules},
};
