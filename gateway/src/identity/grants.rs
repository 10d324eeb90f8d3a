//! Grants: which groups may connect to which databases, and with which role.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::recording::DatabaseRecord;
use thiserror::Error;

use super::Identity;
use crate::pool::PoolSettings;
use crate::upstream::{ClientTls, Credential, Roots, SessionAttributes, Target};

/// In a rule, matches every group or every database. As a database's name, matches every name without an entry of its
/// own.
pub const ANY: &str = "*";

/// How old what is known of a catalog may be when a statement is judged, unless set otherwise.
pub const CATALOG_MAX_AGE: Duration = Duration::from_millis(10);

/// A PostgreSQL database behind the gateway.
#[derive(Clone, Debug)]
pub struct Database {
    /// The database name that clients use, or [`ANY`].
    pub name: String,
    /// Tried in order. A host that begins with `/` is the directory of a Unix socket.
    pub hosts: Vec<(String, u16)>,
    /// The name on the server. `None` stands for the name that the client used.
    pub dbname: Option<String>,
    pub tls: ClientTls,
    /// The CAs with which `tls` was created.
    pub roots: Roots,
    pub session_attributes: SessionAttributes,
    /// Time limit per address.
    pub connect_timeout: Duration,
    /// Maximum number of concurrent sessions; for [`ANY`], of all its names together.
    pub max_connections: Option<usize>,
    /// How old what the gateway knows of the catalog may be when a statement is judged.
    pub catalog_max_age: Duration,
    pub pool: PoolSettings,
    /// What is recorded of its sessions.
    pub record: DatabaseRecord,
    /// The login with which the gateway reads the server's catalog.
    pub catalog: Option<CatalogLogin>,
}

/// The login with which the gateway reads a catalog.
#[derive(Clone, Debug)]
pub struct CatalogLogin {
    pub user: String,
    pub credential: Credential,
}

/// Grants members of the groups access to the databases with the role.
#[derive(Clone, Debug)]
pub struct GrantRule {
    /// Matches members of any of these groups. [`ANY`] matches every identity.
    pub groups: Vec<String>,
    /// Matches only identities of these issuers. Empty matches all issuers.
    pub issuers: Vec<String>,
    /// Names of [`Database`] entries, or [`ANY`].
    pub databases: Vec<String>,
    /// The PostgreSQL role that the gateway logs in with.
    pub role: String,
    pub credential: Credential,
}

/// All databases and grant rules. The first rule that matches an identity and a database applies.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    databases: BTreeMap<String, Arc<Database>>,
    rules: Vec<GrantRule>,
}

/// The grant of an identity for a database: everything needed to connect to the server.
#[derive(Clone, Debug)]
pub struct Grant {
    pub database: Arc<Database>,
    /// The hosts, database, role and password.
    pub target: Target,
}

/// The database and role of a session. A session ends when a reload changes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub hosts: Vec<(String, u16)>,
    /// The database name on the server.
    pub dbname: String,
    pub role: String,
}

/// An identity may not connect to a database.
#[derive(Debug, Error)]
pub enum GrantError {
    /// The same error whether or not the database exists, so that clients cannot probe for names.
    #[error("no grant allows {subject} to connect to database \"{database}\"")]
    NoGrant {
        database: String,
        subject: String,
        /// The named databases that the identity is granted.
        granted: Vec<String>,
    },
}

impl Grants {
    /// If two databases have the same name, the later one is used.
    pub fn new(databases: Vec<Database>, rules: Vec<GrantRule>) -> Self {
        Self {
            databases: databases
                .into_iter()
                .map(|database| (database.name.clone(), Arc::new(database)))
                .collect(),
            rules,
        }
    }

    /// The same with this limit for the age of what is known of every catalog.
    pub fn with_catalog_max_age(mut self, limit: Duration) -> Self {
        for database in self.databases.values_mut() {
            Arc::make_mut(database).catalog_max_age = limit;
        }
        self
    }

