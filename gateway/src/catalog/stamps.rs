//! Stamps of the objects of a database: from how many rows of the system catalogs an object is made, and a hash of the transactions that
//! wrote them. If the stamps of all objects are as before, so is everything that the catalog queries return.
//!
//! A row that is written has the id of another transaction than before, and a row that is removed is missing in the count. The ids are
//! hashed before they are added: a transaction that began between two others, and wrote both of their rows again, can give the same sum
//! of ids. For pg_class, whose rows are written for other reasons, too, such as TRUNCATE, it is a hash of what is read.

use std::collections::{BTreeMap, BTreeSet};

use super::queries;
use super::rows::{Row, number, text};
use crate::upstream::UpstreamError;
use crate::upstream::service::Service;

/// OIDs below this are assigned by PostgreSQL itself (`FirstNormalObjectId`).
pub(super) const FIRST_OWN_OID: u32 = 16_384;

/// How many relations share a group. A change costs the stamps of one group, and a check one statement for each.
const GROUP: usize = 256;

/// The stamp of an object, or of several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Over the row of pg_class.
    hash: i128,
    rows: i128,
    /// Over the transactions that wrote the rows.
    written: i128,
}

/// The stamps of objects by OID, or of groups of them by number.
pub(super) type Stamps = BTreeMap<u32, Stamp>;

/// Which objects have a stamp in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grouping {
    /// Bits of the OID that are the same within a group, from the right.
    bits: u32,
}

/// Of what the stamps are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Relations as pg_class has them: their names, kinds and schemas.
    Names,
    /// Relations with everything that is theirs.
    Relations,
    /// Functions.
    Functions,
}

/// What belongs to a relation: the system catalog, its column with the relation, and a condition.
const PARTS: [(&str, &str, &str); 10] = [
    ("pg_attribute", "attrelid", "c.attnum > 0"),
    ("pg_attrdef", "adrelid", "true"),
    ("pg_constraint", "conrelid", "true"),
    ("pg_index", "indrelid", "true"),
    ("pg_inherits", "inhrelid", "true"),
    ("pg_rewrite", "ev_class", "true"),
    ("pg_trigger", "tgrelid", "true"),
    ("pg_policy", "polrelid", "true"),
    ("pg_partitioned_table", "partrelid", "true"),
    ("pg_statistic_ext", "stxrelid", "true"),
];

const FUNCTION_PARTS: [(&str, &str, &str); 2] = [
    ("pg_proc", "oid", "true"),
    ("pg_aggregate", "aggfnoid::pg_catalog.oid", "true"),
];

/// What is neither part of a relation nor of a function of one's own.
const OTHERS: [(&str, &str); 21] = [
    (
        "pg_proc",
        "c.oid < 16384 OR c.pronamespace = 'pg_catalog'::pg_catalog.regnamespace",
    ),
    ("pg_type", "c.typrelid = 0 AND c.typcategory <> 'A'"),
    ("pg_range", "true"),
    ("pg_operator", "true"),
    ("pg_cast", "true"),
    (
        "pg_namespace",
        "c.nspname NOT LIKE 'pg!_%temp!_%' ESCAPE '!'",
    ),
    ("pg_collation", "true"),
    ("pg_extension", "true"),
    (
        "pg_depend",
        "c.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass",
    ),
    ("pg_language", "true"),
    ("pg_auth_members", "true"),
    ("pg_event_trigger", "true"),
    ("pg_constraint", "c.contypid <> 0"),
    ("pg_attribute", "c.attnum > 0 AND c.attrelid < 16384"),
    ("pg_attrdef", "c.adrelid < 16384"),
    ("pg_index", "c.indrelid < 16384"),
    ("pg_inherits", "c.inhrelid < 16384"),
    ("pg_rewrite", "c.ev_class < 16384"),
    ("pg_trigger", "c.tgrelid < 16384"),
    ("pg_policy", "c.polrelid < 16384"),
    ("pg_statistic_ext", "c.stxrelid < 16384"),
];

/// A hash of the transaction that wrote a row. `age` is cheaper than reading the id's text, and the age of any fixed id grows as fast.
/// The ids that PostgreSQL uses for itself have no age.
const WRITTEN_BY: &str = "pg_catalog.hashint8extended(CASE WHEN pg_catalog.age(c.xmin) = 2147483647 THEN 0 \
     ELSE pg_catalog.age('3'::pg_catalog.xid)::pg_catalog.int8 - pg_catalog.age(c.xmin) END, 0)";

