//! The keys of `[approvals]`, `[store]` and `[api]`.

use super::database::PASSWORDS;
use super::listen::{CERTIFICATE, PRIVATE_KEY};
use super::{Key, Kind, Table};
use crate::config::choices;

pub(in crate::config) static APPROVALS: Table = Table::new(
    "[approvals]",
    &[
        Key::new(
            "people",
            Kind::Strings,
            "the `url` of each `[[issuer]]` whose tokens belong to people. Tokens of other issuers, of agents and of programs cannot decide",
        )
        .required(),
        Key::new(
            "reviewers",
            Kind::Strings,
            "the groups whose members decide, where the policy names no reviewers",
        )
        .required(),
        Key::new(
            "viewers",
            Kind::Strings,
            "the groups whose members see all requests. Others see those that they may decide, and their own",
        )
        .absent("none"),
        Key::new(
            "auditors",
            Kind::Strings,
            "the groups whose members see all requests and access grants, and in the console the gateway's sessions, policies and databases. They decide nothing, also where they are reviewers or `admins`",
        )
        .absent("none"),
        Key::new(
            "break_glass",
            Kind::Strings,
            "the groups whose members can have a statement run without waiting for reviewers, with a justification. It is reviewed afterwards",
        )
        .absent("none"),
        Key::new(
            "approvals",
            Kind::Integer(1, 16),
            "how many different people have to approve; a policy may require more",
        )
        .default("1"),
        Key::new(
            "reason_required",
            Kind::Boolean,
            "whether a decision has to give a reason",
        )
        .default("false"),
        Key::new(
            "hours",
            Kind::Strings,
            "when people decide: days and times, such as `\"Mon-Fri 08:00-18:00\"`, or several of these",
        )
        .absent("always"),
        Key::new(
            "time_zone",
            Kind::String,
            "the time zone of `hours`, such as `\"Europe/Berlin\"`",
        )
        .default("\"UTC\""),
        Key::new(
            "pending_ttl",
            Kind::Period,
            "how long a request waits for a decision; outside of `hours`, from their next beginning on",
        )
        .default("\"1h\""),
        Key::new(
            "approval_ttl",
            Kind::Period,
            "how long an approval waits to be used; a policy may allow less",
        )
        .default("\"10m\""),
        Key::new(
            "hold_limit",
            Kind::Period,
            "how long a statement is held on its connection; a policy may allow less",
        )
        .default("\"10m\""),
        Key::new(
            "preview_timeout",
            Kind::Period,
            "how long a statement may take that is run and rolled back to show its effect, or planned for an estimate",
        )
        .default("\"10s\""),
        Key::new(
            "preview_lock_timeout",
            Kind::Period,
            "how long such a statement waits for a lock",
        )
        .default("\"1s\""),
        Key::new(
            "preview_rows",
            Kind::Integer(0, 100),
            "how many of the rows that such a statement changes reviewers are shown, with the values that the requester may see",
        )
        .default("20"),
        Key::new(
            "max_grant",
            Kind::Period,
            "how long an [access grant](grants.md) lasts at most",
        )
        .default("\"8h\""),
        Key::new(
            "notice_interval",
            Kind::Period,
            "the pause between the notices that tell a held client that it waits",
        )
        .default("\"30s\""),
        Key::new(
            "agents",
            Kind::Choice(choices::APPROVAL_WAIT.names),
            "what becomes of a statement of an agent that needs approval: `hold` keeps it waiting, `return` refuses it with the request's id, \
             and it runs when it is sent again once approved",
        )
        .default("\"hold\""),
        Key::new(
            "review_commits",
            Kind::Choice(choices::COMMIT_REVIEW.names),
            "whose changes people review [before they are committed](approvals.md#review-before-commit): nobody's, those of agents, or everybody's",
        )
        .default("\"none\""),
        Key::new(
            "max_pending_per_identity",
            Kind::Integer(1, 100_000),
            "requests of one identity (issuer and subject) that wait for a decision; so many access grants may wait besides",
        )
        .default("100"),
        Key::new(
            "max_held",
            Kind::Integer(1, 100_000),
            "statements that this gateway holds at one time",
        )
        .default("1000"),
        Key::new(
            "keep",
            Kind::Period,
            "how long requests and access grants that have ended are kept, with their statements and parameters",
        )
        .default("\"90d\""),
        Key::new(
            "url",
            Kind::String,
            "where people decide, as requests name it: the URL of the console or the API of this gateway, or of another one that shares the store",
        )
        .absent("the `url` of `[console]`, or the address of `[api]`; required where that is a wildcard or has port 0"),
    ],
);

pub(in crate::config) static STORE: Table = Table::new(
    "[store]",
    &[
        Key::new(
            "path",
            Kind::Path,
            "a SQLite file, which is created if it does not exist. Only its owner can read it",
        )
        .absent("`\"gatewright.db\"`, unless `url` is set"),
        Key::new(
            "url",
            Kind::String,
            "a PostgreSQL database for several gateways, as `postgres://user@host:port/database` with libpq's options. \
             Its encoding must be UTF8. The tables are in its schema `gatewright`",
        )
        .absent("the file"),
    ],
)
.with(&[&PASSWORDS]);

pub(in crate::config) static API: Table = Table::new(
    "[api]",
    &[
        Key::new(
            "address",
            Kind::Address,
            "where the API is served, such as `\"127.0.0.1:9465\"`",
        )
        .required(),
        Key::new(
            "hosts",
            Kind::Strings,
            "host names by which the port may be addressed, besides `localhost` and IP addresses. \
             Requests for other names are refused, since a web page could make them",
        )
        .absent("none"),
        Key::new(
            "allow_plaintext",
            Kind::Boolean,
            "`true` permits an `address` other than loopback without TLS, for networks that are protected by other means",
        )
        .default("false"),
        Key::table("tls", &API_TLS),
    ],
);

pub(in crate::config) static API_TLS: Table = Table::new("[api.tls]", &[CERTIFICATE, PRIVATE_KEY]);
