//! Starts the real programs that tests, demo and benchmark talk to: PostgreSQL, PgBouncer, psql, an identity
//! provider and the gateway.
//! It knows nothing of protocols or policies; every program it starts ends with its owner, however the owner ends.
//! Next: the tests in `tests/e2e` and the verbs of `xtask`.

mod child;
mod dsn;
mod gateway;
pub mod locate;
mod pgbouncer;
mod postgres;
mod provider;
mod psql;
mod standby;

pub use child::Child;
pub use dsn::Dsn;
pub use gateway::{Gateway, GatewayCommand};
pub use pgbouncer::PgBouncer;
pub use postgres::{Postgres, PostgresSettings};
pub use provider::{Provider, Tokens};
pub use psql::{Psql, PsqlOutput, PsqlSession};

/// A port that was free a moment ago on 127.0.0.1.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// A secret of this run: 32 hexadecimal digits from the system's random source.
pub fn random_secret() -> anyhow::Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
