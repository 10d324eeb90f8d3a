//! The cost of analysing a statement that is not cached.

use gatewright_sql::{Catalog, RelationKind, STACK_BYTES, Settings, analyze};

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
    // The gateway also analyses on a thread with this stack.
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

/// The tables that the statements name, among two thousand others.
fn filled() -> Catalog {
    const TABLES: [(&str, &str); 8] = [
        ("pgbench_accounts", "aid bid abalance filler"),
        (
            "part",
            "p_partkey p_name p_mfgr p_brand p_type p_size p_container p_retailprice p_comment",
        ),
        (
            "supplier",
            "s_suppkey s_name s_address s_nationkey s_phone s_acctbal s_comment",
        ),
        (
            "lineitem",
            "l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax l_returnflag l_linestatus l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment",
        ),
        (
            "orders",
            "o_orderkey o_custkey o_orderstatus o_totalprice o_orderdate o_orderpriority o_clerk o_shippriority o_comment",
        ),
        (
            "customer",
            "c_custkey c_name c_address c_nationkey c_phone c_acctbal c_mktsegment c_comment",
        ),
        ("nation", "n_nationkey n_name n_regionkey n_comment"),
        ("region", "r_regionkey r_name r_comment"),
    ];
    let mut catalog = Catalog::builder();
    let others = (0..2000).map(|at| {
        (
            format!("other_{at}"),
            "id name created_at updated_at owner".to_owned(),
        )
    });
    let named = TABLES.map(|(name, columns)| (name.to_owned(), columns.to_owned()));
    for (oid, (name, columns)) in (1..).zip(others.chain(named)) {
        catalog.relation(oid, "public", &name, RelationKind::Table);
        for (at, column) in (1..).zip(columns.split(' ')) {
            catalog.column(oid, at, column, 25);
        }
        if oid % 10 == 0 {
            let view = 100_000 + oid;
            catalog
                .relation(view, "public", &format!("view_{oid}"), RelationKind::View)
                .column(view, 1, "name", 25)
                .depends(view, oid, 2)
                .defined_view(view, &format!("SELECT {name}.name FROM public.{name}"));
        }
    }
    for name in ["sum", "count", "date"] {
        catalog.built_in(name);
    }
    catalog.build()
}

#[divan::bench(args = [PGBENCH, MARKET_SHARE])]
fn uncached_with_a_catalog(bencher: divan::Bencher, text: &str) {
    let (catalog, settings) = (filled(), Settings::default());
    bencher.bench_local(|| analyze(divan::black_box(text), &catalog, &settings));
}

#[divan::bench]
fn catalog_of_two_thousand_tables(bencher: divan::Bencher) {
    bencher.bench_local(filled);
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
