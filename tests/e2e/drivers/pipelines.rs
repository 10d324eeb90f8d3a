//! psql 18's commands for the extended protocol, directly and through the gateway.

use anyhow::Result;
use gatewright_harness::{Psql, Version};

use crate::differential::{assert_same, both};

const SCRIPT: &str = r"
CREATE TABLE p (n int PRIMARY KEY);
SELECT $1::int + $2 \bind 1 2 \g
SELECT $1::text \parse named
\bind_named named x \g
\bind_named named y \g
\close_prepared named
\bind_named named z \g
\startpipeline
INSERT INTO p VALUES ($1) \bind 1 \sendpipeline
INSERT INTO p VALUES ($1) \bind 2 \sendpipeline
SELECT count(*) FROM p \bind \sendpipeline
\flushrequest
\getresults
SELECT 'after a flush' \bind \sendpipeline
\syncpipeline
INSERT INTO p VALUES (1) \bind \sendpipeline
SELECT 'skipped' \bind \sendpipeline
\syncpipeline
SELECT n FROM p ORDER BY n \bind \sendpipeline
\endpipeline
\startpipeline
COPY p FROM STDIN \bind \sendpipeline
\endpipeline
SELECT count(*) FROM p;
\set FETCH_COUNT 2
SELECT i FROM generate_series(1, 7) AS i;
\gdesc
SELECT 1 AS a, 'x' AS b \gdesc
\echo end of the script
";

on_each_version!(psql_18_pipelines_see_no_difference);

fn psql_18_pipelines_see_no_difference(version: Version) -> Result<()> {
    let (direct, through) = both(version, "psql_pipelines", |dsn| {
        let output = Psql::new(dsn)?.version(Version::Eighteen)?.script(SCRIPT)?;
        Ok(format!(
            "{}\n{}\n{:?}",
            output.stdout, output.stderr, output.code
        ))
    })?;
    assert!(
        direct.contains("after a flush") && direct.contains("p_pkey"),
        "{direct}"
    );
    assert_same(&direct, &through);
    Ok(())
}
