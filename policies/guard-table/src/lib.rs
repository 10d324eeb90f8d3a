//! A complete policy to copy: refuses every statement that uses one table.
use gatewright_policy::{Facts, NoSettings, Policy, Statement, Verdict, export, name::Qualified};

struct GuardTable(Qualified);

impl Policy for GuardTable {
    type Settings = NoSettings;
    const DESCRIPTION: &'static str = "Refuses every statement that uses public.products";
    fn new(_: NoSettings) -> Result<Self, String> {
        Ok(Self(Qualified::parse("public.products")?))
    }
    fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
        match facts.uses(&self.0) {
            true => Verdict::deny(
                "guarded",
                "public.products may not be used",
                "Use another table.",
            ),
            false => Verdict::reusable(),
        }
    }
}
export!(GuardTable);
