//! Properties of every text.

use proptest::prelude::*;

use super::{all, lineage};
use crate::{Facts, RoleEffect, SessionEffect, Settings, analyze, on_big_stack, template};

const SEEDS: &[&str] = &[
    "SELECT a.id, count(*) OVER w FROM s.t a JOIN LATERAL (SELECT 1) b ON true WHERE x = $1 WINDOW w AS (ORDER BY y)",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) INSERT INTO t (a, b[1]) SELECT * FROM x ON CONFLICT (a) DO UPDATE SET (a, b) = (SELECT 1, 2) RETURNING *, old.a",
    "MERGE INTO t USING ONLY u ON t.a = u.b WHEN NOT MATCHED THEN INSERT (a) VALUES (1) WHEN MATCHED THEN DELETE RETURNING merge_action()",
    "COPY (DELETE FROM t RETURNING a) TO STDOUT WITH (FORMAT csv, DELIMITER ';', FORCE_QUOTE *)",
    "CREATE TABLE s.n (a int REFERENCES u (b) CHECK (a > f(1)), LIKE v) PARTITION BY RANGE (lower(c))",
    "EXPLAIN (ANALYZE, COSTS off) EXECUTE p(1, (SELECT ssn FROM customers))",
    "GRANT SELECT (a), UPDATE ON TABLE s.t TO PUBLIC; SET LOCAL search_path = 'a', b; DECLARE c CURSOR WITH HOLD FOR TABLE t",
    "SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (a int PATH '$.a')) j, ROWS FROM (f(1), g(2)) r, XMLTABLE('/a' PASSING x COLUMNS b text)",
    "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u; CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM u",
];

fn words() -> Vec<&'static str> {
    SEEDS
        .iter()
        .flat_map(|seed| seed.split_inclusive([' ', '(', ')', ',']))
        .collect()
}

fn check(text: &str) -> Result<(), TestCaseError> {
    if let Ok(analysis) = all(text) {
        for statement in &analysis.statements {
            prop_assert!(text.get(statement.span.clone()).is_some());
            for column in &statement.facts.columns {
                prop_assert!(
                    column
                        .table
                        .is_none_or(|at| at < statement.facts.tables.len())
                );
            }
            prop_assert!(!statement.facts.commands.is_empty(), "{}", text);
            crate::render::text(&statement.facts);
            statement.normalized(text);
            statement.comment_tag(text, "key");
            statement.ast_json(text);
        }
    }
    Ok(())
}

/// Places where the grammar allows a constant; `#` stands for one.
const DISTINCT: &[&str] = &[
    "",
    "DISTINCT ",
    "DISTINCT ON (#) ",
    "DISTINCT ON (name, #) ",
    "ALL ",
];
const TARGETS: &[&str] = &[
    "id",
    "email",
    "#",
    "name = #",
    "id::float(#)",
    "id::numeric(#, #)",
    "name::varchar(#)",
    "id::bit(#)",
    "f(#, #)",
    "f(a => #)",
    "substring(name from # for #)",
    "extract(year from now()) = #",
    "interval(#) '1'",
    "time(#) '1:00'",
    "(ARRAY[#, #])[#]",
    "count(*) OVER (PARTITION BY # ROWS # PRECEDING)",
    "percentile_cont(#) WITHIN GROUP (ORDER BY id)",
    "coalesce(email, #)",
    "CASE WHEN id = # THEN email ELSE # END",
    "count(DISTINCT #)",
    "max(email) FILTER (WHERE id > #)",
    "position(# in name)",
];
const SOURCES: &[&str] = &[
    "customers",
    "customers TABLESAMPLE bernoulli (#) REPEATABLE (#)",
    "customers, generate_series(#, #) AS g",
    "customers JOIN orders ON customer_id = #",
    "(VALUES (#), (#)) AS v (id)",
    "(SELECT * FROM customers WHERE id = #) AS c",
];
const TAILS: &[&str] = &[
    "",
    "WHERE id = #",
    "WHERE id IN (#, #)",
    "WHERE (id, name) = (#, #)",
    "WHERE name LIKE #",
    "GROUP BY #",
    "ORDER BY #",
    "LIMIT #",
    "HAVING count(*) > #",
    "UNION SELECT #, #",
    "WHERE id = (SELECT #)",
    "WINDOW w AS (ORDER BY #)",
    "FETCH FIRST # ROWS ONLY",
    "GROUP BY GROUPING SETS ((#))",
];

/// The facts of a text that may share them with texts that differ in constants.
fn shared(text: &str) -> Option<Facts> {
    let catalog = lineage::catalog();
    let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()))?.ok()?;
    let facts = (*analysis.statements.first()?.facts).clone();
    let may = facts.session == SessionEffect::None
        && facts.limit.is_none()
        && facts.opaque.is_empty()
        && facts.role == RoleEffect::Kept;
    may.then_some(facts)
}

fn filled(shape: &str, constants: &[u8]) -> String {
    let mut constants = constants.iter().cycle();
    let parts = shape.split('#').map(str::to_owned);
    parts
        .reduce(|text, part| format!("{text}{}{part}", constants.next().unwrap_or(&1)))
        .unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn texts_with_one_template_have_the_same_facts(
        distinct in prop::sample::select(DISTINCT),
        targets in prop::collection::vec(prop::sample::select(TARGETS), 1..4),
        source in prop::sample::select(SOURCES),
        tail in prop::sample::select(TAILS),
        one in prop::collection::vec(1..60_u8, 8),
        other in prop::collection::vec(1..60_u8, 8),
    ) {
        let shape = format!("SELECT {distinct}{} FROM {source} {tail}", targets.join(", "));
        let (one, other) = (filled(&shape, &one), filled(&shape, &other));
        let keys = [template(&one), template(&other)].map(|found| found.map(|found| found.key));
        if let [Some(left), Some(right)] = keys && left == right
            && let (Some(left), Some(right)) = (shared(&one), shared(&other))
        {
            prop_assert_eq!(left, right, "{} | {}", one, other);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_analysed_or_rejected(text in ".{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_mutation_is_analysed_or_rejected(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3u8), 1..4),
    ) {
        let pool = words();
        let mut tokens: Vec<&str> = SEEDS[seed].split_inclusive([' ', '(', ')', ',']).collect();
        for (at, word, how) in edits {
            let at = at.index(tokens.len());
            let word = pool[word.index(pool.len())];
            match how {
                0 => tokens[at] = word,
                1 => tokens.insert(at, word),
                _ if tokens.len() > 1 => drop(tokens.remove(at)),
                _ => {}
            }
        }
        check(&tokens.concat())?;
    }
}

#[test]
fn seeds_are_valid() {
    for seed in SEEDS {
        assert!(all(seed).is_ok(), "{seed}: {:?}", all(seed));
    }
}
