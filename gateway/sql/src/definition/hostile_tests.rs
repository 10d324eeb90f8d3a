//! Definitions that no server reports.

use super::fixture::FUNCTIONS;
use crate::{Catalog, RoleEffect, Settings, analyze, on_big_stack};

#[test]
fn a_function_without_a_body_is_not_read() {
    for definition in [
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql",
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql",
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql BEGIN ATOMIC SELECT 1; END",
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE sql",
    ] {
        let built = on_big_stack(|| {
            let mut catalog = Catalog::builder();
            catalog.defined_function(1, "public", "f", definition);
            let catalog = catalog.build();
            analyze("SELECT public.f()", &catalog, &Settings::default())
        });
        let analysis = built.expect("no panic").expect("valid");
        let opaque = &analysis.statements[0].facts.opaque;
        assert_eq!(opaque, &["function public.f has an unknown body"]);
    }
}

/// The name of a type can hide the body from a parser that reads the function written anew.
#[test]
fn a_function_whose_body_is_hidden_is_not_read() {
    let hidden = r#"pg_catalog."int) RETURNS void LANGUAGE plpgsql --""#;
    let text =
        format!("CREATE FUNCTION f(a {hidden}) RETURNS void LANGUAGE plpgsql AS 'BEGIN NULL; END'");
    let catalog = Catalog::builder().build();
    let analysis = on_big_stack(|| analyze(&text, &catalog, &Settings::default()));
    let analysis = analysis.expect("no panic").expect("valid");
    assert_eq!(analysis.statements[0].facts.role, RoleEffect::Unread);
}

/// Keywords that change what a body is, and fragments that leave it incomplete.
const PIECES: [&str; 24] = [
    "BEGIN",
    "END",
    "END;",
    "IF",
    "THEN",
    "ELSIF x THEN",
    "LOOP",
    "END LOOP;",
    "EXCEPTION WHEN others THEN",
    "DECLARE",
    "$$",
    ";",
    "x people%ROWTYPE;",
    "x people.id%TYPE;",
    "c CURSOR FOR SELECT 1;",
    "FOR r IN c LOOP",
    "OPEN c",
    "FETCH c INTO x;",
    "RAISE EXCEPTION '%', x;",
    "<<a>>",
    "EXIT a WHEN",
    "CASE x WHEN 1 THEN",
    "(",
    "RETURN QUERY EXECUTE 'x' USING 1;",
];

proptest::proptest! {
    #[test]
    fn a_mangled_definition_never_aborts_the_process(
        at in 0..FUNCTIONS.len(),
        edits in proptest::collection::vec((0.0..1.0f64, 0..20usize, proptest::sample::select(PIECES.to_vec())), 1..6),
    ) {
        let mut text = FUNCTIONS[at].1.to_owned();
        for (place, cut, piece) in edits {
            let place = (place * text.len() as f64) as usize;
            let start = (0..=place).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (start + cut).min(text.len());
            text.replace_range(start..end, &format!(" {piece} "));
        }
        let built = on_big_stack(|| {
            let mut catalog = Catalog::builder();
            catalog.defined_function(1, "public", "mangled", &text);
            catalog.build()
        });
        proptest::prop_assert!(built.is_some(), "{}", text);
    }
}
