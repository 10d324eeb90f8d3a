use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::Identity;
use crate::upstream::{ClientTls, Credential, Roots, SessionAttributes, Target};

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
    pub tls: ClientTls,
    /// What `tls` was made with.
    pub roots: Roots,
    pub session_attributes: SessionAttributes,
    /// For each address of each host.
    pub connect_timeout: Duration,
    /// Sessions at one time, those of every name together for [`ANY`].
    pub max_connections: Option<usize>,
    /// The role the gateway itself reads the server's catalog with.
    pub catalog: Option<CatalogLogin>,
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
    /// Where to log in, in which role and with which password.
    pub target: Target,
}

/// Where a session goes, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub hosts: Vec<(String, u16)>,
    /// The database's name on the server.
    pub dbname: String,
    pub role: String,
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

    /// Everyone with a valid token gets every database of a server, in the target's role and with
    /// its password. For `gatewright dev`, which has no configuration.
    pub fn everyone(target: &Target) -> Self {
        let credential = target.password.clone();
        let database = Database {
            name: ANY.to_owned(),
            hosts: target.hosts.clone(),
            dbname: None,
            tls: target.tls.clone(),
            roots: Roots::System,
            session_attributes: target.session_attributes,
            connect_timeout: target.connect_timeout,
            max_connections: None,
            catalog: Some(CatalogLogin {
                user: target.user.clone(),
                credential: credential.clone(),
            }),
        };
        let rule = GrantRule {
            groups: vec![ANY.to_owned()],
            issuers: Vec::new(),
            databases: vec![ANY.to_owned()],
            role: target.user.clone(),
            credential,
        };
        Self::new(vec![database], vec![rule])
    }

    pub fn databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    pub fn rules(&self) -> &[GrantRule] {
        &self.rules
    }

    /// What this identity gets when it asks for that database.
    ///
    /// # Errors
    /// When no rule fits.
    pub fn resolve(&self, identity: &Identity, database: &str) -> Result<Grant, GrantError> {
        let (entry, rule) = self
            .entry(database)
            .zip(self.rule(identity, database))
            .ok_or_else(|| GrantError::NoGrant {
                database: shown(database),
                subject: identity.subject.clone(),
                open: self.open_to(identity),
            })?;
        let target = entry.target(database, &rule.role, &rule.credential);
        Ok(Grant {
            database: Arc::clone(entry),
            target,
        })
    }

    /// Where this identity is let in when it asks for that database, and as whom.
    pub fn place(&self, identity: &Identity, database: &str) -> Option<Place> {
        let entry = self.entry(database)?;
        let rule = self.rule(identity, database)?;
        Some(Place {
            hosts: entry.hosts.clone(),
            dbname: entry.dbname_for(database).to_owned(),
            role: rule.role.clone(),
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

impl Database {
    /// Where the gateway reads this database's catalog, when it has a login for that. `requested`
    /// is the name the client asked for.
    pub fn catalog_target(&self, requested: &str) -> Option<Target> {
        let login = self.catalog.as_ref()?;
        Some(self.target(requested, &login.user, &login.credential))
    }

    /// Its name on the server.
    fn dbname_for<'n>(&'n self, requested: &'n str) -> &'n str {
        self.dbname.as_deref().unwrap_or(requested)
    }

    fn target(&self, requested: &str, role: &str, credential: &Credential) -> Target {
        Target {
            hosts: self.hosts.clone(),
            dbname: self.dbname_for(requested).to_owned(),
            user: role.to_owned(),
            password: credential.clone(),
            bearer: false,
            tls: self.tls.clone(),
            session_attributes: self.session_attributes,
            connect_timeout: self.connect_timeout,
        }
    }
}

impl Grant {
    /// Where the catalog is read for its sessions: in a role of its own, if there is one. `requested` is the name the client asked for.
    pub fn catalog_target(&self, requested: &str) -> Target {
        let own = self.database.catalog_target(requested);
        own.unwrap_or_else(|| self.target.clone())
    }

    pub fn place(&self) -> Place {
        Place {
            hosts: self.target.hosts.clone(),
            dbname: self.target.dbname.clone(),
            role: self.target.user.clone(),
        }
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
        }
    }

    /// SQLSTATE (PostgreSQL appendix A).
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::NoGrant { .. } => "28000",
        }
    }

    /// A stable label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoGrant { .. } => "no_grant",
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
