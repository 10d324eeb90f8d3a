//! Names as a session means them: a catalog seen along a search path.
//!
//! Every schema that may be on the path counts, whatever its place: which of several schemas hides the others depends on
//! privileges and on objects that other sessions may drop at any time. So a name is narrowed only to what the session cannot
//! mean at all.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use super::input::Operator;
use super::relation::Relation;
use super::schemas::{Schemas, SearchPath, split};
use super::snapshot::Catalog;
use crate::body::Body;

/// A catalog, and the path along which a statement's names are looked up in it. Hides those methods of [`Catalog`] that
/// look in every schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'c> {
    catalog: &'c Catalog,
    path: Option<&'c SearchPath>,
    noted: Option<&'c Noted>,
}

/// What was noted while names were looked up.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// A name means other objects with another path.
    pub varies: Cell<bool>,
    /// The path leaves out objects that a name would mean without it.
    pub narrowed: Cell<bool>,
}

impl<'c> Names<'c> {
    /// An unqualified name means every object of that name.
    pub fn every(catalog: &'c Catalog) -> Self {
        Names {
            catalog,
            path: None,
            noted: None,
        }
    }

    /// The names of a definition that the server printed for the gateway's own connection, which has nothing but pg_catalog on
    /// its path: all others are qualified.
    pub fn printed(catalog: &'c Catalog) -> Self {
        static PATH: LazyLock<SearchPath> = LazyLock::new(SearchPath::built_in);
        Names {
            catalog,
            path: Some(&PATH),
            noted: None,
        }
    }

    /// Without a path, an unqualified name means every object of that name.
    pub fn along(catalog: &'c Catalog, path: Option<&'c SearchPath>, noted: &'c Noted) -> Self {
        Names {
            catalog,
            path,
            noted: Some(noted),
        }
    }

    pub fn catalog(self) -> &'c Catalog {
        self.catalog
    }

    /// The relations with this name. One that no schema of the path has may have just come to be there: then it is looked up
    /// in all.
    pub fn lookup(self, schema: Option<&str>, name: &str) -> Vec<&'c Relation> {
        let mut found = self.catalog.lookup(schema, name);
        if schema.is_some() || found.len() < 2 {
            return found;
        }
        self.note(|noted| &noted.varies);
        let Some(path) = self.path else {
            return found;
        };
        let all = found.len();
        if found.iter().any(|relation| path.has_relation(relation)) {
            found.retain(|relation| path.has_relation(relation));
        }
        if found.len() < all {
            self.note(|noted| &noted.narrowed);
        }
        found
    }

    fn note(self, what: impl Fn(&Noted) -> &Cell<bool>) {
        if let Some(noted) = self.noted {
            what(noted).set(true);
        }
    }

    /// As [`Catalog::function_bodies`].
    pub fn function_bodies(self, parts: &[&str]) -> Option<Vec<&'c Arc<Body>>> {
        let (name, schemas) = self.functions_meant(parts)?;
        self.catalog.bodies_of_functions(name, schemas)
    }

    /// Whether a function that the name may mean has not been read yet.
    pub fn function_waits(self, parts: &[&str]) -> bool {
        let meant = self.functions_meant(parts);
        meant.is_some_and(|(name, schemas)| self.catalog.functions_wait(name, schemas))
    }

    /// As [`Catalog::unread_function`].
    pub fn unread_function(self, parts: &[&str]) -> Option<String> {
        let (name, schemas) = self.functions_meant(parts)?;
        self.catalog.unread_among(name, schemas)
    }

    /// Whether a function that the name can mean has code that nobody has read.
    pub fn is_obscure_function(self, parts: &[&str]) -> bool {
        self.functions_meant(parts)
            .is_none_or(|(name, schemas)| self.catalog.is_obscure_among(name, schemas))
    }

    /// As [`Catalog::shadows_function`].
    pub fn shadows_function(self, name: &str) -> bool {
        match self.functions_meant(&[name]) {
            Some((name, schemas)) => self.catalog.shadows_in(name, schemas),
            None => true,
        }
    }

    /// As [`Catalog::function_columns`].
    pub fn function_columns(self, parts: &[&str], arguments: usize) -> Option<&'c [String]> {
        let (name, schemas) = self.functions_meant(parts)?;
        self.catalog
            .columns_of_function(name, schemas, parts, arguments)
    }

    fn functions_meant<'p>(self, parts: &[&'p str]) -> Option<(&'p str, Schemas<'p>)>
    where
        'c: 'p,
    {
        let (name, schemas) = split(parts)?;
        let Schemas::Every = schemas else {
            return Some((name, schemas));
        };
        let owners = self.catalog.functions.get(name).into_iter().flatten();
        let built_in = self.catalog.is_built_in(name);
        Some((name, self.narrow(owners.map(String::as_str), built_in)))
    }

    /// The functions behind the operators that the name may mean.
    pub fn operator_functions(self, parts: &[&str]) -> impl Iterator<Item = &'c Operator> {
        let (name, qualified) = match parts {
            [name] => (*name, false),
            [.., name] => (*name, true),
            [] => ("", true),
        };
        let known = self
            .catalog
            .input
            .operators
            .get(name)
            .map_or(&[][..], Vec::as_slice);
        let owners = known.iter().map(|operator| operator.schema.as_str());
        let schemas = match qualified {
            true => Schemas::Every,
            // Most names of operators are PostgreSQL's own, too.
            false => self.narrow(owners, true),
        };
        known
            .iter()
            .filter(move |operator| schemas.have(&operator.schema))
    }

    /// Where to look for a name that these schemas have: along the path if something there has it, or if PostgreSQL does.
    fn narrow<'n, 'p>(self, owners: impl Iterator<Item = &'n str>, built_in: bool) -> Schemas<'p>
    where
        'c: 'p,
    {
        let (mut on_path, mut off_path) = (usize::from(built_in), 0);
        for owner in owners {
            match self.path.is_some_and(|path| path.includes(owner)) {
                true => on_path += 1,
                false => off_path += 1,
            }
        }
        if on_path + off_path > 1 {
            self.note(|noted| &noted.varies);
        }
        match self.path {
            Some(path) if on_path > 0 => {
                if off_path > 0 {
                    self.note(|noted| &noted.narrowed);
                }
                Schemas::On(path)
            }
            _ => Schemas::Every,
        }
    }
}

impl Deref for Names<'_> {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        self.catalog
    }
}
