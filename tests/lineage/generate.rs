//! Random queries that use every way in which a query can carry a value. All expressions are text, so that most queries run.

use gatewright_tests::random::Random;

use crate::world::{FUNCTIONS, TABLES, VIEWS};

/// A FROM item: its alias and column names.
#[derive(Clone)]
struct Item {
    alias: String,
    columns: Vec<String>,
}

type Scope = Vec<Item>;

pub struct Generator {
    random: Random,
    aliases: usize,
    ctes: Vec<Item>,
}

/// The statement, and the table that it writes to, if any.
pub fn statement(seed: u64) -> (String, Option<&'static str>) {
    let mut generator = Generator {
        random: Random::new(seed),
        aliases: 0,
        ctes: Vec::new(),
    };
    match generator.random.below(10) {
        0 => (generator.insert(), Some("sink")),
        1 => (generator.update(), Some("sink")),
        2 => (generator.merge(), Some("sink")),
        _ => (generator.query(3, &[], None).0, None),
    }
}

impl Generator {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// A query and its column names; with `width` columns if given.
    fn query(
        &mut self,
        depth: usize,
        outer: &[Scope],
        width: Option<usize>,
    ) -> (String, Vec<String>) {
        if depth > 0 && self.random.one_in(6) {
            return self.with(depth - 1, outer, width);
        }
        if depth > 0 && self.random.one_in(8) {
            let width = width.unwrap_or_else(|| 1 + self.random.below(3));
            let (left, names) = self.query(depth - 1, outer, Some(width));
            let (right, _) = self.query(depth - 1, outer, Some(width));
            let operator = self
                .random
                .of(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
            return (format!("({left}) {operator} ({right})"), names);
        }
        if self.random.one_in(15) {
            let width = width.unwrap_or_else(|| 1 + self.random.below(3));
            let row: Vec<String> = (0..width).map(|_| self.expression(0, outer)).collect();
            let names = (1..=width).map(|at| format!("column{at}")).collect();
            return (format!("VALUES ({})", row.join(", ")), names);
        }
        self.select(depth, outer, width)
    }

    fn with(
        &mut self,
        depth: usize,
        outer: &[Scope],
        width: Option<usize>,
    ) -> (String, Vec<String>) {
        let before = self.ctes.len();
        let mut parts = Vec::new();
        let recursive = self.random.one_in(4);
        for _ in 0..1 + self.random.below(2) {
            let name = self.alias();
            let (text, mut names) = if recursive {
                let (base, names) = self.query(0, outer, Some(1));
                let column = names[0].clone();
                let text = format!(
                    "({base}) UNION (SELECT {name}.{column} || '' FROM {name} WHERE false)"
                );
                (text, names)
            } else if self.random.one_in(6) {
                let value = self.expression(0, &[vec![item("red", &["id", "a", "b"])]]);
                (
                    format!("UPDATE red SET a = {value} RETURNING a, b, red AS whole"),
                    ["a", "b", "whole"].map(str::to_owned).to_vec(),
                )
            } else {
                self.query(depth, outer, None)
            };
            let mut listed = String::new();
            if !recursive && self.random.one_in(3) {
                names[0] = "renamed".to_owned();
                listed = "(renamed)".to_owned();
            }
            parts.push(format!("{name}{listed} AS ({text})"));
            self.ctes.push(Item {
                alias: name,
                columns: names,
            });
        }
        let (main, names) = self.select(depth, outer, width);
        self.ctes.truncate(before);
        let recursive = if recursive { "RECURSIVE " } else { "" };
        (
            format!("WITH {recursive}{} {main}", parts.join(", ")),
            names,
        )
    }

    fn select(
        &mut self,
        depth: usize,
        outer: &[Scope],
        width: Option<usize>,
    ) -> (String, Vec<String>) {
        let mut scope = Scope::new();
        let from = self.from(depth, outer, &mut scope);
        let mut scopes = vec![scope];
        scopes.extend_from_slice(outer);
        let aggregates = self.random.one_in(5);
        let width_wanted = width.unwrap_or_else(|| 1 + self.random.below(3));
        let mut targets = Vec::new();
        let mut names = Vec::new();
        for at in 1..=width_wanted {
            if width.is_none() && !aggregates && self.random.one_in(8) {
                let star = &scopes[0][self.random.below(scopes[0].len())].clone();
                targets.push(format!("{}.*", star.alias));
                names.extend(star.columns.iter().cloned());
                continue;
            }
            let value = if aggregates {
                self.aggregate(depth, &scopes)
            } else {
                self.expression(depth, &scopes)
            };
            targets.push(format!("{value} AS c{at}"));
            names.push(format!("c{at}"));
        }
        let mut text = format!("SELECT {} FROM {from}", targets.join(", "));
        if self.random.one_in(4) {
            text += &format!(" WHERE {} IS NOT NULL", self.expression(0, &scopes));
        }
        if !aggregates && self.random.one_in(5) {
            text += " ORDER BY 1";
        }
        (text, names)
    }

    fn from(&mut self, depth: usize, outer: &[Scope], scope: &mut Scope) -> String {
        let mut text = self.item(depth, outer, scope);
        for _ in 0..self.random.below(2) {
            let lateral = [vec![scope.clone()], outer.to_vec()].concat();
            text = match self.random.below(5) {
                0 => format!("{text}, {}", self.item(depth, outer, scope)),
                1 => format!(
                    "{text} LEFT JOIN {} ON true",
                    self.item(depth, outer, scope)
                ),
                2 => format!(
                    "{text} NATURAL FULL JOIN {}",
                    self.item(depth, outer, scope)
                ),
                3 => {
                    let (query, columns) = self.query(depth.saturating_sub(1), &lateral, None);
                    let alias = self.alias();
                    scope.push(Item {
                        alias: alias.clone(),
                        columns,
                    });
                    format!("{text} CROSS JOIN LATERAL ({query}) {alias}")
                }
                _ => {
                    let value = self.expression(0, &lateral);
                    let alias = self.alias();
                    scope.push(Item {
                        alias: alias.clone(),
                        columns: vec!["u".to_owned()],
                    });
                    format!("{text}, unnest(ARRAY[{value}]) {alias}(u)")
                }
            };
        }
        text
    }

    fn item(&mut self, depth: usize, outer: &[Scope], scope: &mut Scope) -> String {
        let alias = self.alias();
        let (text, columns): (String, Vec<String>) = match self.random.below(12) {
            0..=3 => {
                let (name, columns) = TABLES[self.random.below(TABLES.len())];
                (name.to_owned(), owned(columns))
            }
            4 => {
                let (name, columns, _) = VIEWS[self.random.below(VIEWS.len())];
                (name.to_owned(), owned(columns))
            }
            5 => ("greens()".to_owned(), owned(&["k", "l"])),
            6 => ("whole_reds()".to_owned(), owned(&["id", "a", "b"])),
            7 | 8 if !self.ctes.is_empty() => {
                let cte = self.ctes[self.random.below(self.ctes.len())].clone();
                (cte.alias, cte.columns)
            }
            9 if depth > 0 => {
                let mut inner = Scope::new();
                let left = self.item(depth - 1, outer, &mut inner);
                let right = self.item(depth - 1, outer, &mut inner);
                scope.extend(inner);
                return format!("({left} CROSS JOIN {right})");
            }
            _ if depth > 0 => {
                let (query, columns) = self.query(depth - 1, outer, None);
                (format!("({query})"), columns)
            }
            _ => ("red".to_owned(), owned(&["id", "a", "b"])),
        };
        let mut columns = columns;
        let mut listed = String::new();
        if self.random.one_in(5) && !columns.is_empty() {
            columns[0] = format!("{alias}n");
            listed = format!("({})", columns[0]);
        }
        scope.push(Item {
            alias: alias.clone(),
            columns,
        });
        format!("{text} AS {alias}{listed}")
    }

    fn column(&mut self, scopes: &[Scope]) -> String {
        let filled: Vec<&Scope> = scopes.iter().filter(|scope| !scope.is_empty()).collect();
        let Some(scope) = filled.first().copied() else {
            return "'constant'".to_owned();
        };
        let scope = if filled.len() > 1 && self.random.one_in(4) {
            filled[1 + self.random.below(filled.len() - 1)]
        } else {
            scope
        };
        let item = &scope[self.random.below(scope.len())];
        if item.columns.is_empty() {
            return "'constant'".to_owned();
        }
        let name = &item.columns[self.random.below(item.columns.len())];
        if self.random.one_in(5) {
            format!("{name}::text")
        } else {
            format!("{}.{name}::text", item.alias)
        }
    }

    fn row(&mut self, scopes: &[Scope]) -> Option<Item> {
        let scope = scopes.iter().find(|scope| !scope.is_empty())?;
        Some(scope[self.random.below(scope.len())].clone())
    }

    fn expression(&mut self, depth: usize, scopes: &[Scope]) -> String {
        if depth == 0 || self.random.one_in(3) {
            return self.column(scopes);
        }
        let depth = depth - 1;
        let a = self.expression(depth, scopes);
        match self.random.below(22) {
            0 => format!("({a} || {})", self.expression(depth, scopes)),
            1 => format!("coalesce({a}, {})", self.expression(depth, scopes)),
            2 => format!(
                "CASE WHEN {a} > 'm' THEN {} ELSE {a} END",
                self.expression(depth, scopes)
            ),
            3 => format!("nullif({a}, 'x')"),
            4 => format!("greatest({a}, {})", self.expression(depth, scopes)),
            5 => format!("(ARRAY[{a}, {}])[2]", self.expression(depth, scopes)),
            6 => format!("ROW({a}, {})::text", self.expression(depth, scopes)),
            7 => format!("(ROW({a}, {})).f2", self.expression(depth, scopes)),
            8 => format!("json_build_object('k', {a})::text"),
            9 => format!("(jsonb_build_object('k', {a}) ->> 'k')"),
            10 => format!("xmlelement(name x, {a})::text"),
            11 => format!("max({a}) OVER ()"),
            12 => format!("first_value({a}) OVER (ORDER BY {})", self.column(scopes)),
            13 => format!("same({a})"),
            14 => format!("any_d({a})"),
            15 | 16 => {
                let (query, _) = self.query(depth, scopes, Some(1));
                match self.random.below(4) {
                    0 => format!("ARRAY({query})::text"),
                    1 => format!("({a} = ANY ({query}))::text"),
                    2 => format!("EXISTS ({query})::text"),
                    _ => format!("(SELECT q.* FROM ({query}) q LIMIT 1)"),
                }
            }
            _ => self.whole_row(scopes, a),
        }
    }

    /// A whole-row value in one of its spellings.
    fn whole_row(&mut self, scopes: &[Scope], otherwise: String) -> String {
        let Some(item) = self.row(scopes) else {
            return otherwise;
        };
        let (alias, columns) = (&item.alias, &item.columns);
        let Some(name) = columns.first() else {
            return otherwise;
        };
        match self.random.below(9) {
            0 => format!("{alias}::text"),
            1 => format!("to_json({alias})::text"),
            2 => format!("(to_jsonb({alias}.*) ->> '{name}')"),
            3 => format!("ROW({alias}.*)::text"),
            4 => format!("({alias}).{name}::text"),
            5 => format!("(({alias}.*)::text || {otherwise})"),
            6 => format!("row_to_json({alias})::text"),
            7 => format!("concat({alias}, {otherwise})"),
            _ => format!("(SELECT value FROM jsonb_each_text(to_jsonb({alias})) LIMIT 1)"),
        }
    }

    fn aggregate(&mut self, depth: usize, scopes: &[Scope]) -> String {
        let a = self.expression(depth.saturating_sub(1).min(1), scopes);
        let b = self.column(scopes);
        if a.contains("OVER (") {
            return format!("max({b})");
        }
        match self.random.below(8) {
            0 => format!("string_agg({a}, ',' ORDER BY {b})"),
            1 => format!("array_agg({a})::text"),
            2 => format!("max({a}) FILTER (WHERE {b} IS NOT NULL)"),
            3 => format!("json_agg({a})::text"),
            4 => format!("json_object_agg({a}, {b})::text"),
            5 => format!("(percentile_disc(0.5) WITHIN GROUP (ORDER BY {a}))"),
            6 => format!("min({a} || {b})"),
            _ => match self.row(scopes) {
                Some(item) => format!("array_agg({})::text", item.alias),
                None => format!("max({a})"),
            },
        }
    }

    fn returning(&mut self, scopes: &[Scope]) -> String {
        let (first, second) = (self.expression(1, scopes), self.column(scopes));
        format!("RETURNING {first} AS c1, {second} AS c2, sink.*")
    }

    fn insert(&mut self) -> String {
        let (query, _) = self.query(2, &[], Some(2));
        let sink = vec![vec![item("sink", &["id", "e", "f"])]];
        let columns = self.random.of(&["(id, e)", "(e, f)", "(f, id)"]);
        format!(
            "INSERT INTO sink {columns} {query} {}",
            self.returning(&sink)
        )
    }

    fn update(&mut self) -> String {
        let mut scope = Scope::new();
        let from = self.from(1, &[], &mut scope);
        let mut scopes = vec![scope];
        scopes[0].push(item("sink", &["id", "e", "f"]));
        let (first, second) = (self.expression(2, &scopes), self.expression(1, &scopes));
        if first.contains("OVER (") || second.contains("OVER (") {
            return format!(
                "UPDATE sink SET (e, f) = (SELECT a, b FROM red LIMIT 1) {}",
                {
                    let sink = vec![vec![item("sink", &["id", "e", "f"])]];
                    self.returning(&sink)
                }
            );
        }
        format!(
            "UPDATE sink SET e = {first}, f = {second} FROM {from} {}",
            self.returning(&scopes)
        )
    }

    fn merge(&mut self) -> String {
        let mut scope = Scope::new();
        let source = self.item(2, &[], &mut scope);
        let value = self.expression(1, &[scope.clone()]);
        let value = if value.contains("OVER (") {
            "'x'".to_owned()
        } else {
            value
        };
        format!(
            "MERGE INTO sink USING {source} ON false WHEN NOT MATCHED THEN INSERT (id, e) VALUES ('new', {value}) WHEN MATCHED THEN DELETE"
        )
    }
}

fn item(alias: &str, columns: &[&str]) -> Item {
    Item {
        alias: alias.to_owned(),
        columns: owned(columns),
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Queries call exactly the functions of the world.
#[test]
fn every_function_of_the_world_is_called() {
    let all: String = (0..400).map(|seed| statement(seed).0).collect();
    for (name, _) in FUNCTIONS {
        assert!(all.contains(&format!("{name}(")), "{name}");
    }
}
