//! Starts the real programs that tests, demo and benchmark talk to: PostgreSQL, PgBouncer, psql, an identity
//! provider and the gateway.
//! It knows nothing of protocols or policies; every program it starts ends with its owner, however the owner ends.
//! Next: the tests in `tests/e2e` and the verbs of `xtask`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

mod child;
mod dsn;
mod gateway;
pub mod limited;
pub mod locate;
mod pgbouncer;
mod postgres;
mod provider;
mod psql;
pub mod soak;
mod standby;
mod version;

pub use child::Child;
pub use dsn::Dsn;
pub use gateway::{Gateway, GatewayCommand};
pub use pgbouncer::PgBouncer;
pub use postgres::{Postgres, PostgresSettings};
pub use provider::{Provider, Tokens};
pub use psql::{Psql, PsqlOutput, PsqlSession};
pub use version::Version;

/// A port of 127.0.0.1 that is free and likely to stay so: below those that outgoing connections get, and handed
/// out once by this process. Other processes begin their search elsewhere.
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
    anyhow::bail!("no port is free")
}

/// Linux gives outgoing connections ports from 32768 on.
const PORTS: std::ops::Range<u32> = 12_000..32_000;

/// A secret of this run: 32 hexadecimal digits from the system's random source.
pub fn random_secret() -> anyhow::Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
