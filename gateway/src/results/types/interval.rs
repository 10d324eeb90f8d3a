//! interval: months, days and microseconds, and the text of `intervalstyle = postgres` (documentation, "Interval
//! Output"). Replacements in other styles are rejected.

use std::io::Write;

use super::calendar::digits;
use super::datetime::{parse_clock, write_clock};
use super::scalar::exactly;

const HOUR: i64 = 3_600_000_000;

pub(super) fn read(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let value = exactly::<16>(value)?;
    let time = i64::from_be_bytes(*value.first_chunk()?);
    let days = i32::from_be_bytes(*value[8..].first_chunk()?);
    let months = i32::from_be_bytes(*value[12..].first_chunk()?);
    let infinity: &[u8] = match (months, days, time) {
        (i32::MAX, i32::MAX, i64::MAX) => b"infinity",
        (i32::MIN, i32::MIN, i64::MIN) => b"-infinity",
        _ => b"",
    };
    if !infinity.is_empty() {
        out.extend_from_slice(infinity);
        return Some(());
    }
    let mut part = 0;
    let mut negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count == 0 {
            continue;
        }
        let space = if part > 0 { " " } else { "" };
        let sign = if negative && count > 0 { "+" } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        write!(out, "{space}{sign}{count} {unit}{plural}").ok()?;
        negative = count < 0;
        part += 1;
    }
    if part > 0 && time == 0 {
        return Some(());
    }
    if part > 0 {
        out.push(b' ');
    }
    if time < 0 {
        out.push(b'-');
    } else if negative {
        out.push(b'+');
    }
    let clock = i64::try_from(time.unsigned_abs()).ok()?;
    write_clock(clock / HOUR, clock % HOUR, out)
}

pub(super) fn encode(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (time, days, months) = match text {
        "infinity" => (i64::MAX, i32::MAX, i32::MAX),
        "-infinity" => (i64::MIN, i32::MIN, i32::MIN),
        _ => parse(text)?,
    };
    out.extend_from_slice(&time.to_be_bytes());
    out.extend_from_slice(&days.to_be_bytes());
    out.extend_from_slice(&months.to_be_bytes());
    Some(())
}

fn parse(text: &str) -> Option<(i64, i32, i32)> {
    let (mut time, mut days, mut months) = (0, 0i32, 0i32);
    let mut words = text.split(' ').peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        let (sign, unsigned) = match word.strip_prefix(['+', '-']) {
            Some(unsigned) if word.starts_with('-') => (-1, unsigned),
            Some(unsigned) => (1, unsigned),
            None => (1, word),
        };
        if unsigned.contains(':') {
            time = sign * parse_clock(unsigned, i64::MAX / HOUR)?;
            return words.next().is_none().then_some((time, days, months));
        }
        let count = i32::try_from(sign * digits(unsigned)?).ok()?;
        match words.next()? {
            "year" | "years" => months = months.checked_add(count.checked_mul(12)?)?,
            "mon" | "mons" => months = months.checked_add(count)?,
            "day" | "days" => days = days.checked_add(count)?,
            _ => return None,
        }
    }
    Some((time, days, months))
}
