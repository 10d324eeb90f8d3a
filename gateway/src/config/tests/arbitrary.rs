//! Damaged files.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A damaged file gives a report or a configuration, and never a panic; every error has a place
    /// inside the file.
    #[test]
    fn a_damaged_file_is_reported(cut in any::<prop::sample::Index>(), length in 0_usize..40, put in "[\\PC\n\"\\[\\]=]{0,12}") {
        let text: Vec<char> = example().chars().collect();
        let start = cut.index(text.len());
        let end = (start + length).min(text.len());
        let damaged: String = text[..start].iter().copied().chain(put.chars()).chain(text[end..].iter().copied()).collect();
        let lines = damaged.lines().count() + 1;
        if let Err(report) = folder().load(&damaged) {
            prop_assert!(!report.errors.is_empty());
            for error in report.errors {
                prop_assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error}");
            }
        }
    }
}

fn folder() -> &'static Folder {
    static FOLDER: std::sync::OnceLock<Folder> = std::sync::OnceLock::new();
    FOLDER.get_or_init(Folder::new)
}
