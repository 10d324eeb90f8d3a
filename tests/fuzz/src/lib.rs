//! The functions behind the fuzz targets. `fuzz/` feeds them libFuzzer's input; the tests here a corpus and random bytes.
//! No sockets are involved: the code under test is `gatewright_wire`, the gateway's `session`, and `gatewright_record`.

mod frames;
mod record;
mod session;
#[cfg(test)]
mod tests;

pub use frames::frames;
pub use record::record;
pub use session::session;
