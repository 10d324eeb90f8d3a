//! The database of the generated statements.

/// What is known of a column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// An array of text.
    Texts,
    /// A composite type with the fields `street` and `zip`.
    Address,
    /// Converted to text where a value is needed.
    Other,
}

use Kind::{Address, Other, Text, Texts};

pub struct Table {
    pub schema: &'static str,
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
}

impl Table {
    pub fn is_view(&self) -> bool {
        self.name.starts_with("v_")
    }
}

const fn table(
    schema: &'static str,
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
) -> Table {
    Table {
        schema,
        name,
        columns,
    }
}

pub const TABLES: [Table; 9] = [
    table(
        "public",
        "customers",
        &[
            ("id", Other),
            ("email", Text),
            ("name", Text),
            ("tags", Texts),
        ],
    ),
    table(
        "public",
        "orders",
        &[
            ("id", Other),
            ("item", Text),
            ("customer", Other),
            ("price", Other),
        ],
    ),
    table(
        "public",
        "people",
        &[("id", Other), ("home", Address), ("email", Text)],
    ),
    table(
        "public",
        "user",
        &[
            ("id", Other),
            ("order", Text),
            ("select", Text),
            ("SELECT", Text),
            ("my col", Text),
            ("system_user", Text),
        ],
    ),
    table(
        "hr",
        "staff",
        &[("id", Other), ("email", Text), ("boss", Text)],
    ),
    table(
        "public",
        "notes",
        &[("id", Other), ("body", Text), ("varchar", Text)],
    ),
    table(
        "hr",
        "notes",
        &[("id", Other), ("body", Text), ("varchar", Text)],
    ),
    table(
        "public",
        "v_customers",
        &[("id", Other), ("e", Text), ("loud", Text)],
    ),
    table(
        "public",
        "v_rows",
        &[("id", Other), ("address", Address), ("found", Text)],
    ),
];

pub const SCHEMA: &str = r#"
CREATE SCHEMA hr;
CREATE TYPE address AS (street text, zip text);
CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, name text, tags text[]);
CREATE TABLE orders (id int PRIMARY KEY, item text, customer int, price numeric);
CREATE TABLE people (id int PRIMARY KEY, home address, email text);
CREATE TABLE "user" (id int, "order" text, "select" text, "SELECT" text, "my col" text, "system_user" text);
CREATE TABLE hr.staff (id int, gone int, email text, boss text);
ALTER TABLE hr.staff DROP COLUMN gone;
CREATE TABLE notes (id int PRIMARY KEY, body text, "varchar" text);
CREATE TABLE hr.notes (id int, body text, "varchar" text);
CREATE VIEW v_customers AS SELECT id, email AS e, upper(name) AS loud FROM customers WHERE tags IS NOT NULL;
CREATE VIEW v_rows AS SELECT p.id, p.home AS address, (SELECT max(boss) FROM hr.staff s WHERE s.id = p.id) AS found FROM people p;
CREATE FUNCTION same(value text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT value';
CREATE FUNCTION initcap(customers) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT (SELECT max(item) FROM orders WHERE customer = ($1).id); END;
CREATE FUNCTION everyone() RETURNS SETOF customers LANGUAGE sql STABLE BEGIN ATOMIC SELECT c.* FROM customers c; END;
CREATE FUNCTION pairs() RETURNS TABLE (a text, b text) LANGUAGE sql STABLE BEGIN ATOMIC SELECT email, name FROM customers; END;
CREATE FUNCTION secret(value text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT max(boss) FROM hr.staff WHERE email = value; END;
CREATE FUNCTION either(one text, other text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT coalesce(one, other, max(email)) FROM people; END;
CREATE OPERATOR ~~> (LEFTARG = text, RIGHTARG = text, FUNCTION = either);
"#;
