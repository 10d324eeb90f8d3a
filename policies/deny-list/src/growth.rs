//! The work for a statement grows as the statement does, and hardly with the lists of the settings and of access grants. Work is counted
//! in instructions.

use gatewright_harness::work;
use gatewright_policy::testing::{self, StatementDouble};
use gatewright_policy::{Access, Facts, Policy, Verb, Verdict};

use crate::DenyList;

/// How many of everything there are, in the settings and in a statement.
const SIZES: [usize; 3] = [50, 200, 800];

/// How much more the work may grow than both, from the second size to the third. A square would be four.
const MOST: f64 = 1.5;

const FUNCTION: &str = "deny_list::growth::counted";

/// What is judged to its end: nothing of it is refused early.
struct Example {
    name: &'static str,
    settings: String,
    statement: StatementDouble,
    facts: Facts,
}

fn named(size: usize, name: impl Fn(usize) -> String) -> Vec<String> {
    (0..size).map(name).collect()
}

/// Reads as many tables as are listed, with their names, in another schema.
fn tables(size: usize) -> Example {
    let listed = named(size, |at| format!("\"secret.t{at}\""));
    let read = named(size, |at| format!("public.t{at}"));
    let read: Vec<&str> = read.iter().map(String::as_str).collect();
    Example {
        name: "tables",
        settings: format!("{{\"tables\": [{}]}}", listed.join(", ")),
        statement: StatementDouble::new(""),
        facts: testing::select(&read),
    }
}

/// Calls as many functions as are listed.
fn functions(size: usize) -> Example {
    let listed = named(size, |at| format!("\"secret.f{at}\""));
    let mut facts = testing::select(&[]);
    facts.functions = named(size, |at| format!("public.f{at}"));
    Example {
        name: "functions",
        settings: format!("{{\"functions\": [{}]}}", listed.join(", ")),
        statement: StatementDouble::new(""),
        facts,
    }
}

/// Somebody in as many groups as are exempt.
fn groups(size: usize) -> Example {
    let exempt = named(size, |at| format!("\"exempt{at}\""));
    let mut facts = testing::select(&[]);
    facts.identity.groups = named(size, |at| format!("member{at}"));
    Example {
        name: "groups",
        settings: format!("{{\"exempt_groups\": [{}]}}", exempt.join(", ")),
        statement: StatementDouble::new(""),
        facts,
    }
}

/// Writes as many tables as access is granted to, each of which is listed.
fn grants(size: usize) -> Example {
    let names = named(size, |at| format!("public.t{at}"));
    let written: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), Access::UPDATE))
        .collect();
    let listed = named(size, |at| format!("\"public.t{at}\""));
    let mut facts = testing::facts(Verb::Update, &["UPDATE"], &written);
    facts.unbounded_write = true;
    let mut statement = StatementDouble::new("");
    statement.access_grants = vec![testing::access_grant(&written)];
    Example {
        name: "grants",
        settings: format!(
            "{{\"access_grants\": \"accept\", \"tables\": [{}]}}",
            listed.join(", ")
        ),
        statement,
        facts,
    }
}

const EXAMPLES: [fn(usize) -> Example; 4] = [tables, functions, groups, grants];

/// What is counted.
#[inline(never)]
fn counted(example: &Example) -> Verdict {
    let mut policy: DenyList = testing::policy(&example.settings).expect("valid settings");
    policy.on_statement(&example.statement.view(), &example.facts)
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_statements_and_settings_do`"]
fn each_example_in_each_size() {
    for example in EXAMPLES {
        for size in SIZES {
            let example = example(size);
            let verdict = counted(&example);
            let allowed = matches!(verdict, Verdict::Allow(_));
            assert!(allowed, "{}: {verdict:?}", example.name);
        }
    }
}

#[test]
fn work_grows_as_statements_and_settings_do() {
    let names = EXAMPLES.map(|example| example(1).name);
    let test = "growth::each_example_in_each_size";
    work::check_growth(FUNCTION, test, &names, SIZES, MOST).expect("growth");
}
