//! The keys of `[traces]`.

use super::{Key, Kind, Table};
use crate::config::choices;

pub(in crate::config) static TRACES: Table = Table::new(
    "[traces]",
    &[
        Key::new(
            "url",
            Kind::String,
            "where spans are sent by OTLP over HTTP: `https://collector:4318/v1/traces`, or `http://` on a loopback address",
        )
        .required(),
        Key::new(
            "token_file",
            Kind::Path,
            "a file with the bearer token of the collector",
        ),
        Key::new(
            "ca",
            Kind::Path,
            "the CAs to trust in place of the system's, as PEM",
        ),
        Key::new(
            "texts",
            Kind::Choice(choices::QUERY_TEXTS.names),
            "what spans have of the texts of statements: `\"none\"`: nothing; `\"redacted\"`: texts with parameters in place of constants \
             (`db.query.text`)",
        )
        .default("\"none\""),
        Key::new(
            "without_parent",
            Kind::Choice(choices::WITHOUT_PARENT.names),
            "what becomes of statements whose client names no span: `\"sample\"`: each begins a trace; `\"ignore\"`: they have no span. \
             Otherwise the flag of the client's span decides",
        )
        .default("\"sample\""),
    ],
);
