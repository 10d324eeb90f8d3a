//! float4 and float8 as the shortest decimal that reads back as the same number, as printed by PostgreSQL 12 and later.
//! `extra_float_digits` below 1, which a session may set for text results, is not applied.

use std::fmt::LowerExp;
use std::str::FromStr;

/// The maximum number of significant digits, and the decimal exponent from which a value is printed with `e`.
struct Width {
    digits: usize,
    plain_below: i32,
}

pub(super) fn read4(value: f32, out: &mut Vec<u8>) {
    if !special(
        value.is_nan(),
        value.is_infinite(),
        value.is_sign_negative(),
        out,
    ) {
        shortest(
            value,
            &Width {
                digits: 9,
                plain_below: 6,
            },
            out,
        );
    }
}

pub(super) fn read8(value: f64, out: &mut Vec<u8>) {
    if !special(
        value.is_nan(),
        value.is_infinite(),
        value.is_sign_negative(),
        out,
    ) {
        shortest(
            value,
            &Width {
                digits: 17,
                plain_below: 15,
            },
            out,
        );
    }
}

fn special(nan: bool, infinite: bool, negative: bool, out: &mut Vec<u8>) -> bool {
    match (nan, infinite, negative) {
        (true, ..) => out.extend_from_slice(b"NaN"),
        (_, true, true) => out.extend_from_slice(b"-Infinity"),
        (_, true, false) => out.extend_from_slice(b"Infinity"),
        _ => return false,
    }
    true
}

fn shortest<F: LowerExp + FromStr + PartialEq + Copy>(value: F, width: &Width, out: &mut Vec<u8>) {
    let mut printed = format!("{value:e}");
    let mut precision = digits(&printed).1.len() - 1;
    // Of two equally near decimals PostgreSQL prints the even one, as does formatting to a precision.
    let even = format!("{value:.precision$e}");
    if even.parse::<F>().is_ok_and(|even| even == value) {
        printed = even;
    }
    // A decimal exactly halfway between two numbers reads back only by rounding to even; PostgreSQL prints more digits.
    while !is_inside(value, &printed) && precision + 1 < width.digits {
        precision += 1;
        printed = format!("{value:.precision$e}");
    }
    let (negative, digits, exponent) = digits(&printed);
    if negative {
        out.push(b'-');
    }
    layout(&digits, exponent, width.plain_below, out);
}

/// Sign, significant digits without trailing zeros, and the exponent of the first digit.
fn digits(printed: &str) -> (bool, Vec<u8>, i32) {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    (
        mantissa.starts_with('-'),
        digits,
        exponent.parse().unwrap_or(0),
    )
}

/// Whether decimals slightly to either side of the printed one also read back as the value.
fn is_inside<F: FromStr + PartialEq>(value: F, printed: &str) -> bool {
    const HAIR: usize = 30;
    let (negative, digits, exponent) = digits(printed);
    if digits.as_slice() == b"0" {
        return true;
    }
    let Ok(text) = String::from_utf8(digits) else {
        return true;
    };
    let Ok(whole) = text.parse::<u128>() else {
        return true;
    };
    let scale = exponent - (text.len() as i32 - 1) - HAIR as i32;
    let sign = if negative { "-" } else { "" };
    let above = format!("{sign}{whole}{:0>HAIR$}e{scale}", 1);
    let below = format!("{sign}{}{}e{scale}", whole - 1, "9".repeat(HAIR));
    above.parse::<F>().is_ok_and(|above| above == value)
        && below.parse::<F>().is_ok_and(|below| below == value)
}

fn layout(digits: &[u8], exponent: i32, plain_below: i32, out: &mut Vec<u8>) {
    let (first, rest) = digits.split_at(1);
    if !(-4..plain_below).contains(&exponent) {
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
        return;
    }
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + (-exponent - 1) as usize, b'0');
        out.extend_from_slice(digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(digits);
        out.resize(out.len() + whole - digits.len(), b'0');
    } else {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

pub(super) fn parse4(text: &str) -> Option<f32> {
    let value: f32 = decimal(text)?.parse().ok()?;
    in_range(text, value.is_infinite(), value == 0.0).then_some(value)
}

pub(super) fn parse8(text: &str) -> Option<f64> {
    let value: f64 = decimal(text)?.parse().ok()?;
    in_range(text, value.is_infinite(), value == 0.0).then_some(value)
}

/// Rust parses what PostgreSQL parses, with two exceptions: a number needs a digit, and only known words are special.
fn decimal(text: &str) -> Option<&str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = matches!(
        unsigned.to_ascii_lowercase().as_str(),
        "nan" | "inf" | "infinity"
    );
    let number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let signed_nan = unsigned.len() != text.len() && unsigned.eq_ignore_ascii_case("nan");
    ((word && !signed_nan) || number).then_some(text)
}

/// A number outside the type's range is an error in PostgreSQL, not infinity or zero.
fn in_range(text: &str, infinite: bool, zero: bool) -> bool {
    let number = text.contains(|character: char| character.is_ascii_digit());
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let nonzero = mantissa.contains(|character: char| ('1'..='9').contains(&character));
    !((number && infinite) || (zero && nonzero))
}
