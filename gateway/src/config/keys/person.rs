//! The keys of a person's login file.

use super::{Key, Kind, Table};
use crate::config::choices;

pub(in crate::config) static PERSON: Table = Table::new(
    "",
    &[
        Key::new(
            "default",
            Kind::String,
            "the profile to use without `--name`",
        )
        .absent("the only profile, otherwise `\"default\"`"),
        Key::new("profile", Kind::Named(&PROFILE), ""),
    ],
);

static PROFILE: Table = Table::new(
    "[profile.NAME]",
    &[
        Key::new(
            "issuer",
            Kind::String,
            "the provider's URL, exactly as the provider writes it",
        )
        .required(),
        Key::new("client_id", Kind::String, "the client ID").required(),
        Key::new(
            "client_secret",
            Kind::String,
            "for providers that issue a secret to native clients",
        ),
        Key::new("scopes", Kind::Strings, "the scopes to request")
            .absent("`openid`, and `offline_access` if the provider supports it"),
        Key::new(
            "audience",
            Kind::String,
            "the audience of the access token; providers support this key or `resource`",
        ),
        Key::new(
            "resource",
            Kind::String,
            "the resource that the access token is for; providers support this key or `audience`",
        ),
        Key::new(
            "token",
            Kind::Choice(choices::TOKEN.names),
            "which token the gateway gets",
        )
        .absent("`\"access\"` if `audience` or `resource` is set, otherwise `\"id\"`"),
        Key::new("device", Kind::Boolean, "log in with a device code").default("false"),
        Key::new(
            "redirect_uri",
            Kind::String,
            "the loopback redirect URI; without a port, any free port is used",
        )
        .default("\"http://127.0.0.1/callback\""),
        Key::new(
            "ca",
            Kind::Path,
            "PEM file with the CAs for the provider's certificate",
        )
        .absent("the system's"),
        Key::new(
            "gateway",
            Kind::String,
            "the address that `connect` uses, `host:port`",
        )
        .absent("libpq's default"),
        Key::new("database", Kind::String, "the database that `connect` uses")
            .absent("libpq's default"),
        Key::new(
            "api",
            Kind::String,
            "the URL of the gateway's API, for `gatewright approvals`",
        ),
        Key::new(
            "api_ca",
            Kind::Path,
            "PEM file with the CAs for the API's certificate",
        )
        .absent("the system's"),
    ],
);
