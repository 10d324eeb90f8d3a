//! Starts the real programs that tests, demo and benchmark use: PostgreSQL, PgBouncer, psql, an identity provider and
//! the gateway.
//! This crate knows nothing about protocols or policies. Every program it starts exits with its owner, even if the
//! owner is killed. Its users are the tests in `tests/e2e` and the subcommands of `xtask`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

mod certificates;
mod child;
mod dsn;
mod gateway;
pub mod limited;
pub mod locate;
mod pgbouncer;
mod postgres;
mod provider;
mod psql;
mod receivers;
mod scratch;
pub mod soak;
mod standby;
mod version;
pub mod work;

pub use certificates::{certificates, openssl};
pub use child::{Child, CpuTime};
pub use dsn::Dsn;
pub use gateway::{ApprovalsLine, Gateway, GatewayCommand};
pub use pgbouncer::PgBouncer;
pub use postgres::{Postgres, PostgresSettings};
pub use provider::{Provider, Tokens};
pub use psql::{Psql, PsqlOutput, PsqlSession};
pub use receivers::{ObjectStore, Receiver, receiver_script};
pub use version::Version;

/// A free port of 127.0.0.1. It lies below the range of outgoing connections and is returned only once by this process;
/// other processes start their search elsewhere.
pub fn free_port() -> anyhow::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    static BEGIN: OnceLock<u32> = OnceLock::new();
    let begin = *BEGIN.get_or_init(|| std::process::id().wrapping_mul(2_654_435_761) >> 8);
    for _ in 0..PORTS.len() {
        let step = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + begin.wrapping_add(step) % (PORTS.end - PORTS.start);
        let port = u16::try_from(port)?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no free port found")
}

/// Linux assigns ports from 32768 to outgoing connections.
const PORTS: std::ops::Range<u32> = 12_000..32_000;

/// A random secret: 32 hexadecimal digits from the system's random source.
pub fn random_secret() -> anyhow::Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