    /// With server connections of all databases pooled like this.
    pub fn with_pool(mut self, settings: &PoolSettings) -> Self {
        for database in self.databases.values_mut() {
            Arc::make_mut(database).pool = settings.clone();
        }
        self
    }

    /// Grants every identity every database on the target's server, with the target's role and password. For
    /// `gatewright dev`, which has no configuration.
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
            catalog_max_age: CATALOG_MAX_AGE,
            pool: PoolSettings::default(),
            record: DatabaseRecord::default(),
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

    /// The grant of an identity for a database. `database` is the name that the client used.
    ///
    /// # Errors
    /// No rule matches.
    pub fn resolve(&self, identity: &Identity, database: &str) -> Result<Grant, GrantError> {
        let (entry, rule) = self
            .entry(database)
            .zip(self.rule(identity, database))
            .ok_or_else(|| GrantError::NoGrant {
                database: sanitized(database),
                subject: identity.subject.clone(),
                granted: self.granted_to(identity),
            })?;
        let target = entry.target(database, &rule.role, &rule.credential);
        Ok(Grant {
            database: Arc::clone(entry),
            target,
        })
    }

    /// The place of a session that this identity opens for the database, or `None` if no rule matches.
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

    fn rule<'g>(&'g self, identity: &'g Identity, database: &str) -> Option<&'g GrantRule> {
        self.rules_for(identity)
            .find(|rule| rule.includes(database))
    }

    /// The rules that match the identity, whatever the database.
    fn rules_for<'g>(&'g self, identity: &'g Identity) -> impl Iterator<Item = &'g GrantRule> {
        let groups: HashSet<&str> = identity.groups.iter().map(String::as_str).collect();
        let mut rules = self.rules.iter();
        std::iter::from_fn(move || rules.find(|rule| rule.matches(&identity.issuer, &groups)))
    }

    fn granted_to(&self, identity: &Identity) -> Vec<String> {
        let rules = self.rules_for(identity);
        let included: HashSet<&str> = rules
            .flat_map(|rule| rule.databases.iter().map(String::as_str))
            .collect();
        let is_granted = |name: &str| included.contains(ANY) || included.contains(name);
        self.databases
            .keys()
            .filter(|name| *name != ANY && is_granted(name))
            .cloned()
            .collect()
    }
}

impl Database {
    /// The target for reading the catalog, if a catalog login is configured. `requested` is the name that the client
    /// used.
    pub fn catalog_target(&self, requested: &str) -> Option<Target> {
        let login = self.catalog.as_ref()?;
        Some(self.target(requested, &login.user, &login.credential))
    }

    /// The name of the database on the server.
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
    /// The target for reading the catalog: with the catalog login if one is configured, otherwise with the grant's own
    /// role. `requested` is the name that the client used.
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
    fn matches(&self, issuer: &String, groups: &HashSet<&str>) -> bool {
        let from = self.issuers.is_empty() || self.issuers.contains(issuer);
        let mut named = self.groups.iter();
        from && named.any(|group| group == ANY || groups.contains(group.as_str()))
    }

    fn includes(&self, database: &str) -> bool {
        let mut names = self.databases.iter();
        names.any(|name| name == ANY || name == database)
    }
}

impl GrantError {
    /// The error message for the client.
    pub fn client_text(&self) -> String {
        match self {
            Self::NoGrant { .. } => self.to_string(),
        }
    }

    /// The HINT for the client.
    pub fn hint(&self) -> String {
        match self {
            Self::NoGrant { granted, .. } if granted.is_empty() => {
                "None of your groups is granted a database. Ask the gateway's operator for access."
                    .to_owned()
            }
            Self::NoGrant { granted, .. } => {
                format!("Your groups are granted: {}.", granted.join(", "))
            }
        }
    }

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

/// The database name that the client sent, without control characters and truncated as PostgreSQL does (NAMEDATALEN).
fn sanitized(database: &str) -> String {
    database
        .chars()
        .filter(|c| !c.is_control())
        .take(63)
        .collect()
}
