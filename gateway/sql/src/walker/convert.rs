//! Conversions: casts and checks of domains. Types of expressions are not inferred: anything but a plain column or
//! constant may have any type.

use gatewright_parser::{Node, Strings, nodes};

use super::state::Walker;
use crate::catalog::Operand;
use crate::facts::Access;
use crate::operand::operand;

impl<'a> Walker<'a> {
    /// What creating a value of the type does, and converting it to another.
    pub(super) fn type_named(&mut self, name: &[&str]) {
        let catalog = self.catalog;
        let name = name.last().copied().unwrap_or_default();
        for body in catalog.checks_of_type(name) {
            self.body(body, Access::default());
        }
        if catalog.has_casts() {
            for cast in catalog.unwritten_casts(name) {
                self.calls(&cast.called());
            }
        }
    }

    pub(super) fn cast(&mut self, cast: &'a nodes::TypeCast) {
        let catalog = self.catalog;
        if !catalog.has_casts() {
            return;
        }
        let Some(kind) = cast.type_name() else { return };
        let mut operands = vec![operand(cast)];
        if operands == [Operand::Any]
            && kind.array_bounds().is_empty()
            && let Some(types) = self.column_types(cast.arg())
        {
            operands = types.into_iter().map(Operand::Oid).collect();
        }
        let names = kind.names().strings();
        let name = names.last().copied().unwrap_or_default();
        for operand in operands {
            for cast in catalog.casts_to(name, operand) {
                self.calls(&cast.called());
                let function = cast.called().join(".");
                self.named_function(&function);
            }
        }
    }

    /// The types that a column with this name can have here. `None`: unknown.
    fn column_types(&self, node: Node<'_>) -> Option<Vec<u32>> {
        let Node::ColumnRef(column) = node else {
            return None;
        };
        let name = *column.fields().strings().last()?;
        let mut types = Vec::new();
        for source in self.scopes.iter().flat_map(|scope| &scope.sources) {
            if source.tables.is_empty() || !source.renamed.is_empty() || source.name == name {
                return None;
            }
            for (_, relation) in &source.tables {
                let mut columns = (*relation)?.columns.iter();
                let found = columns.find(|column| column.name == name);
                types.extend(found.map(|column| column.type_oid));
            }
        }
        (!types.is_empty()).then_some(types)
    }

    /// What converting a column, or the whole row, to another type does.
    pub(super) fn casts_of_columns(&mut self, relation: u32) {
        let catalog = self.catalog;
        let Some(relation) = catalog.relation(relation) else {
            return;
        };
        let columns = relation.columns.iter();
        let casts = columns
            .flat_map(|column| catalog.unwritten_casts_of(column.type_oid))
            .chain(catalog.unwritten_casts(&relation.name));
        for cast in casts {
            self.calls(&cast.called());
        }
    }
}
