//! INSERT, UPDATE, DELETE and MERGE.

use super::from::{columns_of, item};
use super::world::Kind;
use super::{Column, Generator, Item, Scopes};

/// The places of `orders` and `notes` in the tables of the world.
const ORDERS: usize = 1;
const NOTES: usize = 5;

impl Generator {
    fn returning(&mut self, scopes: &Scopes) -> String {
        let plain = std::mem::replace(&mut self.plain, true);
        let (first, second) = (self.value(1, scopes).text, self.column(scopes).text);
        self.plain = plain;
        match self.random.below(if self.modern { 12 } else { 4 }) {
            4 => " RETURNING old.body, new.*".to_owned(),
            5 => " RETURNING WITH (OLD AS o, NEW AS n) o.body || n.body, o AS r".to_owned(),
            0 => String::new(),
            1 | 6 => " RETURNING *".to_owned(),
            2 => format!(" RETURNING {first}, {}.*", scopes[0][0].reference()),
            _ => format!(" RETURNING {first} AS r1, {second}"),
        }
    }

    /// A WITH clause in front of some statements.
    fn before(&mut self) -> String {
        if !self.random.one_in(4) {
            return String::new();
        }
        let (query, columns) = self.query(1, &Scopes::new(), None);
        let text = format!("WITH w0 AS ({query}) ");
        self.ctes.push(item("w0", columns));
        text
    }

    pub fn insert(&mut self) -> String {
        let before = self.before();
        let target = vec![vec![item("notes", columns_of(NOTES))]];
        let (list, many) = match self.random.below(3) {
            0 => ("(body, \"varchar\")", 2),
            1 => ("(\"varchar\", body)", 2),
            _ => ("(body)", 1),
        };
        let source = match self.random.below(3) {
            0 => {
                let outer = Scopes::new();
                let values: Vec<String> = (0..many).map(|_| self.of_customers(&outer)).collect();
                format!("VALUES ({})", values.join(", "))
            }
            _ => self.query(2, &Scopes::new(), Some(many)).0,
        };
        let conflict = match self.random.below(5) {
            0 => " ON CONFLICT DO NOTHING".to_owned(),
            1 => {
                let mut scopes = target.clone();
                scopes[0].push(item("excluded", columns_of(NOTES)));
                let value = self.qualified(&scopes);
                let condition = self.qualified(&scopes);
                format!(" ON CONFLICT (id) DO UPDATE SET body = {value} WHERE {condition} = 'x'")
            }
            2 => format!(
                " ON CONFLICT (id) DO UPDATE SET (body, \"varchar\") = (SELECT {}, 'x')",
                self.qualified(&target)
            ),
            _ => String::new(),
        };
        format!(
            "{before}INSERT INTO public.notes {list} {source}{conflict}{}",
            self.returning(&target)
        )
    }

    /// A changing statement in WITH.
    pub fn changing(&mut self, name: &str) -> (String, Vec<Column>) {
        self.changed = true;
        let scopes = vec![vec![item("n", columns_of(NOTES))]];
        let plain = std::mem::replace(&mut self.plain, true);
        let (value, shown) = (self.value(1, &scopes).text, self.value(1, &scopes));
        let condition = self.condition(0, &scopes);
        self.plain = plain;
        let mut columns = vec![super::column(shown.column_name(), Kind::Text)];
        columns.extend(columns_of(NOTES));
        let text = match self.random.below(2) {
            0 => format!(
                "UPDATE notes AS n SET body = {value} WHERE {condition} RETURNING {}, n.*",
                shown.text
            ),
            _ => format!(
                "DELETE FROM notes AS n WHERE {condition} RETURNING {}, n.*",
                shown.text
            ),
        };
        (format!("{} AS ({text})", super::quoted(name)), columns)
    }

    fn of_customers(&mut self, outer: &Scopes) -> String {
        let (query, _) = self.select(1, outer, Some(1));
        format!("({})", super::limited(&query))
    }

