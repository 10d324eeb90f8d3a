//! The cost of facts for a text that no cache holds.

use gatewright_sql::{Catalog, STACK_BYTES, Settings, analyze};

const PGBENCH: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;";

const MARKET_SHARE: &str = "SELECT o_year, sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / sum(volume) AS mkt_share \
    FROM (SELECT extract(year FROM o_orderdate) AS o_year, l_extendedprice * (1 - l_discount) AS volume, n2.n_name AS nation \
          FROM part, supplier, lineitem, orders, customer, nation n1, nation n2, region \
          WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey AND l_orderkey = o_orderkey AND o_custkey = c_custkey \
            AND c_nationkey = n1.n_nationkey AND n1.n_regionkey = r_regionkey AND r_name = 'AMERICA' \
            AND s_nationkey = n2.n_nationkey AND o_orderdate BETWEEN date '1995-01-01' AND date '1996-12-31' \
            AND p_type = 'ECONOMY ANODIZED STEEL') AS all_nations \
    GROUP BY o_year ORDER BY o_year";

fn main() {
    // The analysis runs on such a thread in the gateway, too.
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(divan::main);
    if let Err(panic) = thread.map(std::thread::JoinHandle::join) {
        panic!("{panic}");
    }
}

#[divan::bench(args = [PGBENCH, MARKET_SHARE])]
fn uncached(bencher: divan::Bencher, text: &str) {
    let (catalog, settings) = (Catalog::default(), Settings::default());
    bencher.bench_local(|| analyze(divan::black_box(text), &catalog, &settings));
}

#[divan::bench]
fn ast_json(bencher: divan::Bencher) {
    let settings = Settings::default();
    let analysis = analyze(PGBENCH, &Catalog::default(), &settings);
    bencher.bench_local(|| {
        let statements = analysis.as_ref().map(|analysis| &analysis.statements);
        statements.map(|statements| statements[0].ast_json(divan::black_box(PGBENCH)))
    });
}
