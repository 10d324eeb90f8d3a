//! The keys of `[listen]`, `[admin]` and `[log]`.

use super::{Key, Kind, Table};
use crate::config::choices;

/// The maximum of limits on connections.
pub(super) const MAX_CONNECTIONS: u64 = 1_000_000;

/// PostgreSQL's own limit on a message: 1 GiB less one byte.
const MAX_MESSAGE: u64 = (1 << 30) - 1;

const KIB: u64 = 1 << 10;

pub(in crate::config) static LISTEN: Table = Table::new(
    "[listen]",
    &[
        Key::new(
            "address",
            Kind::Address,
            "IP address and port for clients",
        )
        .default("\"127.0.0.1:6432\""),
        Key::new(
            "cleartext_password",
            Kind::Choice(choices::CLEARTEXT_PASSWORD.names),
            "whether a token may be sent as a password without TLS: never, or on connections over the loopback interface",
        )
        .default("\"never\""),
        Key::new(
            "allow_plaintext",
            Kind::Boolean,
            "`true` permits an `address` other than loopback without TLS, for networks that are protected by other means",
        )
        .default("false"),
        Key::new(
            "authentication",
            Kind::Choice(choices::AUTHENTICATION.names),
            "how clients are asked for their token: as a password, or with SASL OAUTHBEARER (libpq 18 and later). \
             A client can choose the other method with `options=-c gatewright.authentication=oauthbearer` or `=password`",
        )
        .default("\"password\""),
        Key::table("oauth", &OAUTH),
        Key::table("tls", &TLS),
        Key::table("limits", &LIMITS),
    ],
);

pub(in crate::config) static OAUTH: Table = Table::new(
    "[listen.oauth]",
    &[
        Key::new(
            "issuer",
            Kind::String,
            "the `url` of the `[[issuer]]` that issues the token; the client's `oauth_issuer` must be identical",
        )
        .absent("the first `[[issuer]]`"),
        Key::new("scope", Kind::String, "the scope to request").default("\"openid\""),
    ],
);

/// Of a port that is served with TLS.
pub(super) const CERTIFICATE: Key = Key::new(
    "certificate",
    Kind::Path,
    "PEM file with the certificate followed by its chain",
)
.required();

pub(super) const PRIVATE_KEY: Key = Key::new(
    "key",
    Kind::Path,
    "PEM file with the private key: PKCS#8, PKCS#1 or SEC 1",
)
.required();

pub(in crate::config) static TLS: Table = Table::new(
    "[listen.tls]",
    &[
        CERTIFICATE,
        PRIVATE_KEY,
        Key::new(
            "client_ca",
            Kind::Path,
            "PEM file with the CAs whose client certificates are accepted; see [`[[client_certificate]]`](#client_certificate)",
        ),
        Key::new(
            "client_crl",
            Kind::Paths,
            "PEM files with the CAs' certificate revocation lists: version 2, current, one from every CA in a chain. \
             A certificate whose revocation status is unknown is refused",
        )
        .absent("revocation is not checked"),
    ],
);

pub(in crate::config) static LIMITS: Table = Table::new(
    "[listen.limits]",
    &[
        Key::new(
            "max_connections",
            Kind::Integer(1, MAX_CONNECTIONS),
            "concurrent sessions",
        )
        .default("2000"),
        Key::new(
            "max_connections_per_identity",
            Kind::Integer(1, MAX_CONNECTIONS),
            "concurrent sessions per identity (issuer and subject)",
        )
        .absent("no limit"),
        Key::new(
            "max_handshakes",
            Kind::Integer(1, MAX_CONNECTIONS),
            "concurrent connections that have not logged in yet",
        )
        .default("500"),
        Key::new(
            "max_handshakes_per_address",
            Kind::Integer(1, MAX_CONNECTIONS),
            "how many of them may come from one address. Behind a load balancer or NAT that hides the clients' addresses, \
             set it to `max_handshakes`",
        )
        .default("200"),
        Key::new(
            "handshake_timeout",
            Kind::Period,
            "time from accepting the connection to receiving the startup message, including TLS",
        )
        .default("\"10s\""),
        Key::new(
            "authentication_timeout",
            Kind::Period,
            "time from the startup message to the completed login, including the login on the server",
        )
        .default("\"30s\""),
        Key::new(
            "max_message",
            Kind::Size(64 * KIB, MAX_MESSAGE),
            "maximum length of a protocol message in either direction. COPY data, and rows that no policy edits, \
             are forwarded in pieces and may be longer",
        )
        .default("\"128MiB\""),
        Key::new(
            "max_statement",
            Kind::Size(64 * KIB, MAX_MESSAGE),
            "maximum length of a statement that is analysed; a longer one is refused with an error. \
             Analysis temporarily uses several times the length in memory. A reload does not change this key",
        )
        .default("\"64MiB\""),
        Key::new(
            "idle_timeout",
            Kind::Period,
            "a session is ended when no message was sent in either direction for this long. Sessions in a transaction \
             are exempt; use the server's `idle_in_transaction_session_timeout`",
        )
        .absent("no limit"),
        Key::new(
            "failure_delay",
            Kind::Duration,
            "delay before the error for the fourth consecutive failed login from one address is sent. \
             Each further failure doubles it. `\"0s\"` disables delays",
        )
        .default("\"250ms\""),
        Key::new("failure_delay_max", Kind::Duration, "maximum delay").default("\"5s\""),
        Key::new(
            "failure_memory",
            Kind::Period,
            "time without a failed login after which an address starts over",
        )
        .default("\"10m\""),
    ],
);

pub(in crate::config) static ADMIN: Table = Table::new(
    "[admin]",
    &[
        Key::new(
            "address",
            Kind::Address,
            "where metrics and health checks are served, such as `\"127.0.0.1:9464\"`",
        )
        .required(),
        Key::new(
            "hosts",
            Kind::Strings,
            "host names by which the port may be addressed, besides `localhost` and IP addresses, such as a service's. \
             Requests for other names are refused, since a web page could make them",
        )
        .absent("none"),
    ],
);

pub(in crate::config) static LOG: Table = Table::new(
    "[log]",
    &[
        Key::new(
            "level",
            Kind::String,
            "`error`, `warn`, `info`, `debug`, `trace` or `off`; also per target, such as `\"info,gatewright=debug\"`",
        )
        .default("\"info\""),
        Key::new(
            "format",
            Kind::Choice(choices::LOG_FORMAT.names),
            "the format of the lines",
        )
        .default("\"text\""),
    ],
);
