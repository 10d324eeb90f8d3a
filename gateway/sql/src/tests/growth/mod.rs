//! The work of an analysis grows as the statement does. Work is counted in instructions, by callgrind: they are the same in every run.

mod shapes;

use gatewright_contract::{ColumnReplacement, Edit, ReplacementValue};
use gatewright_harness::work;

use crate::{
    Catalog, EditContext, RelationKind, Settings, WrittenType, analyze, on_big_stack, substitute,
    template,
};
use shapes::Shape;

/// The statement grows fourfold from one to the next.
const SIZES: [usize; 3] = [40, 160, 640];

/// How much more the work may grow than the statement, from the second size to the third. Twice the size is twice the work, and a little
/// more for growing tables of hashes and vectors; a square would be four.
const MOST: f64 = 1.5;

/// Which shapes are counted: those whose name contains this. Without it, the ones below; with an empty one, all, which takes half an hour.
const CHOSEN: &str = "GATEWRIGHT_GROWTH";

/// Shapes that took more than their size, or nearly did, and one of each kind of list and nesting.
const DEFAULT: &[&str] = &[
    "SELECT (..SELECT a FROM t..) FROM t",
    "SELECT (..SELECT 1..)",
    "SELECT a FROM t HAVING (..SELECT 1..) > 1",
    "SELECT a FROM t WHERE EXISTS (..SELECT 1..)",
    "SELECT a FROM (..SELECT a FROM t..) x",
    "WITH w AS (..SELECT a FROM t..) SELECT * FROM w",
    "SELECT (..a..)::text FROM customers",
    "SELECT f#(a), .. FROM t",
    "SELECT a FROM t#, ..",
    "WITH w# AS (SELECT a FROM t), .. SELECT 1",
    "VALUES (#, 'x'), ..",
    "SELECT a FROM t WHERE c# = 1 AND ..",
    "SELECT #; ..",
    "SELECT a FROM t#; ..",
];

fn catalog() -> Catalog {
    let mut catalog = Catalog::builder();
    let text = || WrittenType {
        name: "pg_catalog.text".to_owned(),
        collation: None,
        is_string: true,
    };
    catalog
        .generation(1)
        .relation(1, "public", "customers", RelationKind::Table)
        .column(1, 1, "id", 23)
        .column(1, 2, "name", 25)
        .column(1, 3, "email", 25)
        .written(1, text())
        .relation(2, "public", "t", RelationKind::Table)
        .column(2, 1, "a", 23)
        .column(2, 2, "b", 25)
        .relation(3, "public", "wide", RelationKind::Table)
        .relation(4, "public", "part", RelationKind::Table)
        .column(4, 1, "a", 23)
        .defined_function(
            5,
            "public",
            "own",
            "CREATE FUNCTION public.own(x text) RETURNS text LANGUAGE sql AS $$ SELECT email FROM public.customers $$",
        );
    for at in 1..=700_u16 {
        catalog.column(3, i16::try_from(at).expect("small"), &format!("c{at}"), 25);
        let table = 1000 + u32::from(at);
        catalog.relation(table, "public", &format!("t{at}"), RelationKind::Table);
        catalog.column(table, 1, "a", 23).column(table, 2, "b", 25);
        catalog.inherits(3000 + u32::from(at), 4);
        catalog.relation(
            3000 + u32::from(at),
            "public",
            &format!("part{at}"),
            RelationKind::Table,
        );
        catalog.column(3000 + u32::from(at), 1, "a", 23);
        let view = 2000 + u32::from(at);
        catalog.relation(view, "public", &format!("v{at}"), RelationKind::View);
        catalog.column(view, 1, "a", 23).depends(view, 2, 1);
    }
    catalog.build()
}

/// The name of the function whose work is counted.
const FUNCTION: &str = "gatewright_sql::tests::growth::counted";

/// What is counted.
#[inline(never)]
fn counted(text: &str, catalog: &Catalog, edits: &[Edit]) -> bool {
    let settings = Settings::default();
    let template = template(text);
    let Ok(analysis) = analyze(text, catalog, &settings) else {
        return false;
    };
    let context = EditContext {
        catalog,
        path: None,
        settings: &settings,
        settle: &|_, value| Some(value.to_owned()),
    };
    // Whether it can be edited is not the question.
    let _ = substitute(text, &analysis, 0, edits, template.as_ref(), &context);
    true
}

fn redacted() -> Vec<Edit> {
    vec![Edit::ReplaceColumn(ColumnReplacement {
        schema: "public".to_owned(),
        table: "customers".to_owned(),
        column: "email".to_owned(),
        value: ReplacementValue::Fixed("***".to_owned()),
        look_ups: 1,
    })]
}

fn chosen() -> Vec<Shape> {
    let mut shapes = shapes::all();
    match std::env::var(CHOSEN) {
        Ok(chosen) => shapes.retain(|shape| shape.name.contains(&chosen)),
        Err(_) => shapes.retain(|shape| DEFAULT.contains(&shape.name.as_str())),
    }
    shapes
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_the_statement_does`"]
fn each_shape_in_each_size() {
    let (catalog, edits) = (catalog(), redacted());
    on_big_stack(|| {
        for shape in chosen() {
            for size in SIZES {
                let text = (shape.of)(size);
                assert!(counted(&text, &catalog, &edits), "{}", shape.name);
            }
        }
    })
    .expect("no panic");
}

#[test]
fn work_grows_as_the_statement_does() {
    let test = "tests::growth::each_shape_in_each_size";
    let counts = work::of_calls(FUNCTION, test).expect("counts");
    let shapes = chosen();
    assert!(std::env::var(CHOSEN).is_ok() || shapes.len() == DEFAULT.len());
    assert_eq!(counts.len(), shapes.len() * SIZES.len());
    let mut faults = Vec::new();
    for (shape, counts) in shapes.iter().zip(counts.chunks(SIZES.len())) {
        let lengths = SIZES.map(|size| (shape.of)(size).len() as f64);
        let growth = work::growth(counts, lengths).expect("three counts");
        if growth > MOST {
            faults.push(format!("{growth:.2} {counts:?} {}", shape.name));
        }
    }
    faults.sort();
    assert!(
        faults.is_empty(),
        "{} shapes:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
