//! What was read from a catalog's definitions, by the object defined.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::definitions::Subject;
use super::schemas::Schemas;
use crate::body::Body;
use crate::facts::{Access, RoleEffect};
use crate::rows::Rows;

const UNREADABLE: &str = "a default, check, generated column or trigger condition cannot be read";

/// An expression computed when rows of a relation are written or read.
#[derive(Debug, Clone)]
pub(crate) struct Computed {
    /// The column that it computes; `None` if it only decides.
    pub column: Option<i16>,
    pub on: Access,
    pub body: Arc<Body>,
}

/// Everything read from a catalog's definitions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bodies {
    relations: HashMap<u32, Arc<Body>>,
    generated: HashMap<(u32, i16), Arc<Body>>,
    /// Expressions computed for rows of a relation that use more than the row.
    computed: HashMap<u32, Vec<Computed>>,
    domains: HashMap<u32, Vec<Arc<Body>>>,
    /// See [`Subject::Unnamed`].
    unnamed: HashMap<u32, Vec<Arc<Body>>>,
    /// By name; each with its schema.
    functions: HashMap<String, Vec<(String, Arc<Body>)>>,
    /// Functions whose definition could not be analysed: the schemas of each name.
    unreadable: HashMap<String, BTreeSet<String>>,
    /// How many definitions of each object have not been read yet; whatever depends on one waits.
    waiting: HashMap<Waiting, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Waiting {
    View(u32),
    Column(u32, i16),
    /// Any expression computed for rows of the relation.
    Computed(u32),
    Domain(u32),
    Unnamed(u32),
    Function(String, String),
}

impl Subject {
    fn waiting(&self) -> Waiting {
        match self {
            Self::View(oid) => Waiting::View(*oid),
            Self::Column(oid, attnum) => Waiting::Column(*oid, *attnum),
            Self::Computed { relation, .. } | Self::Condition { relation, .. } => {
                Waiting::Computed(*relation)
            }
            Self::Domain(oid) => Waiting::Domain(*oid),
            Self::Unnamed(oid) => Waiting::Unnamed(*oid),
            Self::Function { schema, name, .. } => Waiting::Function(name.clone(), schema.clone()),
        }
    }
}

impl Bodies {
    pub fn of_relation(&self, oid: u32) -> Option<&Arc<Body>> {
        self.relations.get(&oid)
    }

    pub fn of_column(&self, oid: u32, attnum: i16) -> Option<&Arc<Body>> {
        self.generated.get(&(oid, attnum))
    }

    /// The expressions computed on these kinds of access to the relation.
    pub fn computed(&self, relation: u32, access: Access) -> impl Iterator<Item = &Computed> {
        let computed = self.computed.get(&relation).into_iter().flatten();
        computed.filter(move |computed| computed.on.intersects(access))
    }

    pub fn of_domain(&self, oid: u32) -> &[Arc<Body>] {
        self.domains.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// What runs unnamed on accesses to the relation; 0: on DDL.
    pub fn unnamed(&self, relation: u32) -> &[Arc<Body>] {
        self.unnamed.get(&relation).map_or(&[], Vec::as_slice)
    }

    /// What runs unnamed anywhere.
    pub fn all_unnamed(&self) -> impl Iterator<Item = &Arc<Body>> {
        self.unnamed.values().flatten()
    }

    pub fn have_unnamed(&self) -> bool {
        !self.unnamed.is_empty()
    }

    pub fn of_all_domains(&self) -> impl Iterator<Item = &Arc<Body>> {
        self.domains.values().flatten()
    }

    /// The bodies of the functions with this name.
    pub fn of_function(&self, schemas: Schemas<'_>, name: &str) -> Vec<&Arc<Body>> {
        let known = self.functions.get(name).map_or(&[][..], Vec::as_slice);
        known
            .iter()
            .filter(|(own, _)| schemas.have(own))
            .map(|(_, body)| body)
            .collect()
    }

    /// The schemas with a function of this name whose definition could not be analysed.
    pub fn unreadable(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.unreadable.get(name)
    }

    pub fn view_waits(&self, oid: u32) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&Waiting::View(oid))
    }

    pub fn column_waits(&self, oid: u32, attnum: i16) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&Waiting::Column(oid, attnum))
    }

    pub fn computed_waits(&self, relation: u32) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&Waiting::Computed(relation))
    }

    pub fn domain_waits(&self, oid: u32) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&Waiting::Domain(oid))
    }

    /// Whether one of these functions has not been read yet.
    pub fn functions_wait<'s>(
        &self,
        name: &str,
        mut schemas: impl Iterator<Item = &'s String>,
    ) -> bool {
        !self.waiting.is_empty()
            && schemas.any(|schema| {
                let function = Waiting::Function(name.to_owned(), schema.clone());
                self.waiting.contains_key(&function)
            })
    }

    /// Exactly these definitions have not been read yet.
    pub fn wait_for<'s>(&mut self, subjects: impl Iterator<Item = &'s Subject>) {
        self.waiting.clear();
        for subject in subjects {
            *self.waiting.entry(subject.waiting()).or_default() += 1;
        }
    }

    /// Stores what a definition does. `None`: it cannot be analysed. A view or column then counts as one without a definition.
    pub fn settle(&mut self, subject: Subject, body: Option<Arc<Body>>) {
        if let Entry::Occupied(mut waiting) = self.waiting.entry(subject.waiting()) {
            *waiting.get_mut() -= 1;
            if *waiting.get() == 0 {
                waiting.remove();
            }
        }
        match (subject, body) {
            (Subject::View(oid), Some(body)) => {
                self.relations.insert(oid, body);
            }
            (Subject::Column(oid, attnum), Some(body)) => {
                self.generated.insert((oid, attnum), body);
            }
            (Subject::Function { schema, name, .. }, Some(body)) => {
                let known = self.functions.entry(name).or_default();
                known.push((schema, body));
            }
            (Subject::Function { schema, name, .. }, None) => {
                self.unreadable.entry(name).or_default().insert(schema);
            }
            (Subject::View(_) | Subject::Column(..), None) => {}
            (
                Subject::Computed {
                    relation,
                    column,
                    on,
                },
                body,
            ) => self.settle_computed(relation, column, on, body),
            (Subject::Condition { relation, on }, body) => {
                self.settle_computed(relation, None, on, body);
            }
            (Subject::Unnamed(oid), body) => {
                if let Some(body) = acts(body) {
                    self.unnamed.entry(oid).or_default().push(body);
                }
            }
            (Subject::Domain(oid), body) => {
                if let Some(body) = acts(body) {
                    self.domains.entry(oid).or_default().push(body);
                }
            }
        }
    }

    fn settle_computed(
        &mut self,
        relation: u32,
        column: Option<i16>,
        on: Access,
        body: Option<Arc<Body>>,
    ) {
        if let Some(body) = acts(body) {
            let computed = self.computed.entry(relation).or_default();
            computed.push(Computed { column, on, body });
        }
    }
}

/// The effects beyond computing on arguments. A definition that cannot be analysed may do anything.
fn acts(body: Option<Arc<Body>>) -> Option<Arc<Body>> {
    match body {
        Some(body) => body.acts().then_some(body),
        None => {
            let mut body = Body::empty();
            body.rows = Rows::unknown();
            body.opaque.push(UNREADABLE.to_owned());
            body.role = RoleEffect::Unread;
            Some(Arc::new(body))
        }
    }
}
