//! Results: edits the rows of one result on their way to the client, by built-in masks or by what a judge says of a batch.
//! Values are UTF-8 (`client_encoding`), shown to judges as text, and replaced only by legal values of their type.
//! Refuses to know sockets, WebAssembly and who asked: it takes message bodies and gives back messages.
//! Next room: `relay`, which feeds it DataRow and CopyData bodies and sends what comes out.

mod codec;
mod column;
mod editor;
mod emission;
mod error;
mod judging;
mod key;
mod mask;
mod shape;
pub mod types;

#[cfg(test)]
mod judging_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod server_tests;
#[cfg(test)]
mod tests;

pub use codec::{CsvOptions, ForceQuote, RowCodec, TextOptions};
pub use editor::{Edited, Flushed, Limits, ResultEditor};
pub use error::{ResultError, Stop};
pub use judging::BatchJudge;
pub use key::{KeyError, PseudonymKey};
pub use shape::{Format, RowShape, ShapeColumn, Step};
pub use types::readable;
