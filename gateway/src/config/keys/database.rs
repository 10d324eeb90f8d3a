//! The keys of `[[database]]` and `[[grant]]`.

use super::listen::MAX_CONNECTIONS;
use super::{Group, Key, Kind, Table};
use crate::config::choices;

pub(in crate::config) static DATABASE: Table = Table::new(
    "[[database]]",
    &[
        Key::new(
            "name",
            Kind::String,
            "the database name that clients use; `\"*\"` matches every name without an entry of its own",
        )
        .required(),
        Key::new(
            "host",
            Kind::String,
            "a host name, an IP address, `name:port`, or the directory of a Unix socket",
        )
        .absent("required, or `hosts`"),
        Key::new("hosts", Kind::Strings, "several hosts, tried in order")
            .absent("required, or `host`"),
        Key::new(
            "port",
            Kind::Integer(1, 65_535),
            "port for hosts that do not specify one",
        )
        .default("5432"),
        Key::new(
            "dbname",
            Kind::String,
            "the name of the database on the server",
        )
        .absent("`name`; for `\"*\"`, the name the client used"),
        Key::new(
            "tls",
            Kind::Choice(choices::TLS_MODE.names),
            "as libpq's `sslmode`. Does not apply to Unix sockets",
        )
        .default("\"verify-full\""),
        Key::new(
            "ca",
            Kind::Path,
            "PEM file with the CAs for the server's certificate, for the two `verify` modes",
        )
        .absent("the system's"),
        Key::new(
            "target_session_attrs",
            Kind::Choice(choices::SESSION_ATTRIBUTES.names),
            "which of several servers is acceptable, as in libpq",
        )
        .default("\"any\""),
        Key::new(
            "connect_timeout",
            Kind::Period,
            "time limit per address, until the server is ready",
        )
        .default("\"10s\""),
        Key::new(
            "max_connections",
            Kind::Integer(1, MAX_CONNECTIONS),
            "concurrent sessions of this entry; for `\"*\"`, of all its names together",
        )
        .absent("no limit"),
        Key::new(
            "catalog_max_age",
            Kind::Duration,
            "how old what the gateway knows of tables, columns, views and functions may be when a statement is judged. \
             `\"0s\"`: the server is asked for each message. See [masking.md](masking.md#changes-past-the-gateway)",
        )
        .default("\"10ms\""),
        Key::new(
            "pool",
            Kind::Choice(choices::POOL.names),
            "for how long a server connection is one client's: `\"none\"`: while it lives; `\"session\"`: while the client is \
             connected; `\"transaction\"`: while a transaction lasts. See [Pooling](#pooling)",
        )
        .default("\"none\""),
        Key::new(
            "pool_size",
            Kind::Integer(1, MAX_CONNECTIONS),
            "most server connections of one role to one database",
        )
        .default("20"),
        Key::new(
            "pool_wait",
            Kind::Period,
            "how long a client waits for a server connection; then it gets an error (`53300`)",
        )
        .default("\"10s\""),
        Key::new(
            "pool_idle",
            Kind::Period,
            "a pooled server connection that nobody has used for so long is closed",
        )
        .default("\"10m\""),
        Key::new(
            "pool_max_age",
            Kind::Period,
            "a pooled server connection that is older is closed when nobody uses it",
        )
        .default("\"1h\""),
        Key::new(
            "record",
            Kind::Choice(choices::KEEP.names),
            "what is recorded of sessions with this database, in place of `keep` of `[record]`",
        )
        .absent("`keep` of `[record]`"),
        Key::new(
            "record_literals",
            Kind::Choice(choices::LITERALS.names),
            "whether values are recorded with the statements of this database, in place of `literals` of `[record]`",
        )
        .absent("`literals` of `[record]`"),
        Key::new(
            "record_retention",
            Kind::Period,
            "for how long sessions with this database are kept in the record after their end, in place of `retention` of `[record]`",
        )
        .absent("`retention` of `[record]`"),
        Key::table("catalog", &CATALOG),
    ],
);

pub(in crate::config) static CATALOG: Table = Table::new(
    "[database.catalog]",
    &[Key::new("user", Kind::String, "the role").required()],
)
.with(&[&PASSWORDS]);

pub(in crate::config) static GRANT: Table = Table::new(
    "[[grant]]",
    &[
        Key::new(
            "groups",
            Kind::Strings,
            "matches members of any of these; `\"*\"` matches everyone with a valid token",
        )
        .required(),
        Key::new(
            "issuers",
            Kind::Strings,
            "matches only identities of these `[[issuer]]` URLs; `\"certificate\"` stands for client certificates",
        )
        .absent("all"),
        Key::new(
            "databases",
            Kind::Strings,
            "names of `[[database]]` entries; `\"*\"` matches all",
        )
        .required(),
        Key::new(
            "role",
            Kind::String,
            "the PostgreSQL role that the gateway logs in with; the client cannot change it",
        )
        .required(),
    ],
)
.with(&[&PASSWORDS]);

/// How the gateway gets a password of its own.
pub(super) static PASSWORDS: Group = Group {
    name: "passwords",
    reference: "see [Passwords](#passwords)",
    keys: &[
        Key::new(
            "password_file",
            Kind::Path,
            "a file that is read at each login, so a rotated password takes effect at once. One trailing line break is ignored",
        ),
        Key::new(
            "password_env",
            Kind::String,
            "an environment variable, read when the configuration is read",
        ),
        Key::new("password", Kind::String, "the password itself"),
        Key::new(
            "password_command",
            Kind::Strings,
            "a program that prints the password, and its arguments: \
             `[\"aws\", \"rds\", \"generate-db-auth-token\", \"--hostname\", \"db.internal\", …]`. \
             It is run without a shell. A bare name is looked up in PATH",
        ),
        Key::new(
            "password_command_cache",
            Kind::Duration,
            "how long the printed password is reused; `\"0s\"` runs the program at each login",
        )
        .default("\"60s\""),
        Key::new(
            "password_command_timeout",
            Kind::Period,
            "time limit for one run; the program is then killed",
        )
        .default("\"10s\""),
    ],
};
