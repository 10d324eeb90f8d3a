//! The binary form and the text of each type, compared with the server's.

use super::super::shape::Format;
use super::super::types::{Kind, text_of};
use super::literals::{CANDIDATES, LITERALS, REPLACED};
use super::{Raw, Server};

/// The server's text and binary form of an expression.
fn forms(server: &Server, expression: &str) -> (u32, Vec<u8>, String) {
    let query = format!("SELECT v, format('%s', v) FROM (SELECT {expression} AS v) s");
    let row = server
        .runtime
        .block_on(server.client.query_one(&query, &[]))
        .unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let oid = row.columns()[0].type_().oid();
    (oid, row.get::<_, Raw>(0).0, row.get(1))
}

/// The differences from the server for one expression.
fn differences(server: &Server, expression: &str) -> Vec<String> {
    let (oid, binary, text) = forms(server, expression);
    let mut differences = Vec::new();
    let ours = text_of(oid, Format::Binary, &binary);
    if ours.as_deref() != Some(text.as_str()) {
        differences.push(format!("{expression} reads {ours:?}, not {text:?}"));
    }
    let mut encoded = Vec::new();
    let legal = Kind::of(oid).encode(&text, &mut encoded);
    // xml cannot be replaced. Infinite numerics carry a meaningless scale.
    let comparable = oid != XML && !(oid == NUMERIC && text.contains("Infinity"));
    if comparable && (!legal || encoded != binary) {
        differences.push(format!("{expression} encodes {encoded:?}, not {binary:?}"));
    }
    differences
}

const XML: u32 = 142;
const NUMERIC: u32 = 1700;

#[test]
fn values_of_every_type_read_and_encode_as_on_the_server() {
    let server = Server::start();
    let expressions = LITERALS.iter().flat_map(|(name, literals)| {
        literals
            .iter()
            .map(move |literal| format!("'{literal}'::{name}"))
    });
    let differences: Vec<String> = expressions
        .flat_map(|expression| differences(&server, &expression))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    floats(&server);
    replacements(&server);
}

/// Numbers whose shortest decimal implementations disagree on: powers of two and ten, and their neighbours.
fn floats(server: &Server) {
    let mut bits = vec![
        0,
        1,
        1 << 63,
        f64::MAX.to_bits(),
        f64::MIN_POSITIVE.to_bits(),
        f64::INFINITY.to_bits(),
        f64::NAN.to_bits(),
    ];
    for exponent in (-320..309).step_by(7).chain(-25..25) {
        let value: f64 = format!("1e{exponent}").parse().expect("a number");
        bits.extend([
            value.to_bits(),
            value.to_bits().wrapping_add(1),
            value.to_bits().saturating_sub(1),
        ]);
    }
    bits.extend((0..2046u64).step_by(5).map(|exponent| exponent << 52));
    let mut state = 88_172_645_463_325_252u64;
    for _ in 0..2000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bits.push(state);
    }
    let doubles: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).collect();
    let singles: Vec<f32> = bits
        .iter()
        .map(|bits| f32::from_bits((*bits >> 32) as u32))
        .chain((0..255).map(|exponent| f32::from_bits(exponent << 23)))
        .collect();
    let printed = |sql: &str, numbers: &(dyn tokio_postgres::types::ToSql + Sync)| -> Vec<String> {
        server
            .runtime
            .block_on(server.client.query_one(sql, &[numbers]))
            .expect("texts")
            .get(0)
    };
    let texts = printed("SELECT $1::float8[]::text[]", &doubles);
    let ours = doubles
        .iter()
        .map(|value| text_of(701, Format::Binary, &value.to_be_bytes()));
    let mut differences: Vec<_> = ours
        .zip(texts.into_iter().map(Some))
        .filter(|(ours, theirs)| ours != theirs)
        .collect();
    let texts = printed("SELECT $1::float4[]::text[]", &singles);
    let ours = singles
        .iter()
        .map(|value| text_of(700, Format::Binary, &value.to_be_bytes()));
    differences.extend(
        ours.zip(texts.into_iter().map(Some))
            .filter(|(ours, theirs)| ours != theirs),
    );
    assert!(
        differences.is_empty(),
        "{} numbers: {:#?}",
        differences.len(),
        &differences[..differences.len().min(20)]
    );
}

/// The server accepts the replacements that the gateway accepts, with the same meaning, and rejects those it rejects.
fn replacements(server: &Server) {
    let mut accepted = 0;
    let mut wrong = Vec::new();
    for name in REPLACED {
        let oid = server
            .runtime
            .block_on(
                server
                    .client
                    .query_one(&format!("SELECT '{name}'::regtype::oid"), &[]),
            )
            .expect("an OID")
            .get(0);
        for candidate in CANDIDATES {
            let mut encoded = Vec::new();
            // Infinite intervals exist since PostgreSQL 17.
            let too_new = *name == "interval" && *candidate == "infinity";
            if too_new || !Kind::of(oid).encode(candidate, &mut encoded) {
                continue;
            }
            accepted += 1;
            let sql = format!("SELECT ($1::text::{name})::text, ($2::{name})::text");
            let row = server
                .runtime
                .block_on(server.client.query_one(&sql, &[&candidate, &Raw(encoded)]));
            match row {
                Err(error) => wrong.push(format!(
                    "{candidate:?} as {name}: the server says {error:?}"
                )),
                Ok(row) if row.get::<_, String>(0) != row.get::<_, String>(1) => {
                    wrong.push(format!(
                        "{candidate:?} as {name}: {:?}, not {:?}",
                        row.get::<_, String>(1),
                        row.get::<_, String>(0)
                    ));
                }
                Ok(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(accepted > 100, "only {accepted} candidates were accepted");
}
