//! Random statements over the tables of `world`, most of which the server accepts.

mod change;
mod expression;
mod from;
mod rows;
mod with;
pub mod world;

use gatewright_tests::random::Random;

use world::Kind;

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Its fields, if it is a row.
    pub fields: Vec<Column>,
}

/// An item of FROM. Without alias, it is named by its relation.
#[derive(Clone, Debug)]
pub struct Item {
    pub alias: String,
    /// The schema, if it is written in references.
    pub schema: Option<&'static str>,
    pub columns: Vec<Column>,
    /// Whether it has system columns and can be locked.
    pub is_table: bool,
}

pub type Scopes = Vec<Vec<Item>>;

pub struct Generator {
    random: Random,
    aliases: usize,
    ctes: Vec<Item>,
    /// Without window functions, which many places do not allow.
    plain: bool,
    /// Without changes in WITH, which are allowed at the top only.
    changed: bool,
    modern: bool,
    own_tables: bool,
}

/// Names that output columns share, so that one hides another.
const NAMES: [&str; 14] = [
    "id", "email", "e", "varchar", "case", "array", "row", "f1", "upper", "name", "column1",
    "order", "zip", "x",
];

/// What the statements may contain.
#[derive(Clone, Copy)]
pub struct Style {
    /// What PostgreSQL 18 has and 15 does not.
    pub modern: bool,
    /// Nothing but the statement itself reads tables; and it uses more of what a table has, such as system columns and locks.
    pub own_tables: bool,
}

pub fn statement(seed: u64, style: Style) -> String {
    let mut generator = Generator {
        random: Random::new(seed),
        aliases: 0,
        ctes: Vec::new(),
        plain: false,
        changed: true,
        modern: style.modern,
        own_tables: style.own_tables,
    };
    if generator.random.one_in(10) {
        generator.changed = false;
        return generator.with(2, &Scopes::new(), None).0;
    }
    if style.own_tables {
        generator.changed = false;
    }
    match generator.random.below(12) {
        0 => generator.insert(),
        1 if generator.random.one_in(4) => generator.update_part(),
        1 => generator.update(),
        2 => generator.delete(),
        3 => generator.merge(),
        _ => generator.query(3, &Scopes::new(), None).0,
    }
}

