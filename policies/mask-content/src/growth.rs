//! The work for a result grows as its columns and what they carry do, and hardly with the columns that are ignored. Work is counted in
//! instructions.

use gatewright_harness::work;
use gatewright_policy::testing::{self, StatementDouble, result_column};
use gatewright_policy::{Plan, Policy, ResultColumn};

use crate::MaskContent;

/// How many columns are ignored, and how many one result column can carry.
const SIZES: [usize; 3] = [50, 200, 800];

/// How much more the work may grow than both, from the second size to the third. A square would be four.
const MOST: f64 = 1.5;

const FUNCTION: &str = "mask_content::growth::counted";

fn names(size: usize) -> Vec<String> {
    (0..size).map(|at| format!("public.wide.c{at}")).collect()
}

/// What is counted.
#[inline(never)]
fn counted(settings: &str, column: &ResultColumn) -> Plan {
    let mut policy: MaskContent = testing::policy(settings).expect("valid settings");
    let statement = StatementDouble::new("");
    policy.on_result(&statement.view(), std::slice::from_ref(column))
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_results_and_settings_do`"]
fn each_size() {
    for size in SIZES {
        let names = names(size);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let column = result_column("all", &names);
        let settings = format!("{{\"ignore_columns\": {names:?}}}");
        let plan = counted(&settings, &column);
        assert_eq!(
            plan,
            Plan::Columns(vec![gatewright_policy::ColumnAction::Pass])
        );
    }
}

#[test]
fn work_grows_as_results_and_settings_do() {
    work::check_growth(FUNCTION, "growth::each_size", &["ignored"], SIZES, MOST).expect("growth");
}
