//! Collects what the service connection reads and builds a catalog from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::{
    Callable, Cascade, Cast, Catalog, Column, Definition, Input, Operator, OwnCode, OwnFunction,
    Relation, Subject, Trigger, WrittenType,
};
use crate::definition;
use crate::facts::{Access, RelationKind};
use crate::render::quoted_identifier;

/// Collects what the service connection reads. `build` makes the snapshot.
#[derive(Debug, Default)]
pub struct CatalogBuilder {
    generation: u64,
    input: Input,
}

impl Catalog {
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }
}

impl CatalogBuilder {
    pub fn generation(&mut self, generation: u64) -> &mut Self {
        self.generation = generation;
        self
    }

    /// The major version of the server.
    pub fn server_version(&mut self, major: u32) -> &mut Self {
        self.input.server_version = major;
        self
    }

    pub fn relation(
        &mut self,
        oid: u32,
        schema: &str,
        name: &str,
        kind: RelationKind,
    ) -> &mut Self {
        let relation = Relation {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind,
            columns: Vec::new(),
        };
        self.input.relations.insert(oid, Arc::new(relation));
        self
    }

    /// A column of a relation that was added before. Columns of unknown relations are ignored.
    pub fn column(&mut self, oid: u32, attnum: i16, name: &str, type_oid: u32) -> &mut Self {
        if let Some(relation) = self.input.relations.get_mut(&oid) {
            Arc::make_mut(relation).columns.push(Column {
                attnum,
                name: name.to_owned(),
                type_oid,
                written: None,
            });
        }
        self
    }

    /// How SQL writes the type of the column that was added last.
    pub fn written(&mut self, oid: u32, written: WrittenType) -> &mut Self {
        let relation = self.input.relations.get_mut(&oid).map(Arc::make_mut);
        if let Some(column) = relation.and_then(|relation| relation.columns.last_mut()) {
            column.written = Some(Box::new(written));
        }
        self
    }

    /// The view reads this column of `base` (0: the relation as a whole).
    pub fn depends(&mut self, view: u32, base: u32, attnum: i16) -> &mut Self {
        self.input
            .reads
            .entry(view)
            .or_default()
            .push((base, attnum));
        self
    }

    /// A partition or inheritance child. Its rows are also rows of the parent, so reading it reads the parent's columns.
    pub fn inherits(&mut self, child: u32, parent: u32) -> &mut Self {
        let input = &mut self.input;
        input.parents.entry(child).or_default().push(parent);
        self
    }

    /// No two rows of the relation itself have the same value in this column.
    pub fn unique(&mut self, oid: u32, attnum: i16) -> &mut Self {
        self.input.unique.insert((oid, attnum));
        self
    }

    /// This column alone is the relation's primary key.
    pub fn primary_key(&mut self, oid: u32, attnum: i16) -> &mut Self {
        self.input.primary.insert(oid, attnum);
        self.unique(oid, attnum)
    }

    /// A function or type that converts a value when called by name: all of pg_catalog, and types outside it. If none is
    /// added, every unknown name counts as built in.
    pub fn built_in(&mut self, name: &str) -> &mut Self {
        Arc::make_mut(&mut self.input.built_in).insert(name.to_owned());
        self
    }

    /// A function that a FunctionCall message can name: neither a procedure nor an aggregate, and it returns one value.
    pub fn callable(&mut self, oid: u32, schema: &str, name: &str, arguments: u16) -> &mut Self {
        let function = Callable {
            schema: schema.into(),
            name: name.into(),
            arguments,
        };
        self.input.callable.insert(oid, function);
        self
    }

    /// A function outside pg_catalog whose result may carry anything.
    pub fn obscure_function(&mut self, oid: u32, schema: &str, name: &str) -> &mut Self {
        self.own_function(oid, schema, name, OwnCode::Obscure)
    }

    /// A function outside pg_catalog that only computes on its arguments.
    pub fn plain_function(&mut self, oid: u32, schema: &str, name: &str) -> &mut Self {
        self.own_function(oid, schema, name, OwnCode::Plain)
    }

    /// A function that may run SQL that could not be analysed.
    pub fn opaque_function(&mut self, oid: u32, schema: &str, name: &str) -> &mut Self {
        self.own_function(oid, schema, name, OwnCode::Unread)
    }

