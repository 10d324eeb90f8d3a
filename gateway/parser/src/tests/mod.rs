//! The boundary to C, and the table of fields.

mod boundary;
mod grammar;
