//! Durations and sizes, as they are written in the file.

use std::time::Duration;

/// Reads `250ms`, `30s`, `5m`, `1h`, `7d`, or several joined: `1h30m`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (count, unit, after) = number_and_unit(rest)?;
        let part = match unit {
            "ms" => Duration::from_millis(count),
            "s" => Duration::from_secs(count),
            "m" => Duration::from_secs(count.checked_mul(60)?),
            "h" => Duration::from_secs(count.checked_mul(3600)?),
            "d" => Duration::from_secs(count.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// Reads a duration on the command line.
///
/// # Errors
/// What is expected instead.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    duration(text).ok_or("a duration is a number with a unit: 250ms, 30s, 5m, 1h or 7d")
}

/// Reads `512B`, `64KiB`, `16MiB`, `1GiB` and their decimal kin `kB`, `MB`, `GB`.
pub(super) fn size(text: &str) -> Option<u64> {
    let (count, unit, after) = number_and_unit(text)?;
    let scale = match unit {
        "B" => 1,
        "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    if !after.is_empty() {
        return None;
    }
    count.checked_mul(scale)
}

fn number_and_unit(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    let end = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    let (unit, after) = rest.split_at(end);
    Some((number.parse().ok()?, unit, after))
}

/// Writes a duration so that [`duration`] reads it back.
pub(super) fn duration_text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    for (length, unit) in units {
        if millis > 0 && millis.is_multiple_of(length) {
            return format!("{}{unit}", millis / length);
        }
    }
    format!("{millis}ms")
}

/// Writes a size so that [`size`] reads it back.
pub(super) fn size_text(bytes: u64) -> String {
    for (scale, unit) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes > 0 && bytes.is_multiple_of(scale) {
            return format!("{}{unit}", bytes / scale);
        }
    }
    format!("{bytes}B")
}