/// A hash of what is read of roles.
pub(super) const ROLES: &str = "SELECT pg_catalog.sum(pg_catalog.hashtextextended(rolname || rolsuper::pg_catalog.text \
     || rolcreaterole::pg_catalog.text, 0)) FROM pg_catalog.pg_roles";

/// What is read of pg_class.
const NAMES: &str = "pg_catalog.hashtextextended(c.relname || c.relkind::pg_catalog.text || c.relnamespace::pg_catalog.text \
     || c.relrowsecurity::pg_catalog.text || c.relpersistence::pg_catalog.text || c.reltype::pg_catalog.text, c.oid::pg_catalog.int8)";

/// Composite types, too: they can contain values of domains.
const KINDS: &str = "c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')";

impl Stamp {
    /// Whether it is, or contains, a relation that the catalog has or a composite type: not only indexes and TOAST tables.
    pub fn is_relation(&self) -> bool {
        self.hash != 0
    }
}

impl Grouping {
    /// So that groups have [`GROUP`] objects on the average.
    pub fn of(oids: impl Iterator<Item = u32>) -> Self {
        let oids: Vec<u32> = oids.collect();
        let most = 1 + oids.len() / GROUP;
        let groups = |bits: u32| {
            oids.iter()
                .map(|oid| oid >> bits)
                .collect::<BTreeSet<u32>>()
        };
        let bits = (9..31).find(|bits| groups(*bits).len() <= most);
        Grouping {
            bits: bits.unwrap_or(31),
        }
    }

    pub fn group(self, oid: u32) -> u32 {
        oid >> self.bits
    }

    fn contains(self, groups: &BTreeSet<u32>) -> impl Fn(&str) -> String {
        let ranges: Vec<(u64, u64)> = groups
            .iter()
            .map(|group| {
                let first = u64::from(*group) << self.bits;
                (first, first + (1 << self.bits) - 1)
            })
            .collect();
        move |column| {
            let ranges: Vec<String> = ranges
                .iter()
                .map(|(first, last)| format!("{column} BETWEEN {first} AND {last}"))
                .collect();
            match ranges.is_empty() {
                true => "false".to_owned(),
                false => format!("({})", ranges.join(" OR ")),
            }
        }
    }

    /// The stamps of groups.
    pub fn sum(self, stamps: &Stamps) -> Stamps {
        let mut groups = Stamps::new();
        for (oid, stamp) in stamps {
            let sum = groups.entry(self.group(*oid)).or_default();
            sum.hash += stamp.hash;
            sum.rows += stamp.rows;
            sum.written += stamp.written;
        }
        groups
    }

    /// Asks for the stamps of all groups.
    pub fn groups(self, of: Of) -> String {
        let key = |column: &str| format!("{column}::pg_catalog.int8 >> {}", self.bits);
        queries::limited(&template(of, key), |_| "true".to_owned())
    }

    /// Asks for the stamps of the objects in these groups, or of all.
    pub fn objects(self, of: Of, groups: Option<&BTreeSet<u32>>) -> String {
        let template = template(of, |column| format!("{column}::pg_catalog.int8"));
        match groups {
            Some(groups) => queries::limited(&template, self.contains(groups)),
            None => queries::limited(&template, |_| "true".to_owned()),
        }
    }
}

/// Key, whether it is a temporary relation, hash, number of rows, and the hashes of who wrote them.
fn template(of: Of, key: impl Fn(&str) -> String) -> String {
    let part = |(catalog, column, condition): &(&str, &str, &str)| {
        let column = format!("c.{column}");
        let key = key(&column);
        format!(
            "SELECT {key} AS k, false AS temporary, 0 AS hash, pg_catalog.count(*) AS n, pg_catalog.sum({WRITTEN_BY}) AS written \
             FROM pg_catalog.{catalog} c WHERE {condition} AND {column} >= {FIRST_OWN_OID} AND $OF({column}) GROUP BY 1"
        )
    };
    let names = format!(
        "SELECT {} AS k, pg_catalog.bool_or(c.relpersistence = 't') AS temporary, pg_catalog.sum({NAMES}) AS hash, 0 AS n, 0 AS written \
         FROM pg_catalog.pg_class c WHERE {KINDS} AND c.oid >= {FIRST_OWN_OID} AND $OF(c.oid) GROUP BY 1",
        key("c.oid")
    );
    let parts: Vec<String> = match of {
        Of::Names => vec![names],
        Of::Relations => std::iter::once(names)
            .chain(PARTS.iter().map(part))
            .collect(),
        Of::Functions => FUNCTION_PARTS.iter().map(part).collect(),
    };
    format!(
        "SELECT s.k, pg_catalog.bool_or(s.temporary), pg_catalog.sum(s.hash), pg_catalog.sum(s.n), pg_catalog.sum(s.written) \
         FROM ({}) s GROUP BY 1",
        parts.join(" UNION ALL ")
    )
}

