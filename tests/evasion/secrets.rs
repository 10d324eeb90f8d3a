//! The protected values of `schema.sql` in every form that a client could read.

use aho_corasick::AhoCorasick;
use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Words that occur only in protected columns.
const WORDS: &[&str] = &[
    "quillona",
    "brackenby",
    "marrowyn",
    "900461",
    "900578",
    "900692",
    "4556737586",
    "4929381332",
    "4485275742",
    "86899855",
    "32664295",
    "42308327",
    "wombatino",
    "ocelotto",
    "axolotlin",
    "zephyrine",
    "marzipano",
    "calicoon",
    "pistachiel",
    "gossamere",
    "tamarindo",
    "obsidianrank",
    "vermilionrank",
    "cobaltrank",
    "nightjarling",
    "foxglovian",
    "larkspurio",
    "203.0.113.219",
    "198.51.100.173",
    "192.0.2.147",
    "c0ffee15bad0dad5",
    "deadbea7f005ba11",
    "facade0ff1ce5eed",
    "5ec2e700-1dea-4bad-9dee-feedfacecafe",
    "0ddba115-c0de-4ace-8bed-decafbadbabe",
    "ba5eba11-f00d-4dad-a5a5-cab1e5f1a5c0",
];
/// Values whose digest also reveals them: anyone can compute it for a guess.
const DIGESTED: &[&str] = &[
    "quillona@hollowmere.example",
    "brackenby@thistlewood.example",
    "marrowyn@copperfen.example",
    "4556737586899855",
    "4929381332664295",
    "4485275742308327",
];
const SALARIES: [i32; 3] = [7_351_924, 6_248_317, 5_139_746];
const SCORES: [&str; 3] = ["918273.6455", "827364.5511", "736455.4622"];
/// Year, month, day, and days since 2000-01-01 (the binary form of `date`).
const BIRTHS: [(&str, &str, &str, i32); 3] = [
    ("1973", "09", "17", -9602),
    ("1964", "05", "28", -13_001),
    ("1985", "12", "06", -5139),
];
/// Day, and microseconds since 2000-01-01 (the binary form of `timestamptz`).
const SEEN: [(&str, i64); 3] = [
    ("1997-11-23", -66_426_893_211_000),
    ("1988-02-14", -374_856_588_877_000),
    ("2003-07-09", 111_067_994_456_000),
];

/// The byte sequences to search for, each with its description.
pub struct Needles {
    names: Vec<String>,
    search: AhoCorasick,
}

impl Needles {
    /// `md5` calls the server's function of that name.
    pub fn all(md5: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let forms = Forms::all(md5)?;
        let (names, bytes): (Vec<_>, Vec<_>) = forms.0.into_iter().unzip();
        Ok(Self {
            names,
            search: AhoCorasick::new(bytes)?,
        })
    }

    /// The first value found in the bytes.
    pub fn found_in(&self, bytes: &[u8]) -> Option<&str> {
        let found = self.search.find(bytes)?;
        self.names
            .get(found.pattern().as_usize())
            .map(String::as_str)
    }
}

struct Forms(Vec<(String, Vec<u8>)>);

impl Forms {
    fn all(md5: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let mut needles = Self(Vec::new());
        for word in WORDS {
            needles.text(word);
        }
        for whole in DIGESTED {
            needles.add(format!("md5 of {whole}"), md5(whole)?.into_bytes());
            for (name, algorithm) in [
                ("sha256", &ring::digest::SHA256),
                ("sha512", &ring::digest::SHA512),
            ] {
                let digest = ring::digest::digest(algorithm, whole.as_bytes());
                let name = format!("{name} of {whole}");
                needles.add(name.clone(), hex(digest.as_ref()).into_bytes());
                needles.add(name, digest.as_ref().to_vec());
            }
        }
        needles.numbers();
        needles.days();
        for (text, bytes) in binary_words() {
            needles.add(format!("{text} in binary"), bytes);
        }
        Ok(needles)
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) {
        self.0.push((name, bytes));
    }

