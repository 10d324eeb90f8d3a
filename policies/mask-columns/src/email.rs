//! Masks e-mail addresses: the `email` method.

use gatewright_policy::PackedColumn;
use gatewright_policy::packed::Builder;

/// Tells the columns of this method from those that others may inspect.
pub const LABEL: &str = "email";
const HIDDEN: &[u8] = b"***";

/// Keeps the first character and the domain: `ada@example.com` becomes `a***@example.com`.
pub fn mask(column: &PackedColumn) -> PackedColumn {
    let mut masked = Builder::with_capacity(column.rows(), column.values.len());
    for cell in column.cells() {
        match cell {
            None => masked.push(None),
            Some(address) => {
                let (first, domain) = kept(address);
                masked.push_pieces(&[first, HIDDEN, domain]);
            }
        }
    }
    masked.finish()
}

/// The same as [`mask`] for one column, in SQL that means the same in every session, on PostgreSQL 13 and later. Regular expressions take
/// the server several times as long, and `reverse` as much as all the rest, so that addresses with one `@` do without.
pub fn sql() -> String {
    let value = "CAST(VALUE AS pg_catalog.text)";
    let (minus, more, and, unlike) = (
        "OPERATOR(pg_catalog.-)",
        "OPERATOR(pg_catalog.>)",
        "OPERATOR(pg_catalog.||)",
        "OPERATOR(pg_catalog.!~~)",
    );
    let first_at = format!("pg_catalog.strpos({value}, '@')");
    // Counted from the end; 0 without any.
    let last_at = format!("pg_catalog.strpos(pg_catalog.reverse({value}), '@')");
    let first = format!("pg_catalog.\"left\"({value}, 1)");
    let domain = format!("pg_catalog.split_part({value}, '@', 2)");
    // A first @ behind two characters settles that the local part has more than one.
    format!(
        "CASE WHEN {first_at} {more} 2 AND {value} {unlike} '%@%@%' THEN {first} {and} '***@' {and} {domain} \
         ELSE CASE WHEN {first_at} {more} 2 THEN {first} \
         WHEN {first_at} {more} 0 AND pg_catalog.char_length({value}) {minus} {last_at} {more} 1 THEN {first} \
         ELSE '' END {and} '***' {and} pg_catalog.\"right\"({value}, {last_at}) END"
    )
}

/// The visible parts of an address, before and after the mask. A local part of one character would be shown whole, and
/// a value without `@` is not an address: neither shows a local part.
fn kept(address: &[u8]) -> (&[u8], &[u8]) {
    let Some(at) = address.iter().rposition(|&byte| byte == b'@') else {
        return (b"", b"");
    };
    let (local, domain) = address.split_at(at);
    let length = local
        .iter()
        .skip(1)
        .position(|&byte| byte & 0xc0 != 0x80)
        .map(|more| more + 1);
    (
        length.map_or(b"".as_slice(), |length| &local[..length]),
        domain,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_and_the_domain_are_kept() {
        let addresses = [
            "ada@example.com",
            "a@example.com",
            "@example.com",
            "éva@x.org",
            "é@x.org",
            "none",
            "",
            "\"a@b\"@x.org",
        ];
        let column: PackedColumn = addresses.into_iter().map(Some).chain([None]).collect();
        let masked = mask(&column);
        let seen: Vec<Option<String>> = masked
            .texts()
            .map(|text| text.map(|text| text.into_owned()))
            .collect();
        let expected = [
            "a***@example.com",
            "***@example.com",
            "***@example.com",
            "é***@x.org",
            "***@x.org",
            "***",
            "***",
            "\"***@x.org",
        ];
        assert_eq!(seen[..8], expected.map(|text| Some(text.to_owned())));
        assert_eq!(seen[8], None);
    }
}
