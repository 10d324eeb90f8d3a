//! What a type conversion calls: cast functions outside pg_catalog and checks of domains. Callers supply what they know
//! of the operand's type.

use std::sync::Arc;

use super::cast::{Cast, Operand};
use super::snapshot::Catalog;
use crate::body::Body;

impl Catalog {
    pub(crate) fn has_casts(&self) -> bool {
        !self.input.casts.is_empty()
    }

    /// Casts to the named type that apply to such a value.
    pub(crate) fn casts_to<'c>(
        &'c self,
        target: &str,
        operand: Operand<'_>,
    ) -> impl Iterator<Item = &'c Cast> {
        let casts = self.input.casts.iter();
        casts.filter(move |cast| cast.target == target && cast.may_take(operand))
    }

    /// Implicit casts from the named type.
    pub(crate) fn unwritten_casts<'c>(&'c self, source: &str) -> impl Iterator<Item = &'c Cast> {
        let casts = self.input.casts.iter();
        casts.filter(move |cast| cast.unwritten && cast.source_name == source)
    }

    /// Implicit casts from a type given by its OID.
    pub(crate) fn unwritten_casts_of(&self, source: u32) -> impl Iterator<Item = &Cast> {
        let casts = self.input.casts.iter();
        casts.filter(move |cast| cast.unwritten && cast.source == source)
    }

    /// What creating a value of the named types does: checks and defaults of domains.
    pub(crate) fn checks_of_type(&self, name: &str) -> impl Iterator<Item = &Arc<Body>> {
        let types = self.input.domains.get(name).into_iter().flatten();
        types.flat_map(|oid| self.bodies().of_domain(*oid))
    }

    /// Whether a check of the named types has not been read yet.
    pub(crate) fn type_waits(&self, name: &str) -> bool {
        let mut types = self.input.domains.get(name).into_iter().flatten();
        types.any(|oid| self.bodies().domain_waits(*oid))
    }
}