    fn text(&mut self, word: &str) {
        let reversed: String = word.chars().rev().collect();
        for (form, word) in [("", word), (" reversed", &*reversed)] {
            let name = |more: &str| format!("{word}{form}{more}");
            let mut cases = vec![word.to_owned(), word.to_uppercase()];
            let mut letters = word.chars();
            cases.extend(
                letters
                    .next()
                    .map(|first| first.to_uppercase().chain(letters).collect()),
            );
            cases.dedup();
            for case in cases {
                self.add(name(""), case.clone().into_bytes());
                self.add(name(" in hex"), hex(case.as_bytes()).into_bytes());
                self.add(
                    name(" in hex"),
                    hex(case.as_bytes()).to_uppercase().into_bytes(),
                );
                for encoded in base64_anywhere(case.as_bytes()) {
                    self.add(name(" in base64"), encoded.into_bytes());
                }
                let wide: Vec<u8> = case.bytes().flat_map(|byte| [0, byte]).collect();
                self.add(name(" in UTF-16"), wide);
            }
        }
    }

    fn numbers(&mut self) {
        for salary in SALARIES {
            let digits = salary.to_string();
            self.text(&digits);
            let (left, right) = digits.split_at(1);
            let (middle, right) = right.split_at(3);
            self.add(
                digits.clone(),
                format!("{left},{middle},{right}").into_bytes(),
            );
            self.add(
                format!("{salary} in hex"),
                format!("{salary:x}").into_bytes(),
            );
            for bytes in [
                salary.to_be_bytes().to_vec(),
                f64::from(salary).to_be_bytes().to_vec(),
                numeric(&digits),
            ] {
                self.add(format!("{salary} in binary"), bytes);
            }
        }
        for score in SCORES {
            self.text(score);
            self.text(&score.replace('.', ""));
            self.add(format!("{score} in binary"), numeric(score));
            let float: f64 = score.parse().unwrap_or(f64::NAN);
            self.add(format!("{score} in binary"), float.to_be_bytes().to_vec());
        }
    }

    fn days(&mut self) {
        for (year, month, day, since) in BIRTHS {
            for text in [
                format!("{year}-{month}-{day}"),
                format!("{month}/{day}/{year}"),
                format!("{day}/{month}/{year}"),
                format!("{month}-{day}-{year}"),
                format!("{day}-{month}-{year}"),
                format!("{day}.{month}.{year}"),
                format!("{year}{month}{day}"),
                (i64::from(since) * 86_400 + 946_684_800).to_string(),
            ] {
                self.text(&text);
            }
            let name = format!("{year}-{month}-{day} in binary");
            self.add(name.clone(), since.to_be_bytes().to_vec());
            let micros = i64::from(since) * 86_400_000_000;
            self.add(name, micros.to_be_bytes().to_vec());
        }
        for (day, micros) in SEEN {
            self.text(day);
            self.add(format!("{day} in binary"), micros.to_be_bytes().to_vec());
            self.text(&(micros / 1_000_000 + 946_684_800).to_string());
        }
    }
}

fn binary_words() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for word in WORDS {
        let digits: String = word.chars().filter(|letter| *letter != '-').collect();
        if digits.len() >= 16 && digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            let bytes: Vec<u8> = (0..digits.len() / 2)
                .filter_map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok())
                .collect();
            for encoded in base64_anywhere(&bytes) {
                found.push(((*word).to_owned(), encoded.into_bytes()));
            }
            found.push(((*word).to_owned(), digits.into_bytes()));
            found.push(((*word).to_owned(), bytes));
        }
        let address: Vec<u8> = word
            .split('.')
            .filter_map(|part| part.parse().ok())
            .collect();
        if address.len() == 4 {
            found.push(((*word).to_owned(), address));
        }
    }
    found
}

/// The digits of PostgreSQL's binary numeric: groups of four around the decimal point.
fn numeric(text: &str) -> Vec<u8> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{}{whole}{fraction}", "0".repeat((4 - whole.len() % 4) % 4));
    (0..padded.len() / 4)
        .filter_map(|at| padded.get(at * 4..at * 4 + 4)?.parse::<i16>().ok())
        .flat_map(i16::to_be_bytes)
        .collect()
}

/// The part of the base64 encoding that does not depend on the neighbouring bytes, for each of the three alignments.
fn base64_anywhere(bytes: &[u8]) -> Vec<String> {
    (0..3)
        .filter_map(|shift| {
            let padded = [&vec![0; shift], bytes].concat();
            let encoded = STANDARD_NO_PAD.encode(&padded);
            let first = (shift * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            encoded
                .get(first..last)
                .filter(|part| part.len() >= 7)
                .map(str::to_owned)
        })
        .collect()
}

pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
