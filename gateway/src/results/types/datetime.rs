//! time, timetz, timestamp and timestamptz in microseconds, and their ISO text. Binary values are shown in UTC; texts must
//! have a numeric offset, not a time zone name.

use std::io::Write;

use super::calendar::{Day, FIRST_DAY, digits, split_era};
use super::scalar::exactly;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 4714-11-24 BC, the first timestamp.
const FIRST: i64 = FIRST_DAY * DAY;
/// 294277-01-01, the end of the timestamp range (exclusive).
const END: i64 = 9_223_371_331_200_000_000;
/// Offsets are below 16 hours.
const MAXIMUM_OFFSET: i64 = 16 * 3600;

pub(super) fn read_time(time: i64, out: &mut Vec<u8>) -> Option<()> {
    if !(0..=DAY).contains(&time) {
        return None;
    }
    write_clock(time / HOUR, time % HOUR, out)
}

/// Appends `HH:MM:SS` and the fraction without trailing zeros.
pub(super) fn write_clock(hours: i64, rest: i64, out: &mut Vec<u8>) -> Option<()> {
    let (minutes, seconds, fraction) = (rest / MINUTE, rest % MINUTE / SECOND, rest % SECOND);
    write!(out, "{hours:02}:{minutes:02}:{seconds:02}").ok()?;
    if fraction > 0 {
        write!(out, ".{fraction:06}").ok()?;
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    Some(())
}

/// The microseconds of `HH:MM:SS[.ffffff]`; `hours` is the highest hour.
pub(super) fn parse_clock(text: &str, hours: i64) -> Option<i64> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, parse_fraction(fraction)?),
        None => (text, 0),
    };
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || hour.len() < 2 || minute.len() != 2 || second.len() != 2 {
        return None;
    }
    let (hour, minute, second) = (digits(hour)?, digits(minute)?, digits(second)?);
    (hour <= hours && minute < 60 && second < 60).then_some(())?;
    hour.checked_mul(HOUR)?
        .checked_add(minute * MINUTE + second * SECOND + fraction)
}

fn parse_fraction(text: &str) -> Option<i64> {
    let scale = 6u32.checked_sub(u32::try_from(text.len()).ok()?)?;
    Some(digits(text)? * 10i64.pow(scale))
}

pub(super) fn parse_time(text: &str) -> Option<i64> {
    parse_clock(text, 24).filter(|time| *time <= DAY)
}

pub(super) fn read_timetz(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let [time @ .., a, b, c, d] = exactly::<12>(value)?;
    let west = i64::from(i32::from_be_bytes([*a, *b, *c, *d]));
    if west.abs() >= MAXIMUM_OFFSET {
        return None;
    }
    read_time(i64::from_be_bytes(*exactly(time)?), out)?;
    let offset = west.abs();
    let sign = if west <= 0 { '+' } else { '-' };
    write!(out, "{sign}{:02}", offset / 3600).ok()?;
    if offset % 3600 != 0 {
        write!(out, ":{:02}", offset % 3600 / 60).ok()?;
    }
    if offset % 60 != 0 {
        write!(out, ":{:02}", offset % 60).ok()?;
    }
    Some(())
}

pub(super) fn encode_timetz(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (clock, east) = split_offset(text)?;
    out.extend_from_slice(&parse_time(clock)?.to_be_bytes());
    out.extend_from_slice(&i32::try_from(-east).ok()?.to_be_bytes());
    Some(())
}

/// Splits `+HH[:MM[:SS]]` or `Z` off the end. The offset is in seconds east of Greenwich.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(rest) = text.strip_suffix('Z') {
        return Some((rest, 0));
    }
    let at = text.rfind(['+', '-'])?;
    let (rest, offset) = (text.get(..at)?, text.get(at + 1..)?);
    let mut seconds = 0;
    let mut parts = offset.split(':');
    for unit in [3600, 60, 1] {
        let Some(part) = parts.next() else { break };
        let value =
            digits(part).filter(|value| part.len() == 2 && (unit == 3600 || *value < 60))?;
        seconds += value * unit;
    }
    (parts.next().is_none() && seconds < MAXIMUM_OFFSET).then_some(())?;
    Some((
        rest,
        if text.get(at..)?.starts_with('-') {
            -seconds
        } else {
            seconds
        },
    ))
}

pub(super) fn read_timestamp(time: i64, offset: &str, out: &mut Vec<u8>) -> Option<()> {
    match time {
        i64::MAX => out.extend_from_slice(b"infinity"),
        i64::MIN => out.extend_from_slice(b"-infinity"),
        _ => {
            if !(FIRST..END).contains(&time) {
                return None;
            }
            let day = Day::from_days(time.div_euclid(DAY));
            let clock = time.rem_euclid(DAY);
            day.write(out)?;
            out.push(b' ');
            write_clock(clock / HOUR, clock % HOUR, out)?;
            out.extend_from_slice(offset.as_bytes());
            out.extend_from_slice(day.era().as_bytes());
        }
    }
    Some(())
}

pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    infinity(text).or_else(|| {
        let (text, before_christ) = split_era(text);
        moment(text, before_christ, 0)
    })
}

pub(super) fn parse_timestamptz(text: &str) -> Option<i64> {
    infinity(text).or_else(|| {
        let (text, before_christ) = split_era(text);
        // A date contains hyphens, too: an offset only follows a time of day.
        text.contains(':').then_some(())?;
        let (text, east) = split_offset(text)?;
        moment(text, before_christ, east)
    })
}

fn infinity(text: &str) -> Option<i64> {
    match text {
        "infinity" => Some(i64::MAX),
        "-infinity" => Some(i64::MIN),
        _ => None,
    }
}

fn moment(text: &str, before_christ: bool, east: i64) -> Option<i64> {
    let (date, clock) = text.split_once([' ', 'T'])?;
    let days = Day::parse(date, before_christ)?.to_days();
    let time = days
        .checked_mul(DAY)?
        .checked_add(parse_time(clock)?)?
        .checked_sub(east * SECOND)?;
    (FIRST..END).contains(&time).then_some(time)
}
