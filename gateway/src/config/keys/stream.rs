//! The keys of `[streams]` and `[[stream]]`.

use super::{Key, Kind, Table};
use crate::config::choices;

const MIB: u64 = 1 << 20;

pub(in crate::config) static STREAMS: Table = Table::new(
    "[streams]",
    &[
        Key::new(
            "directory",
            Kind::Path,
            "where events wait until every stream has delivered them, and how far each stream is. Only one gateway may use it",
        )
        .absent("`streams` in the directory of `[record]`; without a record it is required"),
        Key::new(
            "limit",
            Kind::Size(MIB, 1 << 50),
            "so many bytes of events may wait. Events beyond that are lost, which is counted, and which the numbers of events show",
        )
        .default("\"1GiB\""),
        Key::new(
            "texts",
            Kind::Choice(choices::TEXTS.names),
            "what events have of the texts of statements: `\"recorded\"`: what the record has or would have, without passwords, and without \
             constants where literals are redacted; `\"none\"`: nothing",
        )
        .default("\"recorded\""),
    ],
);

pub(in crate::config) static STREAM: Table = Table::new(
    "[[stream]]",
    &[
        Key::new(
            "name",
            Kind::String,
            "by which the log, metrics and the directory of `[streams]` know it: letters, digits, `-` and `_`",
        )
        .required(),
        Key::new(
            "to",
            Kind::Choice(choices::DESTINATION.names),
            "where events go: `\"file\"`: lines of JSON are appended to a file; `\"stdout\"`: to standard output; `\"syslog\"`: as messages \
             of RFC 5424; `\"otlp\"`: as logs by OTLP over HTTP",
        )
        .required(),
        Key::new("path", Kind::Path, "the file, with `to = \"file\"`"),
        Key::new(
            "url",
            Kind::String,
            "the receiver: for syslog `udp://host:514`, `tcp://host:601`, `tls://host:6514` or `unix:///dev/log`; for OTLP \
             `https://collector:4318/v1/logs`, or `http://` on a loopback address",
        ),
        Key::new(
            "token_file",
            Kind::Path,
            "a file with the bearer token of a collector, with `to = \"otlp\"`",
        ),
        Key::new(
            "ca",
            Kind::Path,
            "the CAs to trust in place of the system's, as PEM, with `tls://` and `https://`",
        ),
    ],
);
