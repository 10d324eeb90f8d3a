//! Databases that differ in one thing: in one of them the protected columns hold what their masks show.

use anyhow::Result;
use gatewright_contract::{ColumnReplacement, Edit, PartialMask, ReplacementValue};
use gatewright_harness::{Dsn, Postgres, Psql};

/// What replaces a column.
#[derive(Clone, Copy)]
enum Mask {
    Null,
    Fixed(&'static str),
    Partial(u32, u32),
    /// The first letter.
    Letter,
    /// The values that generated statements look for stay what they are: an equation has the same answer for the column and the
    /// mask.
    AllButKnown,
}

use Mask::{AllButKnown, Fixed, Letter, Null, Partial};

/// A protected column: its table, name, type and mask.
type Column = (&'static str, &'static str, &'static str, &'static str, Mask);

/// Protected columns, and how many look-ups may move.
pub struct Choice {
    pub name: &'static str,
    columns: &'static [Column],
    look_ups: u32,
}

pub const CHOICES: [Choice; 3] = [
    Choice {
        name: "redacted",
        columns: &[
            ("public", "customers", "email", "text", Fixed("***")),
            ("public", "customers", "tags", "text[]", Fixed("{m,k}")),
            ("public", "people", "home", "address", Null),
            ("public", "people", "email", "text", Fixed("it's \\ \u{e9}")),
            ("hr", "staff", "email", "text", Null),
            ("hr", "notes", "body", "text", Fixed("***")),
        ],
        look_ups: 0,
    },
    Choice {
        name: "partial",
        columns: &[
            ("public", "customers", "email", "text", Partial(1, 2)),
            ("public", "customers", "name", "text", Letter),
            ("public", "orders", "item", "varchar(9)", Partial(0, 1)),
            ("public", "orders", "price", "numeric(8,2)", Fixed("0.00")),
            ("public", "people", "home", "address", Fixed("(m,k)")),
            ("public", "user", "my col", "text", Fixed("***")),
            ("public", "user", "select", "text", Letter),
            ("hr", "staff", "boss", "text", Partial(2, 0)),
        ],
        look_ups: 0,
    },
    Choice {
        name: "looked up",
        columns: &[
            ("public", "customers", "email", "text", AllButKnown),
            ("public", "customers", "name", "text", AllButKnown),
            ("public", "orders", "item", "varchar(9)", AllButKnown),
            ("public", "people", "email", "text", AllButKnown),
            ("public", "user", "order", "text", AllButKnown),
            ("hr", "staff", "email", "text", AllButKnown),
        ],
        look_ups: 3,
    },
];

const KNOWN: [&str; 3] = ["x", "y", "z"];

impl Choice {
    pub fn edits(&self) -> Vec<Edit> {
        let replaced = self.columns.iter().map(|(schema, table, column, _, mask)| {
            Edit::ReplaceColumn(ColumnReplacement {
                schema: (*schema).to_owned(),
                table: (*table).to_owned(),
                column: (*column).to_owned(),
                value: mask.value(),
                look_ups: self.look_ups,
            })
        });
        replaced.collect()
    }

    fn mask(&self, table: &str, column: &str) -> Option<&Column> {
        let mut columns = self.columns.iter();
        columns.find(|known| format!("{}.{}", known.0, known.1) == table && known.2 == column)
    }

    /// The tables that statements change and that show the same in all databases.
    pub fn changed(&self) -> Vec<&'static str> {
        let mut tables = vec!["public.notes", "public.orders"];
        tables.retain(|table| {
            !self
                .columns
                .iter()
                .any(|known| format!("{}.{}", known.0, known.1) == *table)
        });
        tables
    }

    fn protects(&self, table: &str, column: &str) -> bool {
        self.mask(table, column).is_some()
    }
}

impl Mask {
    fn value(self) -> ReplacementValue {
        match self {
            Null => ReplacementValue::Null,
            Fixed(text) => ReplacementValue::Fixed(text.to_owned()),
            Partial(first, last) => ReplacementValue::Partial(PartialMask {
                first,
                last,
                fill: '*',
            }),
            Letter => ReplacementValue::Text(
                "pg_catalog.\"left\"(CAST(value AS pg_catalog.text), 1) OPERATOR(pg_catalog.||) '.'"
                    .to_owned(),
            ),
            AllButKnown => {
                let known = KNOWN.map(|known| {
                    format!("WHEN value OPERATOR(pg_catalog.=) '{known}' THEN '{known}'")
                });
                ReplacementValue::Expression(format!("CASE {} ELSE '***' END", known.join(" ")))
            }
        }
    }

    /// What the mask shows of a value, written by other means.
    fn shown(self, column: &str, kind: &str) -> String {
        let shown = match self {
            Null => return format!("NULL::{kind}"),
            Fixed(text) => format!("'{}'::{kind}", text.replace('\'', "''")),
            Partial(first, last) => format!(
                "overlay({column} placing repeat('*', greatest(length({column}) - {first} - {last}, 0)) \
                 from {first} + 1 for greatest(length({column}) - {first} - {last}, 0))"
            ),
            Letter => format!("left({column}, 1) || '.'"),
            AllButKnown => {
                format!("CASE WHEN {column} IN ('x', 'y', 'z') THEN {column} ELSE '***' END")
            }
        };
        let shown = match self {
            Partial(first, last) => format!(
                "CASE WHEN length({column}) <= {} THEN repeat('*', length({column})) ELSE {shown} END",
                first + last
            ),
            _ => shown,
        };
        // Not `IS NOT NULL`, which is false for a row with a field that is NULL.
        format!("CASE WHEN {column} IS NULL THEN NULL ELSE {shown} END")
    }
}

