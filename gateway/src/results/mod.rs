//! Results: edits the rows of one result on their way to the client, by built-in masks or by a policy's replies to
//! batches. Values are UTF-8 (`client_encoding`), shown to policies as text, and replaced only with valid values of their
//! type. It takes message bodies and returns messages; `relay` feeds it DataRow and CopyData.

mod codec;
mod column;
mod editor;
mod emission;
mod error;
mod flush;
mod judging;
mod key;
mod mask;
mod shape;
mod transcode;
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
pub use editor::{Limits, ResultEditor};
pub use error::{ResultError, Stop};
pub use flush::{Edited, Flushed};
pub use judging::BatchJudge;
pub use key::{KeyError, PseudonymKey};
pub use shape::{Format, RowShape, ShapeColumn, Step};
pub use transcode::Transcode;
pub use types::readable;
