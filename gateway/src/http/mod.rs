//! The gateway's own HTTP ports: connections with limits and TLS, and the names by which a port may be addressed. It does not
//! know what is served.
//! Next: `admin` and `api` serve with it.

mod attended;
mod connections;
mod hosts;
mod server;

pub use connections::{Limits, Peer, Tls};
pub use hosts::{Hosts, check_host};
pub use server::{HttpServer, HttpServerError, Port};
