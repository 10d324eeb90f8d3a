//! Tests of the detectors: samples, look-alikes and arbitrary input.

use proptest::prelude::*;

use crate::{Country, Detectors, Kind};

fn all() -> Detectors {
    Detectors::new(&Kind::ALL, &Country::ALL)
}

fn found(text: &str) -> Vec<(Kind, &str)> {
    let mut matches = Vec::new();
    all().scan(text.as_bytes(), &mut matches);
    matches
        .iter()
        .map(|hit| (hit.kind, &text[hit.start..hit.end]))
        .collect()
}

const JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----";

/// Each is one match, alone or inside a sentence.
const SAMPLES: [(Kind, &str); 60] = [
    (Kind::Email, "ada@example.com"),
    (Kind::Email, "a.b+c_d@mail.example.co.uk"),
    (Kind::Email, "x@sub-domain.example.museum"),
    (Kind::Email, "o'neil@example.org"),
    (Kind::Email, "пример@пример.рф"),
    (Kind::Email, "user@xn--e1afmkfd.xn--p1ai"),
    (Kind::Phone, "+44 7700 900461"),
    (Kind::Phone, "+1-202-555-0143"),
    (Kind::Phone, "+12025550143"),
    (Kind::Phone, "+49 (30) 901820"),
    (Kind::Phone, "+33 1 23 45 67 89"),
    (Kind::Phone, "(202) 555-0143"),
    (Kind::Phone, "202-555-0143"),
    (Kind::Phone, "202.555.0143"),
    (Kind::Phone, "1-202-555-0143"),
    (Kind::Phone, "020 7946 0958"),
    (Kind::Phone, "030/901820"),
    (Kind::Phone, "07700 900461"),
    (Kind::Card, "4111111111111111"),
    (Kind::Card, "4111 1111 1111 1111"),
    (Kind::Card, "5555-5555-5555-4444"),
    (Kind::Card, "378282246310005"),
    (Kind::Card, "3782 822463 10005"),
    (Kind::Card, "6011111111111117"),
    (Kind::Card, "3530111333300000"),
    (Kind::Card, "2223003122003222"),
    (Kind::Iban, "DE89370400440532013000"),
    (Kind::Iban, "DE89 3704 0044 0532 0130 00"),
    (Kind::Iban, "GB82WEST12345698765432"),
    (Kind::Iban, "FR1420041010050500013M02606"),
    (Kind::Iban, "NO9386011117947"),
    (Kind::NationalId, "078-05-1120"),
    (Kind::NationalId, "12345678Z"),
    (Kind::NationalId, "X1234567L"),
    (Kind::NationalId, "AB123456C"),
    (Kind::NationalId, "AB 12 34 56 C"),
    (Kind::NationalId, "RSSMRA85T10A562S"),
    (Kind::NationalId, "86095742719"),
    (Kind::NationalId, "184127645108946"),
    (Kind::NationalId, "1 84 12 76 451 089 46"),
    (Kind::NationalId, "529.982.247-25"),
    (Kind::NationalId, "52998224725"),
    (Kind::NationalId, "9999 4105 7058"),
    (Kind::NationalId, "44051401359"),
    (Kind::NationalId, "111222333"),
    (Kind::Jwt, JWT),
    (Kind::CloudKey, "AKIAIOSFODNN7EXAMPLE"),
    (Kind::CloudKey, "ASIAIOSFODNN7EXAMPLE"),
    (Kind::CloudKey, "AIzaSyA1234567890abcdefghijklmnopqrstuv"),
    (Kind::CloudKey, "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    (Kind::CloudKey, "glpat-abcdefghij0123456789"),
    (Kind::CloudKey, "xoxb-123456789012-abcdefghijkl"),
    (Kind::CloudKey, "sk_live_abcdefghijklmnopqrstuvwx"),
    (Kind::CloudKey, "npm_abcdefghijklmnopqrstuvwxyz0123456789"),
    (Kind::CloudKey, "sk-ant-api03-abcdefghijklmnopqrstuvwx"),
    (Kind::CloudKey, "hf_abcdefghijklmnopqrstuvwxyz0123"),
    (
        Kind::CloudKey,
        "AccountKey=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567==",
    ),
    (Kind::PrivateKey, KEY),
    (Kind::PrivateKey, "-----BEGIN PRIVATE KEY-----\nMIIEow"),
    (
        Kind::PrivateKey,
        "-----BEGIN EC PRIVATE KEY-----\\nMHcCAQ\\n-----END EC PRIVATE KEY-----",
    ),
];

/// None contains a match.
const HARMLESS: [&str; 40] = [
    "",
    "a",
    "@",
    "a@b",
    "a@b.",
    "@example.com",
    "a@.com",
    "ada at example.com",
    "git@github:x",
    "2024-01-05",
    "2024-01-05 12:30:45.123456+00",
    "12:30:45",
    "192.168.100.200",
    "10.0.0.1:5432",
    "1234567",
    "1700000000",
    "1700000000123",
    "3.14159265358979",
    "-12345.6789e10",
    "4111111111111112",
    "1234 5678 9012 3456",
    "4111-1111-1111",
    "0000000000000000",
    "1111111111111111",
    "a4111111111111111b",
    "550e8400-e29b-41d4-a716-446655440000",
    "5ec2e700-1dea-4bad-9dee-feedfacecafe",
    "\\xdeadbeef0123456789",
    "DE89370400440532013001",
    "AB12",
    "US0378331005",
    "ISBN 978-3-16-148410-0",
    "000-12-3456",
    "666-12-3456",
    "12345678A",
    "eyJ.eyJ.x",
    "AKIA",
    "ghp_short",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "order 12345 of 67890, total 1,234.56",
];

#[test]
fn samples_match_completely_alone_and_in_a_sentence() {
    for (kind, sample) in SAMPLES {
        assert_eq!(found(sample), [(kind, sample)], "{sample}");
        if sample != "-----BEGIN PRIVATE KEY-----\nMIIEow" {
            for text in [
                format!("call {sample}, please"),
                format!("<a>{sample}</a>"),
                format!("{{\"k\": \"{sample}\", \"n\": 1}}"),
                format!("x={sample};"),
            ] {
                assert_eq!(found(&text), [(kind, sample)], "{text}");
            }
        }
    }
}

#[test]
fn look_alikes_do_not_match() {
    for text in HARMLESS {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn several_matches_are_reported_in_order() {
    let text = "ada@example.com and +44 7700 900461, 4111 1111 1111 1111 or DE89370400440532013000";
    let kinds: Vec<Kind> = found(text).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [Kind::Email, Kind::Phone, Kind::Card, Kind::Iban]);
    let text = "+44 7700 900461 4111 1111 1111 1111";
    let matches = [
        (Kind::Phone, "+44 7700 900461"),
        (Kind::Card, "4111 1111 1111 1111"),
    ];
    assert_eq!(found(text), matches);
}

#[test]
fn long_addresses_are_cut_between_characters() {
    let text = format!("{}x@example.com", "\u{e9}".repeat(40));
    assert_eq!(found(&text).len(), 1);
    let text = format!("ada@example.{}", "\u{20ac}".repeat(100));
    assert_eq!(found(&text).len(), 1);
}

#[test]
fn disabled_kinds_are_not_detected() {
    for (kind, sample) in SAMPLES {
        let others: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|other| *other != kind)
            .collect();
        let mut matches = Vec::new();
        Detectors::new(&others, &Country::ALL).scan(sample.as_bytes(), &mut matches);
        assert!(
            matches.iter().all(|hit| hit.kind != kind),
            "{sample}: {matches:?}"
        );
    }
}

#[test]
fn countries_are_enabled_separately() {
    for country in Country::ALL {
        let detectors = Detectors::new(&[Kind::NationalId], &[country]);
        let hits = SAMPLES.iter().filter(|(kind, sample)| {
            let mut matches = Vec::new();
            detectors.scan(sample.as_bytes(), &mut matches);
            *kind == Kind::NationalId && !matches.is_empty()
        });
        assert!(hits.count() >= 1, "{country:?}");
    }
}

proptest! {
    #[test]
    fn matches_are_in_order_and_inside_the_text(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut matches = Vec::new();
        all().scan(&text, &mut matches);
        let mut last = 0;
        for hit in matches {
            prop_assert!(last <= hit.start && hit.start < hit.end && hit.end <= text.len());
            last = hit.end;
        }
    }

    #[test]
    fn matches_in_fragments_of_samples_are_in_order(pieces in proptest::collection::vec((0..SAMPLES.len(), 0..40usize, 0..40usize), 1..6)) {
        let mut text = Vec::new();
        for (at, from, length) in pieces {
            let sample = SAMPLES[at].1.as_bytes();
            text.extend(sample.iter().skip(from % 7).take(length));
            text.push(b" ,@.-\"{"[from % 7]);
        }
        let mut matches = Vec::new();
        all().scan(&text, &mut matches);
        prop_assert!(matches.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert!(matches.iter().all(|hit| hit.end <= text.len()));
    }
}
