//! What one value can carry: base columns, each with how it got there.

use std::sync::Arc;

use crate::facts::Transform;

/// More sources than this count as unknown: no policy could use them.
const MOST: usize = 1024;

/// A column of a catalog relation, and what was done to its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub relation: u32,
    pub attnum: i16,
    pub transform: Transform,
}

/// A named part of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// `None` if PostgreSQL's choice of a name is not determined: it may be any.
    pub name: Option<Arc<str>>,
    pub value: Provenance,
}

/// The sources of a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Provenance {
    /// The sources are incomplete: the value may carry anything.
    pub unknown: bool,
    /// The value may differ from every unchanged value of the `Identity` sources.
    pub changed: bool,
    /// Ordered by relation and attribute number, one entry each.
    sources: Vec<Source>,
    /// The parts of a row value, if they are known.
    pub fields: Option<Arc<Vec<Column>>>,
}

/// The rank of a transform; a higher one hides more of the value.
fn obscurity(transform: Transform) -> u8 {
    match transform {
        Transform::Identity => 0,
        Transform::Constant => 1,
        Transform::Aggregate => 2,
        Transform::Expression => 3,
        Transform::Unknown => 4,
    }
}

impl Provenance {
    /// NULL: no data, and valid as a value of any column.
    pub fn null() -> Self {
        Self::default()
    }

    /// Constants, parameters, the clock.
    pub fn constant() -> Self {
        Self {
            changed: true,
            ..Self::default()
        }
    }

    pub fn unknown() -> Self {
        Self {
            unknown: true,
            changed: true,
            ..Self::default()
        }
    }

    pub fn column(relation: u32, attnum: i16) -> Self {
        Self {
            sources: vec![Source {
                relation,
                attnum,
                transform: Transform::Identity,
            }],
            ..Self::default()
        }
    }

    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether it provably carries nothing of any column.
    pub fn is_nothing(&self) -> bool {
        !self.unknown && self.sources.is_empty()
    }

    /// Adds a source. If it is already present, the more obscure transform is kept.
    pub fn add(&mut self, source: Source) {
        let key = (source.relation, source.attnum);
        match self
            .sources
            .binary_search_by_key(&key, |known| (known.relation, known.attnum))
        {
            Ok(at) => {
                if let Some(known) = self.sources.get_mut(at)
                    && obscurity(known.transform) < obscurity(source.transform)
                {
                    known.transform = source.transform;
                }
            }
            Err(_) if self.sources.len() >= MOST => self.unknown = true,
            Err(at) => self.sources.insert(at, source),
        }
    }

    /// The value may be either: a set operation, a merged join column, an ambiguous name.
    pub fn or(&mut self, other: &Provenance) {
        self.unknown |= other.unknown;
        self.changed |= other.changed;
        if self.sources.is_empty() {
            self.sources.clone_from(&other.sources);
        } else {
            for source in &other.sources {
                self.add(*source);
            }
        }
        self.fields = match (self.fields.take(), &other.fields) {
            (Some(left), Some(right)) if left.len() == right.len() => {
                let both = left.iter().zip(right.iter());
                Some(Arc::new(
                    both.map(|(left, right)| Column::either(left, right))
                        .collect(),
                ))
            }
            _ => None,
        };
    }

    /// The value is computed from the other, or reveals something of it.
    pub fn absorb(&mut self, other: &Provenance, transform: Transform) {
        self.unknown |= other.unknown;
        self.changed = true;
        self.fields = None;
        for source in &other.sources {
            let transform = if obscurity(source.transform) < obscurity(transform) {
                transform
            } else {
                source.transform
            };
            self.add(Source {
                transform,
                ..*source
            });
        }
    }

    /// Adds what only selected the value: an unchanged value stays unchanged.
    pub fn chosen_by(&mut self, condition: &Provenance) {
        let (changed, fields) = (self.changed, self.fields.take());
        self.absorb(condition, Transform::Expression);
        (self.changed, self.fields) = (changed, fields);
    }

    pub fn into(self, transform: Transform) -> Self {
        let mut value = Self::constant();
        value.absorb(&self, transform);
        value
    }

    /// A row of these columns.
    pub fn row(columns: Arc<Vec<Column>>) -> Self {
        let mut value = Self::constant();
        for column in columns.iter() {
            value.absorb(&column.value, Transform::Expression);
        }
        value.fields = Some(columns);
        value
    }

    /// One part of a row value. If the parts are unknown, everything that the value carries.
    pub fn field(&self, name: &str) -> Self {
        let Some(fields) = &self.fields else {
            return self.clone().into(Transform::Expression);
        };
        let mut found = Self::null();
        let mut any = false;
        for field in fields.iter() {
            if field.name.as_deref().is_none_or(|known| known == name) {
                if any {
                    found.or(&field.value);
                } else {
                    found = field.value.clone();
                }
                any = true;
            }
        }
        if any { found } else { Self::unknown() }
    }

    pub fn has_field(&self, name: &str) -> bool {
        self.fields.as_ref().is_some_and(|fields| {
            fields
                .iter()
                .any(|field| field.name.as_deref().is_none_or(|known| known == name))
        })
    }
}

impl Column {
    pub fn named(name: &str, value: Provenance) -> Self {
        Self {
            name: Some(Arc::from(name)),
            value,
        }
    }

    fn either(left: &Self, right: &Self) -> Self {
        let mut value = left.value.clone();
        value.or(&right.value);
        Self {
            name: left.name.clone(),
            value,
        }
    }
}
