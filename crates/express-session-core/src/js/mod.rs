//! What JavaScript does with dates and JSON, to the letter.

pub(crate) mod date;
pub(crate) mod json;