    fn own_function(&mut self, oid: u32, schema: &str, name: &str, code: OwnCode) -> &mut Self {
        let function = OwnFunction {
            schema: schema.to_owned(),
            name: name.to_owned(),
            code,
        };
        self.input.own_functions.insert(oid, Arc::new(function));
        self
    }

    /// A function by its definition (`pg_get_functiondef`), with all names outside pg_catalog qualified. A definition that
    /// cannot be analysed counts as [`CatalogBuilder::opaque_function`].
    pub fn defined_function(
        &mut self,
        oid: u32,
        schema: &str,
        name: &str,
        definition: &str,
    ) -> &mut Self {
        let subject = Subject::Function {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
        };
        self.define(subject, definition);
        self.plain_function(oid, schema, name)
    }

    /// The query of a view (`pg_get_viewdef`), with all names outside pg_catalog qualified.
    pub fn defined_view(&mut self, oid: u32, query: &str) -> &mut Self {
        self.define(Subject::View(oid), query)
    }

    /// The expression of a generated column (`pg_get_expr`).
    pub fn generated_column(&mut self, oid: u32, attnum: i16, expression: &str) -> &mut Self {
        self.define(Subject::Column(oid, attnum), expression);
        // A virtual column is computed when it is read.
        let on = Access::SELECT | Access::INSERT | Access::UPDATE;
        self.computed(oid, Some(attnum), on, expression)
    }

    /// The default of a column (`pg_get_expr`).
    pub fn default_of_column(&mut self, oid: u32, attnum: i16, expression: &str) -> &mut Self {
        self.computed(
            oid,
            Some(attnum),
            Access::INSERT | Access::UPDATE,
            expression,
        )
    }

    /// A CHECK constraint of a table (`pg_get_expr`).
    pub fn check(&mut self, oid: u32, expression: &str) -> &mut Self {
        self.computed(oid, None, Access::INSERT | Access::UPDATE, expression)
    }

    fn computed(
        &mut self,
        relation: u32,
        column: Option<i16>,
        on: Access,
        expression: &str,
    ) -> &mut Self {
        let subject = Subject::Computed {
            relation,
            column,
            on,
        };
        self.define(subject, expression)
    }

    /// An expression that runs on accesses to a relation without being part of what is read or written: of a row security policy, an index,
    /// a partition key or a statistic (`pg_get_expr`).
    pub fn unnamed(&mut self, oid: u32, expression: &str) -> &mut Self {
        self.define(Subject::Unnamed(oid), expression)
    }

    /// The function of an event trigger.
    pub fn event_trigger(&mut self, schema: &str, function: &str) -> &mut Self {
        let function = [schema, function].map(quoted_identifier).join(".");
        self.define(Subject::Unnamed(0), &format!("{function}()"))
    }

    /// The WHEN clause of a trigger, by the trigger's definition (`pg_get_triggerdef`).
    pub fn trigger_condition(&mut self, oid: u32, on: Access, definition: &str) -> &mut Self {
        self.define(Subject::Condition { relation: oid, on }, definition)
    }

    /// A check or default of a domain (`pg_get_expr`), added for each type that contains values of the domain.
    pub fn domain(&mut self, oid: u32, name: &str, expression: &str) -> &mut Self {
        let known = self.input.domains.entry(name.to_owned()).or_default();
        known.insert(oid);
        self.define(Subject::Domain(oid), expression)
    }

    /// A foreign key on `parent` that writes to `child`: the referenced columns whose UPDATE updates `child`, and what DELETE does.
    pub fn cascades(
        &mut self,
        parent: u32,
        child: u32,
        on_update: &[i16],
        on_delete: Access,
    ) -> &mut Self {
        let cascades = self.input.cascades.entry(parent).or_default();
        cascades.push(Cascade {
            child,
            on_update: on_update.to_vec(),
            on_delete,
        });
        self
    }

    fn define(&mut self, subject: Subject, text: &str) -> &mut Self {
        let text = text.to_owned();
        let definition = Definition { subject, text };
        self.input.definitions.push(Arc::new(definition));
        self
    }

