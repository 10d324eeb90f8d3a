//! Items of FROM.

use super::world::{Kind, TABLES};
use super::{Column, Generator, Item, Scopes, column, quoted};

impl Generator {
    pub fn from(&mut self, depth: usize, outer: &Scopes, scope: &mut Vec<Item>) -> String {
        let mut text = self.item(depth, outer, scope);
        for _ in 0..self.random.below(2) {
            text = match self.random.below(10) {
                8 => {
                    let (second, third) = (self.item(0, outer, scope), self.item(0, outer, scope));
                    format!("{text} CROSS JOIN ({second} CROSS JOIN {third})")
                }
                9 => {
                    let mut scopes = vec![scope.clone()];
                    scopes.extend_from_slice(outer);
                    let (query, mut columns) = self.query(depth.saturating_sub(1), &scopes, None);
                    let alias = self.alias();
                    let list = self.renamed(&mut columns);
                    scope.push(item(&alias, columns));
                    format!("{text} LEFT JOIN LATERAL ({query}) AS {alias}{list} ON true")
                }
                0 => format!("{text}, {}", self.item(depth, outer, scope)),
                1 => {
                    let right = self.item(depth, outer, scope);
                    let condition = self.join_condition(scope);
                    format!("{text} LEFT JOIN {right} ON {condition}")
                }
                2 => format!(
                    "{text} NATURAL FULL JOIN {}",
                    self.item(depth, outer, scope)
                ),
                3 => self.using(&text, scope),
                4 => {
                    let right = self.item(0, outer, scope);
                    let mut columns: Vec<Column> =
                        scope.iter().flat_map(|item| item.columns.clone()).collect();
                    let alias = self.alias();
                    let list = self.renamed(&mut columns);
                    *scope = vec![item(&alias, columns)];
                    format!("({text} CROSS JOIN {right}) AS {alias}{list}")
                }
                _ => {
                    let lateral = self.lateral(depth, outer, scope);
                    format!("{text}, {lateral}")
                }
            };
        }
        text
    }

    fn join_condition(&mut self, scope: &[Item]) -> String {
        let before = std::mem::replace(&mut self.plain, true);
        let condition = self.condition(0, &vec![scope.to_vec()]);
        self.plain = before;
        condition
    }

