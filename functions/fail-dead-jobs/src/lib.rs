//! Exhausted messages: their jobs become failed.
