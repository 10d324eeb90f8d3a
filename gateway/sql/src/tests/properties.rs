//! Properties of every text.

use proptest::prelude::*;

use super::all;

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