/// A table's name, columns with their types, and values.
type Table = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const TABLES: [Table; 7] = [
    (
        "public.customers",
        &[
            ("id", "int"),
            ("email", "text"),
            ("name", "text"),
            ("tags", "text[]"),
        ],
        "(1, 'x', 'n1', '{a,b}'), (2, 'y', 'x', '{c}'), (3, 'c3@m.example', 'y', NULL), (4, NULL, 'y', '{}'), (5, 'longer@mail.example', 'c five', '{q,x}'), \
         (6, 'z', NULL, '{x,y}')",
    ),
    (
        "public.orders",
        &[
            ("id", "int"),
            ("item", "varchar(9)"),
            ("customer", "int"),
            ("price", "numeric(8,2)"),
        ],
        "(1, 'x', 1, 1.5), (2, 'y', 2, 2), (3, 'item', 3, NULL), (4, NULL, 1, 4.25), (5, 'lamp', 9, 5)",
    ),
    (
        "public.people",
        &[("id", "int"), ("home", "address"), ("email", "text")],
        "(1, ROW('s', 'z1'), 'x'), (2, NULL, 'b@x.example'), (3, ROW(NULL, 'y'), NULL), (5, ROW('x', 'c'), 'y')",
    ),
    (
        "public.user",
        &[
            ("id", "int"),
            ("order", "text"),
            ("select", "text"),
            ("SELECT", "text"),
            ("my col", "text"),
            ("system_user", "text"),
        ],
        "(1, 'x', 'a', 'b', 'cc', 'd'), (2, 'o2', 'y', NULL, 'x', 'z'), (NULL, NULL, NULL, NULL, NULL, NULL)",
    ),
    (
        "hr.staff",
        &[("id", "int"), ("email", "text"), ("boss", "text")],
        "(1, 'x', 'boss one'), (2, 's2@x.example', 'y'), (7, NULL, 'b')",
    ),
    (
        "public.notes",
        &[("id", "int"), ("body", "text"), ("varchar", "text")],
        "(1, 'x', 'v1'), (2, 'body', 'x'), (3, NULL, 'y')",
    ),
    (
        "hr.notes",
        &[("id", "int"), ("body", "text"), ("varchar", "text")],
        "(1, 'hr', 'x'), (1, 'y', NULL)",
    ),
];

/// A database whose protected columns hold their masks; without a choice, their own values.
pub fn create(server: &Postgres, name: &str, choice: Option<&Choice>) -> Result<Dsn> {
    let database = server.create_database(name)?;
    let mut sql = "CREATE SCHEMA hr; CREATE TYPE address AS (street text, zip text);\n".to_owned();
    for (table, columns, values) in TABLES {
        let (schema, relation) = table.split_once('.').unwrap_or(("public", table));
        let list = columns
            .iter()
            .map(|(column, kind)| format!("\"{column}\" {kind}"));
        let list = list.collect::<Vec<_>>().join(", ");
        let shown = columns.iter().map(|(column, kind)| {
            let own = format!("\"{column}\"");
            match choice.and_then(|choice| choice.mask(table, column)) {
                Some((_, _, _, _, mask)) => mask.shown(&own, kind),
                None => own,
            }
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        sql += &format!(
            "CREATE TABLE raw ({list}); INSERT INTO raw VALUES {values};\n\
             CREATE TABLE {schema}.\"{relation}\" ({list});\n\
             INSERT INTO {schema}.\"{relation}\" SELECT {shown} FROM raw; DROP TABLE raw;\n"
        );
    }
    // Only columns that are never protected have keys: a mask may be the same in every row.
    sql += "ALTER TABLE customers ADD PRIMARY KEY (id); ALTER TABLE orders ADD PRIMARY KEY (id); ALTER TABLE people ADD PRIMARY KEY (id);\n\
            ALTER TABLE notes ADD UNIQUE (id);\n";
    sql += &views(choice);
    Psql::new(&database)?.query(&sql)?;
    Ok(database)
}

/// Columns that are computed from protected ones are NULL.
fn views(choice: Option<&Choice>) -> String {
    let protects = |table, column| choice.is_some_and(|choice| choice.protects(table, column));
    let loud = match protects("public.customers", "name") {
        true => "NULL::text",
        false => "upper(name)",
    };
    let found = match protects("hr.staff", "boss") {
        true => "NULL::text",
        false => "(SELECT max(boss) FROM hr.staff s WHERE s.id = p.id)",
    };
    format!(
        "CREATE VIEW v_customers AS SELECT id, email AS e, {loud} AS loud FROM customers WHERE tags IS NOT NULL;\n\
         CREATE VIEW v_rows AS SELECT p.id, p.home AS address, {found} AS found FROM people p;\n\
         CREATE FUNCTION same(value text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT value';\n"
    )
}
