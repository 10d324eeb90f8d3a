//! What the subcommands print: headings, steps and results, in colour on a terminal.

use std::io::IsTerminal;
use std::sync::LazyLock;

static COLOUR: LazyLock<bool> =
    LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());

/// A heading for a stage of work.
pub fn stage(text: &str) {
    println!("\n{}", paint("1;36", &format!("== {text}")));
}

/// A plain note.
pub fn note(text: &str) {
    println!("   {text}");
}

/// Bold, green, red and dim text; unchanged if the output is not a terminal.
pub fn bold(text: &str) -> String {
    paint("1", text)
}

pub fn green(text: &str) -> String {
    paint("32", text)
}

pub fn red(text: &str) -> String {
    paint("31", text)
}

pub fn dim(text: &str) -> String {
    paint("2", text)
}

fn paint(code: &str, text: &str) -> String {
    if *COLOUR {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
