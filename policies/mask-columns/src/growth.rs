//! The work for a statement grows as the statement does, and hardly with the number of protected columns. Work is counted in
//! instructions.

use gatewright_harness::work;
use gatewright_policy::testing::{self, StatementDouble, column, result_column, source};
use gatewright_policy::{
    Access, ColumnRef, DataFlow, Editing, Facts, Plan, Policy, ResultColumn, Transform, Usage,
    Verb, Verdict,
};

use crate::MaskColumns;

/// How many protected columns there are, and how many of everything a statement has.
const SIZES: [usize; 3] = [50, 200, 800];

/// How much more the work may grow than both, from the second size to the third. A square would be four.
const MOST: f64 = 1.5;

const FUNCTION: &str = "mask_columns::growth::counted";

/// A statement that is judged to its end: nothing of it is refused early.
struct Example {
    name: &'static str,
    statement: StatementDouble,
    facts: Facts,
    columns: Vec<ResultColumn>,
}

/// Protected columns of one wide table, and of as many tables.
fn settings(size: usize) -> String {
    let wide = (0..size).map(|at| format!("\"public.wide.c{at}\""));
    let many = (0..size).map(|at| format!("\"public.t{at}.secret\""));
    let columns: Vec<String> = wide.chain(many).collect();
    format!("{{\"columns\": [{}]}}", columns.join(", "))
}

fn statement(editing: Editing) -> StatementDouble {
    let mut statement = StatementDouble::new("");
    statement.editing = editing;
    statement
}

fn impossible() -> Editing {
    Editing::Impossible("a test".to_owned())
}

/// Looks each protected column of the wide table up.
fn look_ups(size: usize) -> Example {
    let mut facts = testing::select(&["public.wide"]);
    let names: Vec<String> = (0..size).map(|at| format!("c{at}")).collect();
    facts.columns = names
        .iter()
        .map(|name| column(0, name, Usage::Filter))
        .collect();
    let mut statement = statement(impossible());
    statement.equated = (0..).take(size).collect();
    let masked = |name: &String| result_column(name, &[&format!("public.wide.{name}")]);
    Example {
        name: "look-ups",
        statement,
        facts,
        columns: names.iter().map(masked).collect(),
    }
}

/// Reads as many protected tables, with names that are resolved to none of them.
fn tables(size: usize) -> Example {
    let names: Vec<String> = (0..size).map(|at| format!("public.t{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut facts = testing::select(&names);
    facts.columns = (0..size)
        .map(|at| ColumnRef {
            table: None,
            ..column(0, &format!("open{at}"), Usage::Filter)
        })
        .collect();
    Example {
        name: "tables",
        statement: statement(Editing::Applied),
        facts,
        columns: Vec::new(),
    }
}

/// Writes each protected column of the wide table with its own value, and mixes all in one result column.
fn flows(size: usize) -> Example {
    let mut facts = testing::facts(
        Verb::Update,
        &["UPDATE"],
        &[("public.wide", Access::UPDATE)],
    );
    facts.columns = vec![column(0, "open", Usage::Filter)];
    let names: Vec<String> = (0..size).map(|at| format!("public.wide.c{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut statement = statement(impossible());
    statement.flows = names
        .iter()
        .map(|name| DataFlow {
            target: source(name),
            exact: true,
            sources: vec![source(name)],
        })
        .collect();
    let mut all = result_column("all", &names);
    for origin in &mut all.sources {
        origin.transform = Transform::Aggregate;
    }
    Example {
        name: "flows",
        statement,
        facts,
        columns: vec![all],
    }
}

const EXAMPLES: [fn(usize) -> Example; 3] = [look_ups, tables, flows];

/// What is counted.
#[inline(never)]
fn counted(settings: &str, example: &Example) -> (Verdict, Plan) {
    let mut policy: MaskColumns = testing::policy(settings).expect("valid settings");
    let statement = example.statement.view();
    let verdict = policy.on_statement(&statement, &example.facts);
    (verdict, policy.on_result(&statement, &example.columns))
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_statements_and_settings_do`"]
fn each_example_in_each_size() {
    for example in EXAMPLES {
        for size in SIZES {
            let example = example(size);
            let (verdict, plan) = counted(&settings(size), &example);
            let planned = matches!(verdict, Verdict::Allow(_));
            assert!(planned, "{}: {verdict:?}", example.name);
            assert!(
                matches!(plan, Plan::Columns(_)),
                "{}: {plan:?}",
                example.name
            );
        }
    }
}

#[test]
fn work_grows_as_statements_and_settings_do() {
    let names = EXAMPLES.map(|example| example(1).name);
    let test = "growth::each_example_in_each_size";
    work::check_growth(FUNCTION, test, &names, SIZES, MOST).expect("growth");
}
