//! What docs/identity.md shows is real.

use super::*;

const PAGE: &str = include_str!("../../../../docs/identity.md");

/// The code blocks of a kind, in the page's order.
fn blocks(kind: &str) -> Vec<&'static str> {
    let start = format!("```{kind}\n");
    PAGE.split(&start)
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn the_pieces_of_the_configuration_make_one_that_loads() {
    let folder = Folder::new();
    let pieces = blocks("toml");
    assert_eq!(pieces.len(), 5);
    let config = folder
        .load(&pieces.join("\n"))
        .unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.issuers.len(), 3);
    assert_eq!(config.listen.certificates.rules().len(), 3);
    // What is asked for in the examples is what the configuration expects, and its groups open something.
    let examples = [blocks("yaml"), blocks("console")].concat().join("\n");
    for (issuer, asked) in config.issuers.iter().zip([
        "--client-id gatewright-people",
        "audience: gatewright ",
        "audience=gatewright-ci\"",
    ]) {
        assert!(examples.contains(asked), "{asked}");
        assert!(asked.contains(&issuer.audiences[0]), "{asked}");
    }
    let opened = &config.grants.rules()[0].groups;
    let given = config
        .issuers
        .iter()
        .flat_map(|issuer| issuer.subject_groups.values());
    let certificates = config.listen.certificates.rules().iter();
    for groups in given.chain(certificates.map(|rule| &rule.groups)) {
        assert_eq!(groups, opened);
    }
}

#[test]
fn its_commands_have_the_arguments_that_are_shown() {
    use clap::CommandFactory;
    let command = crate::cli::Arguments::command();
    let known = |name: &str, argument: &str| {
        let found = command.find_subcommand(name).unwrap();
        found
            .get_arguments()
            .any(|known| known.get_long() == Some(argument))
    };
    for (name, arguments) in [
        ("proxy", &["upstream", "ca", "token-file"][..]),
        ("login", &["issuer", "client-id"]),
        ("check", &["config"]),
    ] {
        for argument in arguments {
            assert!(PAGE.contains(&format!("--{argument}")), "{argument}");
            assert!(known(name, argument), "{name} --{argument}");
        }
    }
}
