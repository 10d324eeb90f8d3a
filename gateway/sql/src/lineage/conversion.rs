//! What a conversion to another type adds to a value: casts outside pg_catalog, and checks of domains.

use gatewright_parser::{Strings, nodes};

use super::resolver::Resolver;
use crate::catalog::Operand;
use crate::facts::Transform;
use crate::operand::operand;
use crate::provenance::Provenance;

impl<'t> Resolver<'t> {
    pub(super) fn cast(&mut self, cast: &'t nodes::TypeCast) -> Provenance {
        let arg = self.value(cast.arg());
        let Some(kind) = cast.type_name() else {
            return Provenance::unknown();
        };
        let names = kind.names().strings();
        let operand = self.operand(cast, &arg);
        if !self.catalog.casts_are_readable(&names, operand) {
            return Provenance::unknown();
        }
        let made = self.made_as(&names);
        if arg == Provenance::null() && made.is_nothing() {
            return arg;
        }
        let mut value = arg.into(Transform::Expression);
        value.absorb(&made, Transform::Expression);
        value
    }

    /// The type of the cast's operand, if it is a plain column or the syntax gives it.
    fn operand<'n>(&self, cast: &'n nodes::TypeCast, arg: &Provenance) -> Operand<'n> {
        let known = if self.catalog.has_casts() {
            operand(cast)
        } else {
            Operand::Any
        };
        let is_array = |name: &nodes::TypeName| !name.array_bounds().is_empty();
        let array = cast.type_name().is_some_and(is_array);
        match (known, arg.sources()) {
            (Operand::Any, [source])
                if !array
                    && !arg.changed
                    && !arg.unknown
                    && source.transform == Transform::Identity =>
            {
                let column = self.catalog.column(source.relation, source.attnum);
                column.map_or(Operand::Any, |column| Operand::Oid(column.type_oid))
            }
            _ => known,
        }
    }

    /// What a value of a type carries because it is created, or converted to another type.
    pub(super) fn made_as(&mut self, name: &[&str]) -> Provenance {
        let catalog = self.catalog;
        let name = name.last().copied().unwrap_or_default();
        if catalog.type_waits(name) {
            self.waits.set(true);
        }
        let mut made = Provenance::constant();
        for body in catalog.checks_of_type(name) {
            body.rows.make(&mut made);
        }
        if catalog.has_casts() {
            for cast in catalog.unwritten_casts(name) {
                let given = self.made_by(&cast.called());
                made.absorb(&given, Transform::Expression);
            }
        }
        made
    }

    /// What a function, schema first, adds to a value that it creates.
    pub(super) fn made_by(&self, function: &[&str]) -> Provenance {
        match self.yields(function) {
            Some(rows) => rows.everything(),
            None => Provenance::unknown(),
        }
    }
}