    fn qualified(&mut self, scopes: &Scopes) -> String {
        let scope = &scopes[0];
        let item = scope[self.random.below(scope.len())].clone();
        let texts: Vec<Column> = item
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Text)
            .cloned()
            .collect();
        let name = super::quoted(&texts[self.random.below(texts.len())].name);
        format!("{}.{name}", item.reference())
    }

    pub fn update(&mut self) -> String {
        let before = self.before();
        let mut scope = vec![item("n", columns_of(NOTES))];
        let mut others: Vec<Item> = Vec::new();
        let from = self.from(1, &Scopes::new(), &mut others);
        scope.extend(others.clone());
        let scopes = vec![scope];
        let plain = std::mem::replace(&mut self.plain, true);
        let (a, b) = (self.value(2, &scopes).text, self.value(1, &scopes).text);
        let condition = self.condition(1, &scopes);
        self.plain = plain;
        let set = match self.random.below(4) {
            0 => format!("body = {a}, \"varchar\" = {b}"),
            1 => format!("(body, \"varchar\") = ROW({a}, {b})"),
            2 => {
                let (query, _) = self.query(1, &scopes, Some(2));
                format!("(\"varchar\", body) = ({})", super::limited(&query))
            }
            _ => "(id, body, \"varchar\") = ROW(h.*)".to_owned(),
        };
        let columns = self.random.of(&[
            "email || '', name",
            "name, email",
            "upper(name), email || ''",
        ]);
        let from = if set.contains("h.*") {
            format!("{from}, (SELECT id, {columns} FROM customers) AS h (id, one, two)")
        } else {
            from
        };
        format!(
            "{before}UPDATE public.notes AS n SET {set} FROM {from} WHERE {condition}{}",
            self.returning(&scopes)
        )
    }

    /// Assignments to an element and to a field.
    pub fn update_part(&mut self) -> String {
        let scopes = vec![vec![item("c", columns_of(0)), item("p", columns_of(2))]];
        let plain = std::mem::replace(&mut self.plain, true);
        let (a, b) = (self.value(2, &scopes).text, self.value(1, &scopes).text);
        self.plain = plain;
        if self.random.one_in(2) {
            format!(
                "UPDATE customers AS c SET tags[1] = {a}, email = {b} FROM people AS p RETURNING c.*, p.home"
            )
        } else {
            format!(
                "UPDATE people AS p SET home.zip = {a}, email = {b} FROM customers AS c RETURNING p.*, (p.home).zip"
            )
        }
    }

    pub fn delete(&mut self) -> String {
        let before = self.before();
        let mut scope = vec![item("o", columns_of(ORDERS))];
        let mut others = Vec::new();
        let using = self.from(1, &Scopes::new(), &mut others);
        scope.extend(others);
        let scopes = vec![scope];
        let plain = std::mem::replace(&mut self.plain, true);
        let condition = self.condition(1, &scopes);
        self.plain = plain;
        format!(
            "{before}DELETE FROM orders AS o USING {using} WHERE {condition}{}",
            self.returning(&scopes)
        )
    }

    pub fn merge(&mut self) -> String {
        let mut others = Vec::new();
        let source = self.item(2, &Scopes::new(), &mut others);
        let mut both = vec![item("n", columns_of(NOTES))];
        both.extend(others.clone());
        let (both, source_only) = (vec![both], vec![others]);
        let plain = std::mem::replace(&mut self.plain, true);
        let on = self.condition(0, &both);
        let (when, a) = (self.condition(0, &both), self.value(1, &both).text);
        let b = self.value(1, &source_only).text;
        self.plain = plain;
        let returning = if self.modern && self.random.one_in(3) {
            self.returning(&both)
        } else {
            String::new()
        };
        format!(
            "MERGE INTO notes AS n USING {source} ON {on} WHEN MATCHED AND {when} THEN UPDATE SET body = {a} WHEN MATCHED THEN DELETE \
             WHEN NOT MATCHED THEN INSERT (id, \"varchar\") VALUES (1, {b}){returning}"
        )
    }
}
