use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use thiserror::Error;

use super::Identity;
use super::credential::{Credential, CredentialError};

/// Stands for every group, or every database, in a rule; as a database's name, for every name that
/// has no entry of its own.
pub const ANY: &str = "*";

/// A PostgreSQL database behind the gateway, under the name clients ask for.
#[derive(Clone, Debug)]
pub struct Database {
    /// What clients put in `dbname`, or [`ANY`].
    pub name: String,
    /// Tried in order. A host that begins with `/` is the directory of a unix socket.
    pub hosts: Vec<(String, u16)>,
    /// The name on the server; `None` passes on the name the client asked for.
    pub dbname: Option<String>,
    pub tls: ServerTls,
    /// PEM file of the authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// The role the gateway itself reads the server's catalog with.
    pub catalog: Option<CatalogLogin>,
}

/// How the connection to a server is protected, named as libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerTls {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    #[default]
    VerifyFull,
}

/// The gateway's own login.
#[derive(Clone, Debug)]
pub struct CatalogLogin {
    pub user: String,
    pub credential: Credential,
}

/// Members of any of these groups reach these databases in this role.
#[derive(Clone, Debug)]
pub struct GrantRule {
    /// Any of them suffices; [`ANY`] is everyone with a valid token.
    pub groups: Vec<String>,
    /// Only tokens of these issuers; empty means all that are configured.
    pub issuers: Vec<String>,
    /// Names of [`Database`] entries, or [`ANY`].
    pub databases: Vec<String>,
    /// The PostgreSQL role the gateway logs in with.
    pub role: String,
    pub credential: Credential,
}

/// Who may reach what. Rules are read in order; the first that fits decides.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    databases: BTreeMap<String, Arc<Database>>,
    rules: Vec<GrantRule>,
}

/// What an identity got: all that is needed to log in upstream.
#[derive(Clone, Debug)]
pub struct Grant {
    pub database: Arc<Database>,
    /// The database's name on the server.
    pub dbname: String,
    pub role: String,
    pub password: Option<SecretString>,
}

/// Why an identity cannot have a database.
#[derive(Debug, Error)]
pub enum GrantError {
    /// Says the same whether the database does not exist or is closed to this identity.
    #[error("no grant opens the database \"{database}\" to {subject}")]
    NoGrant {
        database: String,
        subject: String,
        /// The named databases this identity could have.
        open: Vec<String>,
    },
    #[error("the credential for role {role} cannot be had: {source}")]
    Credential {
        role: String,
        source: CredentialError,
    },
}

impl Grants {
    /// A later database of the same name replaces an earlier one.
    pub fn new(databases: Vec<Database>, rules: Vec<GrantRule>) -> Self {
        Self {
            databases: databases
                .into_iter()
                .map(|database| (database.name.clone(), Arc::new(database)))
                .collect(),
            rules,
        }
    }

    pub fn databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    pub fn rules(&self) -> &[GrantRule] {
        &self.rules
    }

    /// What this identity gets when it asks for that database. Reads the credential's file, if it
    /// is in one.
    ///
    /// # Errors
    /// When no rule fits, or the credential cannot be had.
    pub fn resolve(&self, identity: &Identity, database: &str) -> Result<Grant, GrantError> {
        let (entry, rule) = self
            .entry(database)
            .zip(self.rule(identity, database))
            .ok_or_else(|| GrantError::NoGrant {
                database: shown(database),
                subject: identity.subject.clone(),
                open: self.open_to(identity),
            })?;
        let password = rule
            .credential
            .password()
            .map_err(|source| GrantError::Credential {
                role: rule.role.clone(),
                source,
            })?;
        Ok(Grant {
            dbname: entry.dbname.clone().unwrap_or_else(|| database.to_owned()),
            database: Arc::clone(entry),
            role: rule.role.clone(),
            password,
        })
    }

    fn entry(&self, database: &str) -> Option<&Arc<Database>> {
        self.databases
            .get(database)
            .or_else(|| self.databases.get(ANY))
    }

    fn rule(&self, identity: &Identity, database: &str) -> Option<&GrantRule> {
        self.rules
            .iter()
            .find(|rule| rule.is_for(identity) && rule.opens(database))
    }

    fn open_to(&self, identity: &Identity) -> Vec<String> {
        self.databases
            .keys()
            .filter(|name| *name != ANY && self.rule(identity, name).is_some())
            .cloned()
            .collect()
    }
}

impl GrantRule {
    fn is_for(&self, identity: &Identity) -> bool {
        let issuer = self.issuers.is_empty() || self.issuers.contains(&identity.issuer);
        let mut groups = self.groups.iter();
        issuer && groups.any(|group| group == ANY || identity.groups.contains(group))
    }

    fn opens(&self, database: &str) -> bool {
        let mut names = self.databases.iter();
        names.any(|name| name == ANY || name == database)
    }
}

impl GrantError {
    /// The text a client may see.
    pub fn client_text(&self) -> String {
        match self {
            Self::NoGrant { .. } => self.to_string(),
            Self::Credential { .. } => {
                "the gateway has no working credential for this database at the moment".to_owned()
            }
        }
    }

    /// What the client can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoGrant { open, .. } if open.is_empty() => {
                "None of your groups is granted a database here; ask for access.".to_owned()
            }
            Self::NoGrant { open, .. } => {
                format!("Your groups open: {}.", open.join(", "))
            }
            Self::Credential { .. } => "Tell the gateway's operator; its log says more.".to_owned(),
        }
    }

    /// SQLSTATE (PostgreSQL appendix A).
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::NoGrant { .. } => "28000",
            Self::Credential { .. } => "57P03",
        }
    }

    /// A stable label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoGrant { .. } => "no_grant",
            Self::Credential { .. } => "credential",
        }
    }
}

/// A database name as the client sent it, cut to what PostgreSQL itself would keep (NAMEDATALEN)
/// and without line breaks.
fn shown(database: &str) -> String {
    database
        .chars()
        .filter(|c| !c.is_control())
        .take(63)
        .collect()
}
