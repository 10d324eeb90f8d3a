//! How `cargo xtask soak` tells randomized tests where to begin and how many cases to run.

/// Environment variable: the seed, a 64-bit number.
pub const SEED: &str = "GATEWRIGHT_SOAK_SEED";
/// Environment variable: the number of cases, a 32-bit number.
pub const CASES: &str = "GATEWRIGHT_SOAK_CASES";

/// The seed to start from. If it is absent, a test uses fixed seeds or a random one.
///
/// # Panics
/// When the variable is not a number: ignoring it would replay the wrong run.
pub fn seed() -> Option<u64> {
    number(SEED, std::env::var(SEED).ok())
}

/// The number of cases: the variable, or `default`.
///
/// # Panics
/// When the variable is not a number.
pub fn cases(default: u32) -> u32 {
    number(CASES, std::env::var(CASES).ok()).unwrap_or(default)
}

/// The seeds of `cases(default)` cases, starting at `seed()` or else at `first`.
pub fn seeds(first: u64, default: u32) -> impl Iterator<Item = u64> {
    let first = seed().unwrap_or(first);
    (0..u64::from(cases(default))).map(move |at| first.wrapping_add(at))
}

fn number<N: std::str::FromStr>(name: &str, text: Option<String>) -> Option<N> {
    let text = text?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{name} is `{text}`, which is not a valid number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_parsed_and_anything_else_is_rejected() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(number::<u64>(SEED, None), None);
        assert_eq!(number(SEED, text("18446744073709551615")), Some(u64::MAX));
        for wrong in ["", "-1", "seven", "4294967296"] {
            let read = std::panic::catch_unwind(|| number::<u32>(CASES, text(wrong)));
            assert!(read.is_err(), "{wrong}");
        }
    }
}
