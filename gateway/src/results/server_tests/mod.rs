//! The codecs and types against a real PostgreSQL: the same output, and the same input accepted.

mod copying;
mod literals;
mod values;

use gatewright_harness::Postgres;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls};

/// A value's binary form, of any type.
#[derive(Debug)]
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A server and a client connected to it; the session prints times in UTC, as the gateway does for binary values.
struct Server {
    client: Client,
    runtime: tokio::runtime::Runtime,
    _postgres: Postgres,
}

impl Server {
    fn start() -> Self {
        let postgres = Postgres::start().expect("a PostgreSQL server");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&postgres.dsn().url(), NoTls)
                .await
                .expect("a connection");
            tokio::spawn(connection);
            client
                .batch_execute("SET timezone = 'UTC'")
                .await
                .expect("settings");
            client
        });
        Self {
            client,
            runtime,
            _postgres: postgres,
        }
    }
}
