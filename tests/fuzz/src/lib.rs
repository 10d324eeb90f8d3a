//! What the fuzz targets do with bytes. The targets in `fuzz/` hand it libFuzzer's; the tests here a corpus and bytes by chance.
//! It knows nothing of sockets: the next rooms are `gatewright_wire` and the gateway's `session`.

mod frames;
mod session;
#[cfg(test)]
mod tests;

pub use frames::frames;
pub use session::session;
