//! The keys of `[console]`.

use super::listen::{CERTIFICATE, PRIVATE_KEY};
use super::{Key, Kind, Table};

pub(in crate::config) static CONSOLE: Table = Table::new(
    "[console]",
    &[
        Key::new(
            "address",
            Kind::Address,
            "where the console is served, such as `\"127.0.0.1:9466\"`. Without `[console.tls]` it must be on loopback",
        )
        .required(),
        Key::new(
            "url",
            Kind::String,
            "where browsers reach it: `https://`, or `http://` on a loopback address, without a path. The provider sends people back to \
             this URL and `/callback`, which has to be registered there as the redirect URI",
        )
        .required(),
        Key::new(
            "issuer",
            Kind::String,
            "the `url` of the `[[issuer]]` at which people log in; one of `people`",
        )
        .absent("the issuer in `people`, if there is one only"),
        Key::new(
            "client_id",
            Kind::String,
            "the console's client ID at the issuer: the audience of its ID tokens. A client of its own, not one whose tokens open databases",
        )
        .required(),
        Key::new(
            "client_secret_file",
            Kind::Path,
            "a file with the client's secret",
        )
        .absent("none: a public client"),
        Key::new(
            "scopes",
            Kind::Strings,
            "the scopes to request, for providers that put groups into tokens only for some scope",
        )
        .default("[\"openid\"]"),
        Key::new(
            "hosts",
            Kind::Strings,
            "host names by which the port may be addressed, besides that of `url`, `localhost` and IP addresses",
        )
        .absent("none"),
        Key::new(
            "admins",
            Kind::Strings,
            "the groups whose members see the open sessions and the policies in force, and end sessions",
        )
        .absent("none"),
        Key::new(
            "idle_timeout",
            Kind::Period,
            "a person who has opened no page for this long has to log in again. Pages that update themselves do not count",
        )
        .default("\"1h\""),
        Key::new(
            "login_lifetime",
            Kind::Period,
            "a person has to log in again after this time, whatever they do. Groups are those of the login until then",
        )
        .default("\"8h\""),
        Key::table("tls", &CONSOLE_TLS),
    ],
);

pub(in crate::config) static CONSOLE_TLS: Table =
    Table::new("[console.tls]", &[CERTIFICATE, PRIVATE_KEY]);
