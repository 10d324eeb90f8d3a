//! Types without a server: properties of every input.

use proptest::prelude::*;

use super::*;

/// Every OID that the gateway supports, including arrays.
fn known() -> Vec<u32> {
    (1..4000)
        .filter(|oid| Kind::of(*oid) != Kind::Other)
        .collect()
}

fn read(oid: u32, value: &[u8]) -> Option<String> {
    text_of(oid, Format::Binary, value)
}

fn encode(oid: u32, text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Kind::of(oid).encode(text, &mut out).then_some(out)
}

#[test]
fn unknown_types_are_readable_only_as_text() {
    for (oid, binary) in [
        (25, true),
        (1009, true),
        (790, false),
        (791, false),
        (99_999, false),
        (0, false),
    ] {
        assert!(readable(oid, Format::Text), "{oid}");
        assert_eq!(readable(oid, Format::Binary), binary, "{oid}");
    }
}

#[test]
fn replacements_of_unknown_types_are_rejected() {
    for oid in [99_999, 790, 142, 3904] {
        assert!(!Kind::of(oid).settle("1", &mut Vec::new()), "{oid}");
    }
}

#[test]
fn booleans_settle_to_the_spelling_of_the_server() {
    let mut out = Vec::new();
    assert!(Kind::of(16).settle("TRUE", &mut out) && Kind::of(16).settle("off", &mut out));
    assert_eq!(out, b"tf");
}

#[test]
fn text_accepts_everything_but_nul() {
    assert!(Kind::of(25).settle("ä\u{1}", &mut Vec::new()));
    assert!(!Kind::of(25).settle("a\0b", &mut Vec::new()));
}

#[test]
fn text_is_truncated_or_padded_to_the_length_of_its_column() {
    let settled = |oid, modifier, text: &str| {
        let mut out = Vec::new();
        let kind = Kind::of_column(oid, modifier);
        assert!(kind.is_text() && kind.settle(text, &mut out));
        String::from_utf8(out).unwrap()
    };
    for (oid, modifier, text, expected) in [
        (1043, 9, "[masked]", "[mask"),
        (1043, 9, "ab", "ab"),
        (1043, 7, "äöüß", "äöü"),
        (1043, -1, "[masked]", "[masked]"),
        (1042, 9, "[masked]", "[mask"),
        (1042, 9, "ä", "ä    "),
        (1042, 5, "", " "),
        (1042, -1, "a", "a"),
        (25, 9, "[masked]", "[masked]"),
    ] {
        assert_eq!(settled(oid, modifier, text), expected, "{oid} {modifier}");
    }
    assert!(!Kind::of_column(1043, 9).settle("a\0", &mut Vec::new()));
}

#[test]
fn arrays_with_a_wrong_length_are_rejected_early() {
    let mut value = Vec::new();
    for word in [
        6u32, 0, 23, 100_000, 1, 100_000, 1, 100_000, 1, 100_000, 1, 100_000, 1, 100_000, 1, 4, 7,
    ] {
        value.extend_from_slice(&word.to_be_bytes());
    }
    assert_eq!(read(1007, &value), None);
}

#[test]
fn deep_values_do_not_exhaust_the_stack() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(encode(114, &deep).is_some());
    assert_eq!(encode(3802, &deep), None);
    assert_eq!(encode(1007, &"{".repeat(100_000)), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_have_at_most_one_text(value in prop::collection::vec(any::<u8>(), 0..40)) {
        for oid in known() {
            let Some(text) = read(oid, &value) else { continue };
            // A text that was read must survive encoding and reading again, whatever the bytes were.
            if let Some(encoded) = encode(oid, &text) {
                prop_assert_eq!(read(oid, &encoded), Some(text), "{}", oid);
            }
        }
    }

    #[test]
    fn arbitrary_text_is_encoded_and_read_back(text in "\\PC{0,20}|[-+0-9.eE:T {}\\[\\],\"\\\\/BCZ]{0,24}") {
        for oid in known() {
            if let Some(encoded) = encode(oid, &text) {
                prop_assert!(read(oid, &encoded).is_some(), "{} of {:?}", oid, text);
            }
        }
    }

    #[test]
    fn dates_and_times_round_trip(days in -2_451_545i32..=2_145_031_948, time in 0i64..=86_400_000_000, zone in -57_599i32..=57_599) {
        let moment = i64::from(days).saturating_mul(86_400_000_000).saturating_add(time);
        let mut timetz = time.to_be_bytes().to_vec();
        timetz.extend_from_slice(&zone.to_be_bytes());
        for (oid, value) in [
            (1082, days.to_be_bytes().to_vec()),
            (1083, time.to_be_bytes().to_vec()),
            (1266, timetz),
            (1114, moment.to_be_bytes().to_vec()),
            (1184, moment.to_be_bytes().to_vec()),
        ] {
            if let Some(text) = read(oid, &value) {
                prop_assert_eq!(encode(oid, &text), Some(value), "{} as {}", text, oid);
            } else {
                prop_assert!(matches!(oid, 1114 | 1184) && !(-211_813_488_000_000_000..9_223_371_331_200_000_000).contains(&moment));
            }
        }
    }

    #[test]
    fn intervals_round_trip(time in (i64::MIN + 1)..=i64::MAX, days in any::<i32>(), months in any::<i32>()) {
        let mut value = time.to_be_bytes().to_vec();
        value.extend_from_slice(&days.to_be_bytes());
        value.extend_from_slice(&months.to_be_bytes());
        let text = read(1186, &value).expect("every interval has a text");
        prop_assert_eq!(encode(1186, &text), Some(value), "{}", text);
    }

    #[test]
    fn floats_round_trip(bits in any::<u64>()) {
        let double = f64::from_bits(bits);
        let single = f32::from_bits(bits as u32);
        let back8: f64 = read(701, &double.to_be_bytes()).expect("a text").parse().expect("a number");
        let back4: f32 = read(700, &single.to_be_bytes()).expect("a text").parse().expect("a number");
        prop_assert!(back8 == double || double.is_nan());
        prop_assert!(back4 == single || single.is_nan());
    }

    #[test]
    fn numerics_round_trip(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?") {
        let encoded = encode(1700, &text).expect("a number");
        let back = read(1700, &encoded).expect("a number");
        // There is no negative zero.
        let zero = !text.contains(|character: char| ('1'..='9').contains(&character));
        let expected = if zero { text.trim_start_matches('-').to_owned() } else { text.clone() };
        prop_assert_eq!(back, expected);
    }

    #[test]
    fn arrays_of_text_round_trip(items in prop::collection::vec(prop::option::of("\\PC{0,8}|[ \\t\\n{},\"\\\\]{0,5}|(?i)null"), 1..6), lower in -3i32..4) {
        let mut value = Vec::new();
        for word in [1, i32::from(items.contains(&None)), 25, items.len() as i32, lower] {
            value.extend_from_slice(&word.to_be_bytes());
        }
        for item in &items {
            let length = item.as_ref().map_or(-1, |item| item.len() as i32);
            value.extend_from_slice(&length.to_be_bytes());
            value.extend_from_slice(item.as_deref().unwrap_or_default().as_bytes());
        }
        let text = read(1009, &value).expect("an array");
        prop_assert_eq!(encode(1009, &text), Some(value), "{}", text);
    }
}