/// The stamps that a question asks for, and which of the objects are temporary relations.
pub(super) async fn ask(
    service: &mut Service,
    question: &str,
) -> Result<(Stamps, BTreeSet<u32>), UpstreamError> {
    let rows = service.query(question).await?;
    // The questions are this module's own.
    stamps(&rows).ok_or(UpstreamError::Unexpected { tag: b'D' })
}

/// The stamps in an answer to [`Grouping::groups`] or [`Grouping::objects`], and which of the objects are temporary relations.
fn stamps(rows: &[Row]) -> Option<(Stamps, BTreeSet<u32>)> {
    let (mut stamps, mut temporary) = (Stamps::new(), BTreeSet::new());
    for row in rows {
        let key = number(row, 0)?;
        let stamp = Stamp {
            hash: number(row, 2)?,
            rows: number(row, 3)?,
            written: number(row, 4)?,
        };
        stamps.insert(key, stamp);
        if text(row, 1) == Some("t") {
            temporary.insert(key);
        }
    }
    Some((stamps, temporary))
}

/// The keys whose stamps are not the same in both.
pub(super) fn unlike(stamps: &Stamps, others: &Stamps) -> BTreeSet<u32> {
    let unlike = |(key, stamp): &(&u32, &Stamp)| others.get(key) != Some(stamp);
    let gone = others.keys().filter(|key| !stamps.contains_key(key));
    let keys = stamps.iter().filter(unlike).map(|(key, _)| key);
    keys.chain(gone).copied().collect()
}

/// The stamps as far as they are of names only.
pub(super) fn names(stamps: &Stamps) -> Stamps {
    let named = stamps.iter().filter(|(_, stamp)| stamp.is_relation());
    named
        .map(|(key, stamp)| {
            let hash = stamp.hash;
            let stamp = Stamp {
                hash,
                ..Stamp::default()
            };
            (*key, stamp)
        })
        .collect()
}

/// Asks for the stamps of everything else.
pub(super) fn others() -> String {
    let mut parts: Vec<String> = OTHERS
        .iter()
        .map(|(catalog, condition)| written(catalog, condition))
        .collect();
    parts.push(format!(
        "(SELECT ROW(pg_catalog.count(*), pg_catalog.sum({NAMES})) FROM pg_catalog.pg_class c WHERE {KINDS} AND c.oid < {FIRST_OWN_OID})"
    ));
    parts.push(format!("({ROLES})"));
    format!("SELECT {}", parts.join(", "))
}

/// An expression for the number of these rows, and for who wrote them.
pub(super) fn written(catalog: &str, condition: &str) -> String {
    format!(
        "(SELECT ROW(pg_catalog.count(*), pg_catalog.sum({WRITTEN_BY})) FROM pg_catalog.{catalog} c WHERE {condition})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_a_few_hundred_objects_however_sparse_their_oids_are() {
        for step in [1_u32, 7, 1000, 100_000] {
            let oids = || (0..20_000_u32).map(move |at| 16_384 + at.wrapping_mul(step));
            let grouping = Grouping::of(oids());
            let groups: BTreeSet<u32> = oids().map(|oid| grouping.group(oid)).collect();
            assert!(
                (10..=80).contains(&groups.len()),
                "{step}: {}",
                groups.len()
            );
        }
        assert_eq!(Grouping::of(std::iter::empty()).group(20_000), 39);
    }

    #[test]
    fn what_is_added_removed_or_other_is_unlike() {
        let stamp = |rows| Stamp {
            rows,
            ..Stamp::default()
        };
        let before = Stamps::from([(1, stamp(1)), (2, stamp(2)), (3, stamp(3))]);
        let after = Stamps::from([(1, stamp(1)), (3, stamp(4)), (4, stamp(1))]);
        assert_eq!(unlike(&after, &before), BTreeSet::from([2, 3, 4]));
        assert!(unlike(&before, &before).is_empty());
    }
}
