//! Detects national identity numbers by each country's rules.

use crate::digits::Number;

/// A country whose numbers can be detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Country {
    /// Brazil: CPF.
    Br,
    /// Germany: Steuer-Identifikationsnummer.
    De,
    /// Spain: DNI and NIE.
    Es,
    /// France: NIR.
    Fr,
    /// United Kingdom: National Insurance number.
    Gb,
    /// India: Aadhaar, written in groups of four.
    In,
    /// Italy: codice fiscale.
    It,
    /// Netherlands: BSN. One in eleven numbers of nine digits is valid by chance.
    Nl,
    /// Poland: PESEL.
    Pl,
    /// United States: Social Security number, written with hyphens.
    Us,
}

impl Country {
    pub const ALL: [Self; 10] = [
        Self::Br,
        Self::De,
        Self::Es,
        Self::Fr,
        Self::Gb,
        Self::In,
        Self::It,
        Self::Nl,
        Self::Pl,
        Self::Us,
    ];

    /// ISO 3166-1 alpha-2, in lower case.
    pub fn code(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::De => "de",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::Gb => "gb",
            Self::In => "in",
            Self::It => "it",
            Self::Nl => "nl",
            Self::Pl => "pl",
            Self::Us => "us",
        }
    }
}

pub fn is_number(countries: &[Country], number: &Number) -> bool {
    !number.plus
        && countries.iter().any(|country| match country {
            Country::Us => us(number),
            Country::Br => br(number),
            Country::De => de(number),
            Country::Fr => fr(number),
            Country::In => india(number),
            Country::Nl => nl(number),
            Country::Pl => pl(number),
            Country::Es | Country::Gb | Country::It => false,
        })
}

fn one_group(number: &Number, length: usize) -> bool {
    number.groups == [length]
}

/// Areas 000, 666 and 900 to 999, group 00 and serial 0000 are never assigned.
fn us(number: &Number) -> bool {
    let part = |from: usize, count: usize| {
        (from..from + count).fold(0, |all, at| all * 10 + number.value(at))
    };
    let area = part(0, 3);
    number.is_grouped(&[3, 2, 4], b"-")
        && area != 0
        && area != 666
        && area < 900
        && part(3, 2) != 0
        && part(5, 4) != 0
}

/// Eleven digits; the last two are check sums modulo 11.
fn br(number: &Number) -> bool {
    let written = one_group(number, 11) || number.groups == [3, 3, 3, 2];
    let check = |count: usize| {
        let sum: u32 = (0..count)
            .map(|at| number.value(at) * u32::try_from(count + 1 - at).unwrap_or(0))
            .sum();
        (sum * 10 % 11) % 10 == number.value(count)
    };
    written && check(9) && check(10) && !repeats(number)
}

fn repeats(number: &Number) -> bool {
    number
        .digits
        .iter()
        .all(|digit| Some(digit) == number.digits.first())
}

/// ISO/IEC 7064 MOD 11,10. Of the first ten digits exactly one occurs two or three times; the others at most once.
fn de(number: &Number) -> bool {
    if !(one_group(number, 11) || number.is_grouped(&[2, 3, 3, 3], b" ")) || number.value(0) == 0 {
        return false;
    }
    let mut counts = [0_u8; 10];
    let mut product = 10;
    for at in 0..10 {
        let digit = number.value(at);
        if let Some(count) = counts.get_mut(digit as usize) {
            *count += 1;
        }
        let sum = match (digit + product) % 10 {
            0 => 10,
            sum => sum,
        };
        product = sum * 2 % 11;
    }
    let check = match 11 - product {
        10 => 0,
        check => check,
    };
    let several = counts.iter().filter(|count| **count > 1).count();
    check == number.value(10) && several == 1 && counts.iter().all(|count| *count <= 3)
}

/// Sex, year, month, place, order, and a key: 97 minus the number modulo 97.
fn fr(number: &Number) -> bool {
    if number.digits.len() != 15 || !matches!(number.value(0), 1 | 2) {
        return false;
    }
    let part = |from: usize, to: usize| {
        (from..to).fold(0_u64, |all, at| all * 10 + u64::from(number.value(at)))
    };
    let month = part(3, 5);
    let written = one_group(number, 15)
        || number.is_grouped(&[1, 2, 2, 2, 3, 3, 2], b" ")
        || number.is_grouped(&[13, 2], b" ");
    written && (1..=12).contains(&month) && 97 - part(0, 13) % 97 == part(13, 15)
}

