//! The edited text of a text that differs from another only in constants is the one that editing it would give.

use std::sync::Arc;

use gatewright_contract::Edit;
use proptest::prelude::*;

use super::substitution::{catalog, redacted};
use crate::{
    EditContext, Facts, Settings, Substituted, Template, analyze, on_big_stack, substitute,
    template,
};

/// `?` stands for an integer, `!` for a number, `#` for a string.
const FORMS: [&str; 9] = [
    "SELECT upper(email) FROM customers WHERE email = # AND id = ?;",
    "SELECT * FROM customers WHERE email = # ",
    " SELECT email, # AS a, (?) FROM customers c WHERE c.email = #::text AND c.id IN (?, ?) ;",
    "SELECT count(*) FROM customers WHERE email = ? OR name > #",
    "SELECT * FROM (SELECT email FROM customers WHERE email = #) c, people WHERE people.mail = # AND upper < #",
    "INSERT INTO orders SELECT id, ? FROM customers WHERE email = # AND id < !",
    "SELECT (SELECT email FROM public.customers WHERE public.customers.id = ?), coalesce(name, #) FROM customers WHERE email = #",
    "SELECT p.mail FROM people p WHERE p.mail = # AND EXISTS (SELECT FROM hr.staff WHERE id = ?)",
    "DELETE FROM orders USING customers c WHERE c.id = customer_id AND c.email = #",
];

fn filled(form: &str, values: &[(i32, String)]) -> String {
    let mut values = values.iter().cycle();
    let mut text = String::new();
    for character in form.chars() {
        match (character, values.next()) {
            ('?', Some((number, _))) => text.push_str(&number.to_string()),
            ('!', Some((number, _))) => text.push_str(&format!("{number}.5")),
            ('#', Some((_, own))) => text.push_str(&format!("'{}'", own.replace('\'', "''"))),
            (other, _) => text.push(other),
        }
    }
    text
}

fn edited(text: &str, edits: &[Edit], template: Option<&Template>) -> Option<Substituted> {
    on_big_stack(|| {
        let catalog = catalog();
        let settings = Settings::default();
        let analysis = analyze(text, &catalog, &settings).expect(text);
        let context = EditContext {
            catalog: &catalog,
            path: None,
            settings: &settings,
            settle: &|_, text| Some(text.to_owned()),
        };
        substitute(text, &analysis, 0, edits, template, &context).expect(text)
    })
    .expect("editing does not panic")
}

fn facts(edited: &Substituted) -> Vec<Arc<Facts>> {
    let statements = edited.analysis.statements.iter();
    statements
        .map(|statement| Arc::clone(&statement.facts))
        .collect()
}

fn agrees(form: &str, one: &[(i32, String)], other: &[(i32, String)]) {
    let (one, other) = (filled(form, one), filled(form, other));
    let (of_one, of_other) = (template(&one), template(&other));
    let (Some(of_one), Some(of_other)) = (of_one, of_other) else {
        panic!("{one} has no template");
    };
    assert_eq!(of_one.key, of_other.key);
    for limit in [None, Some(Edit::CapLimit(7))] {
        let mut edits = redacted();
        let capped = limit.is_some() && !form.starts_with("SELECT");
        edits.extend(limit.filter(|_| !capped));
        let known = edited(&one, &edits, Some(&of_one)).expect("there is something to edit");
        if one.contains("gw") {
            assert_eq!(known.pattern, None, "{one} may name the inner table");
            continue;
        }
        let pattern = known.pattern.as_ref().expect("the edits are a pattern");
        let expected = edited(&other, &edits, None).expect("there is something to edit");
        assert_eq!(pattern.fill(&other, &of_other), Some(expected.text.clone()));
        assert_eq!(facts(&known), facts(&expected), "{other}");
    }
}

#[test]
fn constants_are_taken_over_wherever_the_edits_repeat_them() {
    let of = |number: i32, text: &str| vec![(number, text.to_owned())];
    for form in FORMS {
        agrees(form, &of(1, "a"), &of(22_222, "it's é \\ $1 ''"));
        agrees(form, &of(22_222, "\\"), &of(0, ""));
    }
}

#[test]
fn a_text_that_names_the_inner_table_has_no_pattern() {
    let text = "SELECT gw.email FROM customers AS gw WHERE gw.id = 1";
    let edited = edited(text, &redacted(), template(text).as_ref()).expect("it is edited");
    assert_eq!(edited.pattern, None);
    let constant = [(1, "gw".to_owned())];
    agrees(FORMS[0], &constant, &[(2, "a".to_owned())]);
    agrees(FORMS[0], &[(2, "a".to_owned())], &constant);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn edits_of_texts_alike_are_alike(
        form in prop::sample::select(FORMS.to_vec()),
        one in prop::collection::vec((0..i32::MAX, "[a-z'\\\\é\"*;-]{0,8}"), 4),
        other in prop::collection::vec((0..i32::MAX, "[a-z'\\\\é\"*;-]{0,8}"), 4),
    ) {
        agrees(form, &one, &other);
    }
}
