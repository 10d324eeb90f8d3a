//! The values of keys that are one of a few names. Definitions, reader and `gatewright check` share them.

use gatewright_contract::ApprovalWait;
use gatewright_policy_host::{Isolation, Mode};

use super::LogFormat;
use super::stream::DestinationKind;
use super::webhook::WebhookFormat;
use crate::approvals::CommitReview;
use crate::listener::{Authentication, CleartextPassword};
use crate::login::TokenKind;
use crate::pool::PoolMode;
use crate::recording::{Durability, Keep, Literals, WhenUnwritable};
use crate::streams::Texts;
use crate::traces::{QueryTexts, WithoutParent};
use crate::upstream::{SessionAttributes, TlsMode};
use crate::webhooks::Disclosure;

/// Names, and the value that each stands for.
pub(super) struct Choices<T: 'static> {
    pub names: &'static [&'static str],
    values: &'static [T],
}

impl<T: Copy + PartialEq> Choices<T> {
    pub fn value(&self, name: &str) -> Option<T> {
        let mut pairs = self.names.iter().zip(self.values);
        pairs
            .find(|(known, _)| **known == name)
            .map(|(_, value)| *value)
    }

    pub fn name(&self, value: T) -> &'static str {
        let mut pairs = self.names.iter().zip(self.values);
        let found = pairs.find(|(_, known)| **known == value);
        debug_assert!(found.is_some(), "every value has a name");
        found.map_or("", |(name, _)| name)
    }
}

macro_rules! choices {
    ($constant:ident: $type:ty { $($name:literal => $value:expr),+ $(,)? }) => {
        pub(super) const $constant: Choices<$type> = Choices {
            names: &[$($name),+],
            values: &[$($value),+],
        };
    };
}

choices!(CLEARTEXT_PASSWORD: CleartextPassword {
    "never" => CleartextPassword::Never,
    "loopback" => CleartextPassword::Loopback,
});

choices!(AUTHENTICATION: Authentication {
    "password" => Authentication::Password,
    "oauthbearer" => Authentication::OAuthBearer,
});

choices!(WHEN_UNWRITABLE: WhenUnwritable {
    "refuse" => WhenUnwritable::Refuse,
    "hold" => WhenUnwritable::Hold,
});
choices!(DURABILITY: Durability {
    "statement" => Durability::Statement,
    "interval" => Durability::Interval,
    "none" => Durability::None,
});

choices!(KEEP: Keep {
    "nothing" => Keep::Nothing,
    "statements" => Keep::Statements,
    "rows" => Keep::Rows,
});

choices!(LITERALS: Literals {
    "keep" => Literals::Keep,
    "redact" => Literals::Redact,
});

choices!(APPROVAL_WAIT: ApprovalWait {
    "hold" => ApprovalWait::Hold,
    "return" => ApprovalWait::ReturnId,
});

choices!(COMMIT_REVIEW: CommitReview {
    "none" => CommitReview::None,
    "agents" => CommitReview::Agents,
    "all" => CommitReview::All,
});

choices!(WEBHOOK_FORMAT: WebhookFormat {
    "json" => WebhookFormat::Json,
    "slack" => WebhookFormat::Slack,
    "slack-api" => WebhookFormat::SlackApi,
});

choices!(DISCLOSURE: Disclosure {
    "redacted" => Disclosure::Redacted,
    "whole" => Disclosure::Whole,
    "none" => Disclosure::None,
});

choices!(TEXTS: Texts {
    "recorded" => Texts::Recorded,
    "none" => Texts::None,
});

choices!(QUERY_TEXTS: QueryTexts {
    "none" => QueryTexts::None,
    "redacted" => QueryTexts::Redacted,
});

choices!(WITHOUT_PARENT: WithoutParent {
    "sample" => WithoutParent::Sample,
    "ignore" => WithoutParent::Ignore,
});

choices!(DESTINATION: DestinationKind {
    "file" => DestinationKind::File,
    "stdout" => DestinationKind::Stdout,
    "syslog" => DestinationKind::Syslog,
    "otlp" => DestinationKind::Otlp,
});

choices!(LOG_FORMAT: LogFormat {
    "text" => LogFormat::Text,
    "json" => LogFormat::Json,
});

choices!(TLS_MODE: TlsMode {
    "disable" => TlsMode::Disable,
    "prefer" => TlsMode::Prefer,
    "require" => TlsMode::Require,
    "verify-ca" => TlsMode::VerifyCa,
    "verify-full" => TlsMode::VerifyFull,
});

choices!(SESSION_ATTRIBUTES: SessionAttributes {
    "any" => SessionAttributes::Any,
    "read-write" => SessionAttributes::ReadWrite,
    "read-only" => SessionAttributes::ReadOnly,
    "primary" => SessionAttributes::Primary,
    "standby" => SessionAttributes::Standby,
    "prefer-standby" => SessionAttributes::PreferStandby,
});

choices!(POOL: PoolMode {
    "none" => PoolMode::None,
    "session" => PoolMode::Session,
    "transaction" => PoolMode::Transaction,
});

choices!(MODE: Mode {
    "enforce" => Mode::Enforce,
    "shadow" => Mode::Shadow,
    "off" => Mode::Off,
});

choices!(ISOLATION: Isolation {
    "pooled" => Isolation::Pooled,
    "statement" => Isolation::Statement,
});

choices!(TOKEN: TokenKind {
    "id" => TokenKind::Id,
    "access" => TokenKind::Access,
});

/// Reads a mode of `pool` on the command line.
///
/// # Errors
/// What is expected instead.
pub fn parse_pool(text: &str) -> Result<PoolMode, String> {
    let names = POOL.names.join(", ");
    POOL.value(text).ok_or_else(|| format!("one of {names}"))
}