/// Checks the Verhoeff check digit.
fn india(number: &Number) -> bool {
    const MULTIPLY: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const PERMUTE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    if !number.is_grouped(&[4, 4, 4], b" -") || number.value(0) < 2 {
        return false;
    }
    let sum = (0..12).rev().enumerate().fold(0_u8, |sum, (place, at)| {
        let permuted = PERMUTE[place % 8][number.value(at) as usize % 10];
        MULTIPLY[usize::from(sum) % 10][usize::from(permuted) % 10]
    });
    sum == 0
}

fn nl(number: &Number) -> bool {
    let sum: i64 = (0..9)
        .map(|at| {
            let weight = if at == 8 { -1 } else { 9 - at as i64 };
            weight * i64::from(number.value(at))
        })
        .sum();
    one_group(number, 9) && sum % 11 == 0 && !repeats(number)
}

/// A date of birth, a serial number and a weighted check digit.
fn pl(number: &Number) -> bool {
    const WEIGHTS: [u32; 10] = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3];
    let sum: u32 = (0..)
        .zip(WEIGHTS)
        .map(|(at, weight)| weight * number.value(at))
        .sum();
    let month = (number.value(2) * 10 + number.value(3)) % 20;
    let day = number.value(4) * 10 + number.value(5);
    one_group(number, 11)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (10 - sum % 10) % 10 == number.value(10)
}

const DNI: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// A Spanish DNI at `at`: eight digits and a letter. Returns its end.
pub fn digits_and_letter(countries: &[Country], text: &[u8], at: usize) -> Option<usize> {
    countries.contains(&Country::Es).then_some(())?;
    dni(text, at, 8, 0)
}

fn dni(text: &[u8], at: usize, count: usize, before: usize) -> Option<usize> {
    let digits = text.get(at..at + count)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(before, |all, digit| all * 10 + usize::from(digit - b'0'));
    let at = at + count;
    let at = at + usize::from(text.get(at) == Some(&b'-'));
    let letter = text.get(at)?.to_ascii_uppercase();
    (letter == DNI[value % 23] && ends(text, at + 1)).then_some(at + 1)
}

fn ends(text: &[u8], at: usize) -> bool {
    !text.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

/// A national number that begins with the letter at `at`. Returns its end.
pub fn word(countries: &[Country], text: &[u8], at: usize) -> Option<usize> {
    let has = |country| countries.contains(&country);
    let first = *text.get(at)?;
    if has(Country::Es) && matches!(first, b'X' | b'Y' | b'Z') {
        let from = at + 1 + usize::from(text.get(at + 1) == Some(&b'-'));
        if let Some(end) = dni(text, from, 7, usize::from(first - b'X')) {
            return Some(end);
        }
    }
    if has(Country::Gb)
        && let Some(end) = nino(text, at)
    {
        return Some(end);
    }
    has(Country::It).then(|| codice(text, at))?
}

/// Two letters, six digits, possibly in pairs, and a letter from A to D.
fn nino(text: &[u8], at: usize) -> Option<usize> {
    let letters = text.get(at..at + 2)?;
    let legal = |letter: &u8| letter.is_ascii_uppercase() && !b"DFIQUV".contains(letter);
    if !letters.iter().all(legal)
        || letters[1] == b'O'
        || [b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"]
            .contains(&[letters[0], letters[1]].as_ref().try_into().ok()?)
    {
        return None;
    }
    let mut next = at + 2;
    for _ in 0..3 {
        next += usize::from(text.get(next) == Some(&b' '));
        if !text.get(next..next + 2)?.iter().all(u8::is_ascii_digit) {
            return None;
        }
        next += 2;
    }
    next += usize::from(text.get(next) == Some(&b' '));
    (matches!(text.get(next), Some(b'A'..=b'D')) && ends(text, next + 1)).then_some(next + 1)
}

/// Sixteen letters and digits; the last is a check letter.
fn codice(text: &[u8], at: usize) -> Option<usize> {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
        6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    let word = text.get(at..at + 16)?;
    let shape = b"AAAAAA00A00A000A";
    let fits = word.iter().zip(shape).all(|(byte, form)| match form {
        b'A' => byte.is_ascii_uppercase(),
        // Letters replace digits to keep codes of different persons distinct (omocodia).
        _ => byte.is_ascii_digit() || b"LMNPQRSTUV".contains(byte),
    });
    if !fits || !ends(text, at + 16) {
        return None;
    }
    let sum: u32 = word
        .iter()
        .take(15)
        .enumerate()
        .map(|(place, byte)| {
            let value = match byte {
                b'0'..=b'9' => u32::from(byte - b'0'),
                _ => u32::from(byte - b'A'),
            };
            let index = if byte.is_ascii_digit() {
                value
            } else {
                value + 10
            };
            if place % 2 == 0 {
                ODD.get(index as usize).copied().unwrap_or(0)
            } else {
                value
            }
        })
        .sum();
    (u32::from(word[15] - b'A') == sum % 26).then_some(at + 16)
}
