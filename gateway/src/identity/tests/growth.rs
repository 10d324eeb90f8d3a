//! What grants give an identity takes work that grows as they do. Work is counted in instructions.

use gatewright_harness::work;

use super::grants::{ada, database, rule};
use crate::identity::{Grants, Identity};

const SIZES: [usize; 3] = [50, 200, 800];

/// How much more the work may grow than the grants, from the second size to the third. A square would be four.
const MOST: f64 = 1.5;

const FUNCTION: &str = "gatewright::identity::tests::growth::counted";

/// As many databases, with a grant for each to a group of its own, and an identity in all of them.
fn example(size: usize) -> (Grants, Identity) {
    let names =
        |prefix: &str| -> Vec<String> { (0..size).map(|at| format!("{prefix}{at}")).collect() };
    let (databases, groups) = (names("shop"), names("team"));
    let rules = databases.iter().zip(&groups);
    let rules = rules.map(|(database, group)| rule(&[group], &[database], "reader"));
    let grants = Grants::new(
        databases.iter().map(|name| database(name)).collect(),
        rules.collect(),
    );
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    (grants, ada(&groups))
}

/// What is counted. The error names all that is granted.
#[inline(never)]
fn counted(grants: &Grants, identity: &Identity) {
    assert!(grants.resolve(identity, "shop0").is_ok());
    assert!(grants.resolve(identity, "other").is_err());
    assert!(grants.place(identity, "other").is_none());
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_grants_do`"]
fn each_size() {
    for size in SIZES {
        let (grants, identity) = example(size);
        counted(&grants, &identity);
    }
}

#[test]
fn work_grows_as_grants_do() {
    let counts = work::of_calls(FUNCTION, "identity::tests::growth::each_size").expect("counts");
    let sizes = SIZES.map(|size| size as f64);
    let growth = work::growth(&counts, sizes).expect("three counts");
    assert!(growth <= MOST, "{growth:.2}: {counts:?}");
}
