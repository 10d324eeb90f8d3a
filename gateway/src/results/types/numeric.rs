//! numeric: base-10000 digits with a weight, and the decimal number (`numeric_send`; documentation, "Arbitrary Precision
//! Numbers").

use std::io::Write;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const MINUS_INFINITY: u16 = 0xf000;
/// The maximum number of digits after the decimal point.
const MAXIMUM_SCALE: usize = 16383;
/// The maximum number of digits before it.
const MAXIMUM_WHOLE: usize = 131_072;

pub(super) fn read(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let words: Vec<u16> = value
        .chunks(2)
        .map(|pair| pair.try_into().map(u16::from_be_bytes))
        .collect::<Result<_, _>>()
        .ok()?;
    let [count, weight, sign, scale, groups @ ..] = words.as_slice() else {
        return None;
    };
    let (weight, scale) = (i32::from(*weight as i16), usize::from(*scale));
    if groups.len() != usize::from(*count)
        || groups.iter().any(|group| *group > 9999)
        || scale > MAXIMUM_SCALE
    {
        return None;
    }
    let special: &[u8] = match *sign {
        POSITIVE => b"",
        NEGATIVE => {
            out.push(b'-');
            b""
        }
        NAN => b"NaN",
        INFINITY => b"Infinity",
        MINUS_INFINITY => b"-Infinity",
        _ => return None,
    };
    if !special.is_empty() {
        out.extend_from_slice(special);
        return Some(());
    }
    let group = |place: i32| {
        let index = usize::try_from(weight.checked_sub(place)?).ok()?;
        groups.get(index).copied()
    };
    write!(out, "{}", group(weight.max(0)).unwrap_or(0)).ok()?;
    for place in (0..weight.max(0)).rev() {
        write!(out, "{:04}", group(place).unwrap_or(0)).ok()?;
    }
    if scale > 0 {
        out.push(b'.');
        let end = out.len() + scale;
        for place in 1..=scale.div_ceil(4) as i32 {
            write!(out, "{:04}", group(-place).unwrap_or(0)).ok()?;
        }
        out.truncate(end);
    }
    Some(())
}

pub(super) fn encode(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let special = match text.to_ascii_lowercase().as_str() {
        "nan" => Some(NAN),
        "inf" | "infinity" | "+inf" | "+infinity" => Some(INFINITY),
        "-inf" | "-infinity" => Some(MINUS_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        append([0, 0, sign, 0], out);
        return Some(());
    }
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (NEGATIVE, &text[1..]),
        b'+' => (POSITIVE, &text[1..]),
        _ => (POSITIVE, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The number is 0.DIGITS times ten to the power of `point`.
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    let scale =
        usize::try_from((i64::try_from(fraction.len()).ok()? - i64::from(exponent)).max(0)).ok()?;
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    let significant = point - i64::try_from(leading).ok()?;
    if scale > MAXIMUM_SCALE || (leading < digits.len() && significant > MAXIMUM_WHOLE as i64) {
        return None;
    }
    let (weight, groups) = groups(&digits, point);
    let sign = if groups.is_empty() { POSITIVE } else { sign };
    let count = u16::try_from(groups.len()).ok()?;
    append(
        [
            count,
            i16::try_from(weight).ok()? as u16,
            sign,
            scale as u16,
        ],
        out,
    );
    append(groups, out);
    Some(())
}

fn append(words: impl IntoIterator<Item = u16>, out: &mut Vec<u8>) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Base-10000 digits without zeros at either end, and the weight of the first.
fn groups(digits: &[u8], point: i64) -> (i64, Vec<u16>) {
    // Pad on the left so that the decimal point falls between two groups.
    let padding = (4 - point.rem_euclid(4)) % 4;
    let mut weight = (point + padding) / 4 - 1;
    let mut padded = vec![b'0'; padding as usize];
    padded.extend_from_slice(digits);
    let value = |group: &[u8]| {
        (0..4).fold(0, |sum, at| {
            sum * 10 + group.get(at).map_or(0, |digit| u16::from(digit - b'0'))
        })
    };
    let mut groups: Vec<u16> = padded.chunks(4).map(value).collect();
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..zeros);
    weight -= zeros as i64;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        (0, groups)
    } else {
        (weight, groups)
    }
}
