//! WITH, recursive or not.

use super::world::Kind;
use super::{Column, Generator, Item, Scopes, column, quoted};

impl Generator {
    pub fn with(
        &mut self,
        depth: usize,
        outer: &Scopes,
        width: Option<usize>,
    ) -> (String, Vec<Column>) {
        let before = self.ctes.len();
        let mut parts = Vec::new();
        let recursive = self.random.one_in(3);
        for _ in 0..=self.random.below(2) {
            let name = if self.random.one_in(3) {
                // It hides a table.
                self.random
                    .of(&["customers", "orders", "notes", "staff"])
                    .to_owned()
            } else {
                format!("w{}", self.alias())
            };
            if self.ctes[before..].iter().any(|cte| cte.alias == name) {
                continue;
            }
            let (text, columns) = if recursive && self.random.one_in(2) {
                self.recursive(depth, outer, &name)
            } else {
                self.common(depth, outer, &name)
            };
            parts.push(text);
            self.ctes.push(Item {
                alias: name,
                schema: None,
                columns,
                is_table: false,
            });
        }
        let (main, columns) = self.select(depth, outer, width);
        self.ctes.truncate(before);
        let recursive = if recursive { "RECURSIVE " } else { "" };
        (
            format!("WITH {recursive}{} {main}", parts.join(", ")),
            columns,
        )
    }

    fn common(&mut self, depth: usize, outer: &Scopes, name: &str) -> (String, Vec<Column>) {
        if self.random.one_in(8) && !self.changed {
            return self.changing(name);
        }
        let (query, mut columns) = self.query(depth, outer, None);
        let materialized = self.random.of(&["", "MATERIALIZED ", "NOT MATERIALIZED "]);
        let list = self.renamed(&mut columns);
        (
            format!("{}{list} AS {materialized}({query})", quoted(name)),
            columns,
        )
    }

    fn recursive(&mut self, depth: usize, outer: &Scopes, name: &str) -> (String, Vec<Column>) {
        let (start, _) = self.select(depth.min(1), outer, Some(2));
        let columns = vec![column("k", Kind::Text), column("l", Kind::Text)];
        let own = vec![vec![Item {
            alias: "r".to_owned(),
            schema: None,
            columns: columns.clone(),
            is_table: false,
        }]];
        let plain = std::mem::replace(&mut self.plain, true);
        let (first, second) = (self.value(1, &own).text, self.column(&own).text);
        self.plain = plain;
        let clause = match self.random.below(4) {
            0 => " SEARCH DEPTH FIRST BY k SET seen",
            1 => " CYCLE l SET again USING path",
            _ => "",
        };
        let mut all = columns;
        match clause.split_whitespace().next() {
            Some("SEARCH") => all.push(column("seen", Kind::Other)),
            Some("CYCLE") => {
                all.extend([column("again", Kind::Other), column("path", Kind::Other)])
            }
            _ => {}
        }
        let name = quoted(name);
        let text = format!(
            "{name} (k, l) AS (SELECT s.* FROM ({start}) s UNION ALL SELECT {first}, {second} FROM {name} r WHERE r.k < 'x'){clause}"
        );
        (text, all)
    }
}
