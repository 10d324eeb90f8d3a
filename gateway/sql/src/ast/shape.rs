//! What both grammars must agree on.

/// The shape of a statement; each list is sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub kind: &'static str,
    /// Names in FROM and as targets, CTEs included; the schema comes first.
    pub relations: Vec<Vec<String>>,
    pub functions: Vec<String>,
    pub columns: Vec<String>,
    /// For each SELECT: the number of output columns, and whether it has WHERE and HAVING.
    pub selects: Vec<(usize, bool, bool)>,
    /// For each UPDATE and DELETE: whether it has WHERE.
    pub wheres: Vec<bool>,
}

impl Shape {
    pub fn sorted(mut self) -> Self {
        self.relations.sort();
        self.functions.sort();
        self.columns.sort();
        self.selects.sort();
        self.wheres.sort();
        self
    }
}
