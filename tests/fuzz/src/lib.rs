//! The functions behind the fuzz targets. `fuzz/` feeds them libFuzzer's input; the tests here a corpus and random bytes.
//! No sockets are involved: the code under test is `gatewright_wire` and the gateway's `session`.

mod frames;
mod session;
#[cfg(test)]
mod tests;

pub use frames::frames;
pub use session::session;
