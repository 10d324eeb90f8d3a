//! A small database in which every value names its column, and the catalog of that database.

use gatewright_sql::{Access, Catalog, RelationKind};

/// Tables and their columns, all of type text. `id` is joined on and contains tags, too.
pub const TABLES: [(&str, &[&str]); 4] = [
    ("red", &["id", "a", "b"]),
    ("green", &["id", "b", "c"]),
    ("blue", &["id", "d"]),
    ("sink", &["id", "e", "f"]),
];

/// Views: name, columns and definition.
pub const VIEWS: [(&str, &[&str], &str); 3] = [
    (
        "plain_view",
        &["v", "id"],
        "SELECT red.a AS v, red.id FROM public.red",
    ),
    (
        "joined_view",
        &["x", "y"],
        "SELECT (red.b || green.c) AS x, green.id AS y FROM public.red JOIN public.green ON true",
    ),
    (
        "view_of_view",
        &["w", "rows"],
        "SELECT plain_view.v AS w, (blue.*)::text AS rows FROM public.plain_view, public.blue",
    ),
];

pub const FUNCTIONS: [(&str, &str); 4] = [
    (
        "same",
        "CREATE OR REPLACE FUNCTION public.same(value text) RETURNS text LANGUAGE sql AS $$ SELECT value $$",
    ),
    (
        "any_d",
        "CREATE OR REPLACE FUNCTION public.any_d(value text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE found text; BEGIN SELECT d INTO found FROM public.blue LIMIT 1; RETURN found || value; END $$",
    ),
    (
        "greens",
        "CREATE OR REPLACE FUNCTION public.greens() RETURNS TABLE(k text, l text) LANGUAGE sql AS $$ SELECT green.b, green.c FROM public.green $$",
    ),
    (
        "whole_reds",
        "CREATE OR REPLACE FUNCTION public.whole_reds() RETURNS SETOF public.red LANGUAGE sql AS $$ SELECT * FROM public.red $$",
    ),
];

/// The value in `row` of a column: `red.a` in row 2 contains this.
pub fn tag(table: &str, column: &str, row: usize) -> String {
    format!("<{table}.{column}.{row}>")
}

/// The statements that create the database.
pub fn schema() -> String {
    let mut sql = String::new();
    for (table, columns) in TABLES {
        let listed: Vec<String> = columns.iter().map(|name| format!("{name} text")).collect();
        sql += &format!("CREATE TABLE {table} ({});\n", listed.join(", "));
        for row in 1..=3 {
            let values: Vec<String> = columns
                .iter()
                .map(|column| format!("'{}'", tag(table, column, row)))
                .collect();
            sql += &format!("INSERT INTO {table} VALUES ({});\n", values.join(", "));
        }
    }
    for (name, columns, definition) in VIEWS {
        sql += &format!(
            "CREATE VIEW {name} ({}) AS {definition};\n",
            columns.join(", ")
        );
    }
    for (_, definition) in FUNCTIONS {
        sql += &format!("{definition};\n");
    }
    sql += "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.f := (SELECT d FROM blue LIMIT 1); RETURN NEW; END $$;\n";
    sql += "CREATE TRIGGER filled BEFORE INSERT ON sink FOR EACH ROW EXECUTE FUNCTION fill();\n";
    sql
}

/// The catalog as the service connection would read it.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::builder();
    let mut oid = 0;
    for (table, columns) in TABLES {
        oid += 1;
        catalog.relation(oid, "public", table, RelationKind::Table);
        for (at, column) in (1..).zip(columns) {
            catalog.column(oid, at, column, 25);
        }
    }
    catalog.trigger(oid, Access::INSERT, "public", "fill");
    for (view, columns, definition) in VIEWS {
        oid += 1;
        catalog.relation(oid, "public", view, RelationKind::View);
        for (at, column) in (1..).zip(columns) {
            catalog.column(oid, at, column, 25);
        }
        catalog.defined_view(oid, definition);
    }
    for (name, definition) in FUNCTIONS {
        oid += 1;
        catalog.defined_function(oid, "public", name, definition);
    }
    oid += 1;
    catalog.defined_function(oid, "public", "fill", "CREATE OR REPLACE FUNCTION public.fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.f := (SELECT d FROM blue LIMIT 1); RETURN NEW; END $$");
    catalog.build()
}