pub fn quoted(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && !["user", "order", "select", "case", "array", "row"].contains(&name);
    if plain && !name.is_empty() {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

impl Item {
    pub fn reference(&self) -> String {
        match self.schema {
            Some(schema) => format!("{schema}.{}", quoted(&self.alias)),
            None => quoted(&self.alias),
        }
    }
}

/// A query that returns at most one row.
pub fn limited(query: &str) -> String {
    if query.ends_with(" LIMIT 3") || query.ends_with(" LIMIT 5") {
        query.to_owned()
    } else {
        format!("{query} LIMIT 1")
    }
}

impl Generator {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// A query and its columns; with `width` columns of type text if given.
    pub fn query(
        &mut self,
        depth: usize,
        outer: &Scopes,
        width: Option<usize>,
    ) -> (String, Vec<Column>) {
        if depth > 0 && self.random.one_in(6) {
            return self.with(depth - 1, outer, width);
        }
        if depth > 0 && self.random.one_in(8) {
            return self.operation(depth - 1, outer, width);
        }
        if depth > 0 && self.random.one_in(14) {
            return self.values(depth - 1, outer, width);
        }
        self.select(depth, outer, width)
    }

    fn operation(
        &mut self,
        depth: usize,
        outer: &Scopes,
        width: Option<usize>,
    ) -> (String, Vec<Column>) {
        let width = width.unwrap_or_else(|| 1 + self.random.below(3));
        let (left, columns) = self.query(depth, outer, Some(width));
        let (right, _) = self.query(depth, outer, Some(width));
        let operator = self
            .random
            .of(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT", "UNION ALL"]);
        let mut text = format!("({left}) {operator} ({right})");
        if self.random.one_in(4) {
            text += &match self.random.below(2) {
                0 => " ORDER BY 1 LIMIT 5".to_owned(),
                _ => format!(" ORDER BY {}", quoted(&columns[0].name)),
            };
        }
        (text, columns)
    }

    /// VALUES, with stars among the values.
    fn values(
        &mut self,
        depth: usize,
        outer: &Scopes,
        width: Option<usize>,
    ) -> (String, Vec<Column>) {
        let mut parts = Vec::new();
        let mut kinds = Vec::new();
        if width.is_none()
            && let Some(item) = outer.first().and_then(|scope| scope.first())
        {
            parts.push(format!("{}.*", item.reference()));
            kinds.extend(item.columns.iter().map(|column| column.kind));
        }
        for _ in 0..width.unwrap_or(2) {
            parts.push(self.value(depth.min(1), outer).text);
            kinds.push(Kind::Text);
        }
        let columns = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| column(&format!("column{}", at + 1), *kind))
            .collect();
        let rows = vec![format!("({})", parts.join(", ")); 1 + self.random.below(2)];
        (format!("VALUES {}", rows.join(", ")), columns)
    }

    fn select(
        &mut self,
        depth: usize,
        outer: &Scopes,
        width: Option<usize>,
    ) -> (String, Vec<Column>) {
        let plain = std::mem::replace(&mut self.plain, false);
        let mut scope = Vec::new();
        let from = self.from(depth, outer, &mut scope);
        let mut scopes = vec![scope];
        scopes.extend_from_slice(outer);
        let aggregates = self.random.one_in(6);
        let (mut targets, mut columns) = self.targets(depth, &scopes, width, aggregates);
        let by_output = aggregates && width.is_none() && self.random.one_in(3);
        if by_output {
            let key = self.column(&scopes).text;
            let name = self.random.of(&NAMES).to_owned();
            targets += &format!(", {key} AS {}", quoted(&name));
            columns.push(column(&name, Kind::Text));
        }
        let distinct = match self.random.below(12) {
            0 => "DISTINCT ".to_owned(),
            1 if !aggregates => format!("DISTINCT ON ({}) ", self.random.of(&["1", "1, 1"])),
            _ => String::new(),
        };
        let mut text = format!("SELECT {distinct}{targets} FROM {from}");
        self.plain = true;
        if self.random.one_in(3) {
            let condition = self.condition(depth.saturating_sub(1), &scopes);
            text += &format!(" WHERE {condition}");
        }
        if aggregates {
            text += &match columns.last().filter(|_| by_output) {
                Some(last) if self.random.one_in(2) => format!(" GROUP BY {}", quoted(&last.name)),
                Some(_) => format!(" GROUP BY {}", columns.len()),
                None => self.grouping(&scopes),
            };
            if self.random.one_in(5) {
                text += " ORDER BY 1";
            }
        } else if distinct.is_empty() && self.random.one_in(4) {
            text += &self.order(&scopes, &columns);
        }
        if text.contains("OVER w") || text.contains("OVER (w") {
            text = self.windowed(text, &scopes);
        }
        if self.random.one_in(8) {
            text += " LIMIT 3";
        }
        let groups = aggregates || !distinct.is_empty() || text.contains(" OVER ");
        if self.own_tables && !groups && self.random.one_in(8) {
            text += &self.locked(&scopes[0]);
        }
        self.plain = plain;
        (text, columns)
    }

    fn locked(&mut self, scope: &[Item]) -> String {
        let how = self
            .random
            .of(&["UPDATE", "SHARE", "NO KEY UPDATE", "KEY SHARE"])
            .to_owned();
        let tables: Vec<&Item> = scope.iter().filter(|item| item.is_table).collect();
        if tables.is_empty() {
            return String::new();
        }
        let of = match self.random.one_in(4) {
            true => String::new(),
            false => format!(
                " OF {}",
                quoted(&tables[self.random.below(tables.len())].alias)
            ),
        };
        format!(" FOR {how}{of}")
    }

    /// Adds the window `w`, before ORDER BY.
    fn windowed(&mut self, text: String, scopes: &Scopes) -> String {
        let clause = format!(
            " WINDOW v AS (PARTITION BY {}), w AS (v ORDER BY {})",
            self.column(scopes).text,
            self.column(scopes).text
        );
        match text
            .rfind(" ORDER BY ")
            .filter(|at| !text[*at..].contains(')'))
        {
            Some(at) => format!("{}{clause}{}", &text[..at], &text[at..]),
            None => text + &clause,
        }
    }

    fn targets(
        &mut self,
        depth: usize,
        scopes: &Scopes,
        width: Option<usize>,
        aggregates: bool,
    ) -> (String, Vec<Column>) {
        let mut targets = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        for _ in 0..width.unwrap_or_else(|| 1 + self.random.below(3)) {
            if width.is_none() && !aggregates && self.random.one_in(7) {
                let item = scopes[0][self.random.below(scopes[0].len())].clone();
                targets.push(format!("{}.*", item.reference()));
                columns.extend(item.columns);
                continue;
            }
            if width.is_none() && !aggregates && self.random.one_in(12) {
                let item = scopes[0][self.random.below(scopes[0].len())].clone();
                let name = self.random.of(&["r", "id", "email"]);
                targets.push(format!("{} AS {name}", quoted(&item.alias)));
                columns.push(Column {
                    fields: item.columns,
                    ..column(name, Kind::Other)
                });
                continue;
            }
            if width.is_none()
                && !aggregates
                && let Some((text, fields)) = self.row_column(scopes)
            {
                targets.push(format!("({text}).*"));
                columns.extend(fields);
                continue;
            }
            let value = if aggregates {
                self.aggregate(depth, scopes)
            } else {
                self.value(depth, scopes)
            };
            if self.random.one_in(2) {
                let name = if self.random.one_in(2) {
                    self.random.of(&NAMES).to_owned()
                } else {
                    format!("c{}", columns.len())
                };
                targets.push(format!("{} AS {}", value.text, quoted(&name)));
                columns.push(column(&name, Kind::Text));
            } else {
                columns.push(column(value.column_name(), Kind::Text));
                targets.push(value.text);
            }
        }
        (targets.join(", "), columns)
    }

    /// A column that is a row, and its fields.
    fn row_column(&mut self, scopes: &Scopes) -> Option<(String, Vec<Column>)> {
        let rows = scopes
            .first()?
            .iter()
            .flat_map(|item| item.columns.iter().map(move |column| (item, column)));
        let (item, row) = rows.rev().find(|(_, column)| !column.fields.is_empty())?;
        if self.random.one_in(2) {
            return None;
        }
        Some((
            format!("{}.{}", item.reference(), quoted(&row.name)),
            row.fields.clone(),
        ))
    }

    fn grouping(&mut self, scopes: &Scopes) -> String {
        let (a, b) = (self.column(scopes).text, self.column(scopes).text);
        match self.random.below(6) {
            0 => format!(" GROUP BY {a}"),
            1 => format!(" GROUP BY GROUPING SETS (({a}), ({a}, {b}), ())"),
            2 => format!(" GROUP BY ROLLUP ({a}, {b}) HAVING max({b}) = 'x'"),
            3 => format!(" GROUP BY CUBE ({a}) HAVING count(*) > 1"),
            _ => String::new(),
        }
    }

    fn order(&mut self, scopes: &Scopes, columns: &[Column]) -> String {
        let key = match self.random.below(4) {
            0 => "1".to_owned(),
            1 => columns
                .first()
                .map_or_else(|| "1".to_owned(), |column| quoted(&column.name)),
            _ => self.value(1, scopes).text,
        };
        format!(" ORDER BY {key}")
    }

    /// A list of names for the first columns; sometimes none.
    fn renamed(&mut self, columns: &mut [Column]) -> String {
        if columns.is_empty() || !self.random.one_in(4) {
            return String::new();
        }
        let many = 1 + self.random.below(columns.len());
        let mut names = Vec::new();
        for (at, column) in columns.iter_mut().take(many).enumerate() {
            column.name = if self.random.one_in(3) {
                format!("n{at}")
            } else {
                self.random.of(&NAMES).to_owned()
            };
            names.push(quoted(&column.name));
        }
        format!(" ({})", names.join(", "))
    }
}

pub fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        fields: Vec::new(),
    }
}