    fn using(&mut self, left: &str, scope: &mut Vec<Item>) -> String {
        let shared = scope.len() == 1
            && scope[0]
                .columns
                .iter()
                .filter(|column| column.name == "id")
                .count()
                == 1;
        let alias = self.alias();
        let columns = columns_of(1);
        scope.push(item(&alias, columns));
        if !shared {
            return format!("{left} CROSS JOIN orders AS {alias}");
        }
        let named = if self.random.one_in(2) {
            let name = self.alias();
            scope.push(item(&name, vec![column("id", Kind::Other)]));
            format!(" AS {name}")
        } else {
            String::new()
        };
        let kind = self.random.of(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
        format!("{left} {kind} orders AS {alias} USING (id){named}")
    }

    /// An item that sees those before it.
    fn lateral(&mut self, depth: usize, outer: &Scopes, scope: &mut Vec<Item>) -> String {
        let mut scopes = vec![scope.clone()];
        scopes.extend_from_slice(outer);
        let alias = self.alias();
        let before = std::mem::replace(&mut self.plain, true);
        let value = self.value(1, &scopes).text;
        self.plain = before;
        let (text, mut columns) = match self.random.below(if self.modern { 10 } else { 9 }) {
            0 | 1 => {
                let (query, columns) = self.query(depth.saturating_sub(1), &scopes, None);
                (format!("LATERAL ({query})"), columns)
            }
            2 => {
                let first = scope[0].clone();
                let mut columns: Vec<Column> = first.columns.clone();
                columns.extend([column("", Kind::Text), column("", Kind::Text)]);
                for (at, column) in columns.iter_mut().enumerate() {
                    column.name = format!("column{}", at + 1);
                }
                (
                    format!("LATERAL (VALUES ({}.*, 'a', {value}))", first.reference()),
                    columns,
                )
            }
            3 => (
                format!("unnest(ARRAY[{value}]) WITH ORDINALITY"),
                vec![
                    column(&alias, Kind::Text),
                    column("ordinality", Kind::Other),
                ],
            ),
            4 => {
                let text = format!(
                    "jsonb_to_record(jsonb_build_object('a', {value})) AS {alias} (a text, b text)"
                );
                scope.push(item(
                    &alias,
                    vec![column("a", Kind::Text), column("b", Kind::Text)],
                ));
                return text;
            }
            5 if !self.own_tables => (
                format!("ROWS FROM (unnest(ARRAY[{value}]), pairs())"),
                vec![
                    column("unnest", Kind::Text),
                    column("a", Kind::Text),
                    column("b", Kind::Text),
                ],
            ),
            6 => (
                format!(
                    "XMLTABLE('/r' PASSING xmlelement(name r, {value}) COLUMNS p text PATH '.', q text PATH 'x' DEFAULT {value})"
                ),
                vec![column("p", Kind::Text), column("q", Kind::Text)],
            ),
            9 => (
                format!(
                    "JSON_TABLE(jsonb_build_object('a', {value}), '$' COLUMNS (p text PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (q text PATH '$')))"
                ),
                vec![column("p", Kind::Text), column("q", Kind::Text)],
            ),
            _ => (
                format!("jsonb_each_text(jsonb_build_object('k', {value}))"),
                vec![column("key", Kind::Text), column("value", Kind::Text)],
            ),
        };
        let list = self.renamed(&mut columns);
        scope.push(item(&alias, columns));
        format!("{text} AS {alias}{list}")
    }

    pub fn item(&mut self, depth: usize, outer: &Scopes, scope: &mut Vec<Item>) -> String {
        let alias = self.alias();
        let (text, mut columns) = match self.random.below(16) {
            14 => {
                let at = self.random.below(TABLES.len());
                let table = &TABLES[at];
                (
                    format!("(TABLE {}.{})", table.schema, quoted(table.name)),
                    columns_of(at),
                )
            }
            15 if !self.own_tables => (
                "ROWS FROM (jsonb_to_record('{}') AS (c text, d text), pairs())".to_owned(),
                ["c", "d", "a", "b"]
                    .map(|name| column(name, Kind::Text))
                    .to_vec(),
            ),
            0..=4 => {
                let at = self.random.below(TABLES.len());
                if self.random.one_in(4) {
                    return self.unaliased(at, scope);
                }
                let table = &TABLES[at];
                let name = if table.schema == "public" && self.random.one_in(2) {
                    quoted(table.name)
                } else {
                    format!("{}.{}", table.schema, quoted(table.name))
                };
                let hidden = self.ctes.iter().any(|cte| cte.alias == table.name);
                let name = if hidden {
                    format!("{}.{}", table.schema, quoted(table.name))
                } else {
                    name
                };
                let mut columns = columns_of(at);
                let whole = if self.own_tables && !table.is_view() {
                    self.random.of(&["", "", "", " *", "ONLY "]).to_owned()
                } else {
                    String::new()
                };
                let name = match whole.as_str() {
                    "ONLY " => format!("ONLY {name}"),
                    star => format!("{name}{star}"),
                };
                let list = self.renamed(&mut columns);
                scope.push(Item {
                    is_table: !table.is_view(),
                    ..item(&alias, columns)
                });
                return format!("{name} AS {alias}{list}");
            }
            5 | 6 if self.own_tables => {
                let at = self.random.below(3);
                (format!("public.{}", TABLES[at].name), columns_of(at))
            }
            5 => ("everyone()".to_owned(), columns_of(0)),
            6 => (
                "pairs()".to_owned(),
                vec![column("a", Kind::Text), column("b", Kind::Text)],
            ),
            7 => (
                "generate_series(1, 2)".to_owned(),
                vec![column(&alias, Kind::Other)],
            ),
            8 => {
                let name = self.random.of(&["customers", "orders"]);
                let hidden = self.ctes.iter().any(|cte| cte.alias == *name);
                let at = usize::from(name == "orders");
                let list = columns_of(at);
                scope.push(item(&alias, list));
                let schema = if hidden { "public." } else { "" };
                return format!(
                    "{schema}{name} AS {alias} TABLESAMPLE BERNOULLI (50) REPEATABLE (1)"
                );
            }
            9 | 10 if !self.ctes.is_empty() => {
                let cte = self.ctes[self.random.below(self.ctes.len())].clone();
                // The innermost with this name.
                let last = self
                    .ctes
                    .iter()
                    .rev()
                    .find(|known| known.alias == cte.alias)
                    .cloned()
                    .unwrap_or(cte);
                (quoted(&last.alias), last.columns)
            }
            _ if depth > 0 => {
                let (query, columns) = self.query(depth - 1, outer, None);
                (format!("({query})"), columns)
            }
            _ => ("public.customers".to_owned(), columns_of(0)),
        };
        let list = self.renamed(&mut columns);
        scope.push(item(&alias, columns));
        format!("{text} AS {alias}{list}")
    }

    /// A relation under its own name, which references may qualify with the schema.
    fn unaliased(&mut self, at: usize, scope: &mut Vec<Item>) -> String {
        let table = &TABLES[at];
        let same = scope.iter().any(|item| item.alias == table.name);
        let alias = self.alias();
        let written = format!("{}.{}", table.schema, quoted(table.name));
        if same {
            scope.push(item(&alias, columns_of(at)));
            return format!("{written} AS {alias}");
        }
        scope.push(Item {
            alias: table.name.to_owned(),
            schema: self.random.one_in(2).then_some(table.schema),
            columns: columns_of(at),
            is_table: !table.is_view(),
        });
        written
    }
}

pub fn columns_of(at: usize) -> Vec<Column> {
    TABLES[at]
        .columns
        .iter()
        .map(|(name, kind)| column(name, *kind))
        .collect()
}

pub fn item(alias: &str, columns: Vec<Column>) -> Item {
    Item {
        alias: alias.to_owned(),
        schema: None,
        columns,
        is_table: false,
    }
}