    /// A trigger on the relation that calls a function on these kinds of write.
    pub fn trigger(&mut self, oid: u32, on: Access, schema: &str, function: &str) -> &mut Self {
        let triggers = self.input.triggers.entry(oid).or_default();
        triggers.push(Trigger {
            on,
            schema: schema.to_owned(),
            function: function.to_owned(),
        });
        self
    }

    /// The relation has rules for INSERT, UPDATE or DELETE.
    pub fn rules(&mut self, oid: u32) -> &mut Self {
        self.input.rules.insert(oid);
        self
    }

    /// An operator that calls a function outside pg_catalog: its schema and name, and the function's.
    pub fn operator(&mut self, (schema, name): (&str, &str), function: (&str, &str)) -> &mut Self {
        let known = self.input.operators.entry(name.to_owned()).or_default();
        known.push(Operator {
            schema: schema.to_owned(),
            function: (function.0.to_owned(), function.1.to_owned()),
        });
        self
    }

    /// A cast by a function outside pg_catalog: the names of its types, the OID of the source type, and whether it is
    /// applied implicitly.
    pub fn cast(
        &mut self,
        target: &str,
        (source, source_name): (u32, &str),
        unwritten: bool,
        (schema, function): (&str, &str),
    ) -> &mut Self {
        self.input.casts.push(Cast {
            target: target.to_owned(),
            source,
            source_name: source_name.to_owned(),
            unwritten,
            function: (schema.to_owned(), function.to_owned()),
        });
        self
    }

    /// A role that can become another role by SET ROLE, or can make itself a member of one.
    pub fn changeable_role(&mut self, name: &str) -> &mut Self {
        self.input.changeable_roles.insert(name.to_owned());
        self
    }

    pub fn type_name(&mut self, oid: u32, name: &str) -> &mut Self {
        self.input.types.insert(oid, name.to_owned());
        self
    }

    /// Starts from a catalog, of which parts are replaced.
    pub fn from_last(last: &Catalog) -> Self {
        CatalogBuilder {
            generation: last.generation,
            input: last.input.clone(),
        }
    }

    /// Removes these relations with everything that was added for them.
    pub fn forget_relations(&mut self, oids: &BTreeSet<u32>) -> &mut Self {
        let input = &mut self.input;
        for oid in oids {
            input.relations.remove(oid);
            input.reads.remove(oid);
            input.parents.remove(oid);
            input.primary.remove(oid);
            input.triggers.remove(oid);
            input.rules.remove(oid);
        }
        input.unique.retain(|(oid, _)| !oids.contains(oid));
        input.cascades.retain(|_, cascades| {
            cascades.retain(|cascade| !oids.contains(&cascade.child));
            !cascades.is_empty()
        });
        input.definitions.retain(|definition| {
            let relation = definition.subject.relation();
            !relation.is_some_and(|oid| oids.contains(&oid))
        });
        self
    }

    /// Removes these functions.
    pub fn forget_functions(&mut self, oids: &BTreeSet<u32>) -> &mut Self {
        let input = &mut self.input;
        input.own_functions.retain(|oid, _| !oids.contains(oid));
        input.callable.retain(|oid, _| !oids.contains(oid));
        input.definitions.retain(|definition| {
            !matches!(&definition.subject, Subject::Function { oid, .. } if oids.contains(oid))
        });
        self
    }

    /// Removes the checks and defaults of all domains.
    pub fn forget_domains(&mut self) -> &mut Self {
        self.input.domains.clear();
        let is_other =
            |definition: &Arc<Definition>| !matches!(definition.subject, Subject::Domain(_));
        self.input.definitions.retain(is_other);
        self
    }

    /// Builds the snapshot. Definitions are parsed here, which needs a stack of [`crate::STACK_BYTES`].
    pub fn build(self) -> Catalog {
        let mut catalog = Catalog::of(self.generation, self.input);
        definition::read(&mut catalog, None);
        catalog
    }

    /// Builds the snapshot unless `last` was built from the same input. What was read from definitions that mean the same as in
    /// `last` is taken from there, which saves parsing them.
    pub fn build_unless_same(self, last: &Catalog) -> Option<Catalog> {
        let mut catalog = Catalog::of(self.generation, self.input);
        if catalog.input == last.input {
            return None;
        }
        definition::read(&mut catalog, Some(last));
        Some(catalog)
    }
}
