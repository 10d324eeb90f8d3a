//! A catalog with definitions of every kind, for the tests.

use crate::{Access, Catalog, RelationKind};

pub(super) const FUNCTIONS: [(&str, &str); 21] = [
    (
        "keeps",
        "CREATE FUNCTION public.keeps(v text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.notes (body) VALUES (v); END $$",
    ),
    (
        "copies",
        "CREATE FUNCTION public.copies() RETURNS void LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN SELECT email INTO v FROM public.people; INSERT INTO public.notes (body) VALUES (v); END $$",
    ),
    (
        "fills",
        "CREATE FUNCTION public.fills() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := (SELECT email FROM public.people WHERE id = NEW.id); RETURN NEW; END $$",
    ),
    (
        "drops",
        "CREATE FUNCTION public.drops() RETURNS void LANGUAGE sql AS $$ DROP TABLE public.notes $$",
    ),
    (
        "given",
        "CREATE FUNCTION public.given(a text DEFAULT public.email_of(1)) RETURNS text LANGUAGE sql AS $$ SELECT a $$",
    ),
    (
        "fetches",
        "CREATE FUNCTION public.fetches(c refcursor) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN FETCH c INTO v; RETURN v; END $$",
    ),
    (
        "email_of",
        "CREATE FUNCTION public.email_of(who integer) RETURNS text LANGUAGE sql AS $$ SELECT email FROM public.people WHERE id = who $$",
    ),
    (
        "atomic",
        "CREATE FUNCTION public.atomic(who integer) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT people.name FROM public.people WHERE people.id = atomic.who; END",
    ),
    (
        "returned",
        "CREATE FUNCTION public.returned(a integer, b integer) RETURNS integer LANGUAGE sql RETURN (a + b)",
    ),
    (
        "reverse",
        "CREATE FUNCTION public.reverse(a public.code) RETURNS text LANGUAGE sql RETURN reverse((a)::text)",
    ),
    (
        "totals",
        "CREATE FUNCTION public.totals(who integer) RETURNS TABLE(id integer, total numeric) LANGUAGE sql AS $$ SELECT id, total FROM public.orders WHERE owner = $1 $$",
    ),
    (
        "everyone",
        "CREATE FUNCTION public.everyone() RETURNS SETOF public.people LANGUAGE sql AS $$ SELECT * FROM public.people $$",
    ),
    (
        "nested",
        "CREATE FUNCTION public.nested(who integer) RETURNS text LANGUAGE sql AS $$ SELECT public.email_of(who) $$",
    ),
    (
        "writes",
        "CREATE FUNCTION public.writes() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.orders (id) VALUES (1) $$",
    ),
    (
        "endless",
        "CREATE FUNCTION public.endless() RETURNS text LANGUAGE sql AS $$ SELECT public.endless() $$",
    ),
    (
        "plain",
        "CREATE FUNCTION public.plain(a text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE b text := upper(a); BEGIN IF b = '' THEN RETURN NULL; END IF; b := b || 'x'; RETURN b; END $$",
    ),
    (
        "looks",
        "CREATE FUNCTION public.looks(who integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN SELECT email INTO v FROM public.people WHERE id = who; RETURN v; END $$",
    ),
    (
        "loops",
        "CREATE FUNCTION public.loops() RETURNS SETOF text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT name FROM public.people LOOP RETURN NEXT r.name; END LOOP; END $$",
    ),
    (
        "dynamic",
        "CREATE FUNCTION public.dynamic(q text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN EXECUTE q INTO v; RETURN v; END $$",
    ),
    (
        "stores",
        "CREATE FUNCTION public.stores() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE public.orders SET total = 1; END $$",
    ),
    (
        "touch",
        "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated := now(); RETURN NEW; END $$",
    ),
];

pub(super) fn catalog() -> Catalog {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "public", "people", RelationKind::Table)
        .column(1, 1, "id", 23)
        .column(1, 2, "name", 25)
        .column(1, 3, "email", 25)
        .column(1, 4, "folded", 25)
        .generated_column(1, 4, "lower(email)")
        .relation(2, "public", "orders", RelationKind::Table)
        .column(2, 1, "id", 23)
        .column(2, 2, "owner", 23)
        .column(2, 3, "total", 1700)
        .relation(3, "public", "mails", RelationKind::View)
        .column(3, 1, "number", 23)
        .column(3, 2, "mail", 25)
        .column(3, 3, "initial", 25)
        .defined_view(3, "SELECT people.id AS number, people.email AS mail, \"left\"(people.name, 1) AS initial FROM public.people WHERE people.id > 5;")
        .relation(4, "public", "over", RelationKind::View)
        .column(4, 1, "x", 25)
        .column(4, 2, "y", 25)
        .defined_view(4, "SELECT mails.mail AS x, public.email_of(mails.number) AS y FROM public.mails")
        .relation(5, "public", "broken", RelationKind::View)
        .column(5, 1, "x", 25)
        .depends(5, 1, 3)
        .defined_view(5, "SELECT beyond the grammar")
        .relation(6, "public", "notes", RelationKind::Table)
        .column(6, 1, "id", 23)
        .column(6, 2, "body", 25)
        .relation(7, "public", "inbox", RelationKind::Table)
        .column(7, 1, "id", 23)
        .column(7, 2, "body", 25)
        .trigger(7, Access::INSERT, "public", "fills")
        .relation(8, "public", "stamped", RelationKind::Table)
        .column(8, 1, "id", 23)
        .column(8, 2, "updated", 1184)
        .trigger(8, Access::INSERT | Access::UPDATE, "public", "touch")
        .relation(9, "public", "odd", RelationKind::Table)
        .column(9, 1, "id", 23)
        .trigger(9, Access::DELETE, "public", "dynamic")
        .rules(9)
        .operator(("public", "~~~"), ("public", "looks"))
        .operator(("public", "+++"), ("public", "returned"))
        .cast("secret", (25, "text"), false, ("public", "looks"));
    for (view, base, attnum) in [(3, 1, 1), (3, 1, 2), (3, 1, 3), (4, 3, 1), (4, 3, 2)] {
        catalog.depends(view, base, attnum);
    }
    for (at, (name, definition)) in FUNCTIONS.into_iter().enumerate() {
        catalog.defined_function(100 + at as u32, "public", name, definition);
    }
    catalog.build()
}
