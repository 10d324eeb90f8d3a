//! `gatewright login`, `logout` and `token`: a person's token.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;

use super::folders;
use crate::app;
use crate::config::Person;
use crate::login::{
    self, Browser, Held, LoggedOut, LoginSettings, ProfileName, Prompt, Redirect, TokenKind, Way,
};

/// Arguments of `gatewright login`. Those that are left out are taken from the person's configuration file, or from the
/// last login under the same name.
#[derive(Debug, Args)]
pub struct LoginArguments {
    /// The provider's URL
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The name under which the provider knows this program
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// A scope to ask for; can be given several times. Usual: openid, and offline_access where the provider has it
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// What the access token is to be for, for providers that take `audience`
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,
    /// The same as a URI, for providers that take `resource` (RFC 8707)
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// Which token the gateway gets; usual: the access token with --audience or --resource, else the ID token
    #[arg(long, value_name = "KIND")]
    token: Option<Kind>,
    /// Show a code to type on any device, instead of using a browser here
    #[arg(long)]
    device: bool,
    /// Print the address instead of opening a browser
    #[arg(long, conflicts_with = "device")]
    no_browser: bool,
    /// Where the provider sends the browser back to, if it must be registered with its port
    #[arg(long, value_name = "URI", conflicts_with = "device")]
    redirect_uri: Option<Redirect>,
    /// PEM file of the authorities that vouch for the provider, in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    profile: ProfileArgument,
}

/// The login that is meant.
#[derive(Debug, Args)]
pub struct ProfileArgument {
    /// The name of the login, for those who have several
    #[arg(long, value_name = "PROFILE")]
    name: Option<ProfileName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Id,
    Access,
}

impl ProfileArgument {
    /// The name that was given, or the one that the person's file has for such cases.
    pub(super) fn choose(self, person: &Person) -> ProfileName {
        folders::profile_name(self.name, person)
    }
}

pub(super) fn log_in(arguments: LoginArguments) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| {
        runtime.block_on(async {
            // Ctrl-C ends it as it ends any program: nothing has been kept yet.
            begin(arguments).await
        })
    }))
}

async fn begin(arguments: LoginArguments) -> Result<()> {
    let person = folders::person()?;
    let store = folders::store()?;
    let name = folders::profile_name(arguments.profile.name.clone(), &person);
    let profile = person.profiles.get(&name);
    let device = arguments.device || profile.is_some_and(|profile| profile.device);
    let known = match profile {
        Some(profile) => Some(profile.login.clone()),
        // What is there but cannot be used is no reason not to log in anew.
        None => store.load(&name).ok().flatten().map(|held| held.settings),
    };
    let way = match (device && !arguments.no_browser, arguments.no_browser) {
        (true, _) => Way::Device,
        (false, true) => Way::Browser(Browser::Leave),
        (false, false) => Way::Browser(Browser::Open),
    };
    let settings = settings(arguments, known)?;
    let held = login::log_in(&store, &name, settings, way, show).await?;
    eprintln!("{}", summary(&name, &held, SystemTime::now()));
    Ok(())
}

/// What is known, with what the arguments say instead.
fn settings(arguments: LoginArguments, known: Option<LoginSettings>) -> Result<LoginSettings> {
    // Of another provider nothing holds.
    let known = known.filter(|known| {
        let same = |issuer: &String| *issuer == known.issuer;
        arguments.issuer.as_ref().is_none_or(same)
    });
    let mut settings = match (known, arguments.issuer) {
        (Some(known), _) => known,
        (None, Some(issuer)) => {
            let missing =
                "--client-id is needed: the name under which the provider knows this program";
            LoginSettings::new(issuer, arguments.client_id.clone().context(missing)?)
        }
        (None, None) => anyhow::bail!(
            "where to log in is not known: give --issuer and --client-id, or write them to ~/.config/gatewright/login.toml"
        ),
    };
    if let Some(client_id) = arguments.client_id.filter(|id| *id != settings.client_id) {
        settings.client_id = client_id;
        settings.client_secret = None;
    }
    if !arguments.scopes.is_empty() {
        settings.scopes = arguments.scopes;
    }
    let retargeted = arguments.audience.is_some() || arguments.resource.is_some();
    if retargeted {
        settings.audience = arguments.audience;
        settings.resource = arguments.resource;
        settings.token = settings.usual_token();
    }
    match arguments.token {
        Some(Kind::Id) => settings.token = TokenKind::Id,
        Some(Kind::Access) => settings.token = TokenKind::Access,
        None => {}
    }
    if let Some(redirect) = arguments.redirect_uri {
        settings.redirect = redirect;
    }
    if let Some(ca) = arguments.ca {
        // It is read again at every renewal, wherever that is done from.
        settings.ca = Some(std::path::absolute(ca).context("--ca")?);
    }
    Ok(settings)
}

fn show(prompt: Prompt) {
    match prompt {
        Prompt::Visit { url, opened: true } => {
            eprintln!(
                "Your browser opens a page to log in. If it does not, open this address:\n\n  {url}\n"
            );
        }
        Prompt::Visit { url, opened: false } => {
            eprintln!(
                "Open this address in a browser on this machine to log in (is there none? then `gatewright login --device`):\n\n  {url}\n"
            );
        }
        Prompt::Type {
            url,
            code,
            whole_url,
            valid_for,
        } => {
            eprintln!(
                "To log in, open this address on any device and type the code, within {}:\n\n  {url}\n  {code}\n",
                human(valid_for)
            );
            if let Some(url) = whole_url {
                eprintln!("Or open this one, and check that it shows the same code:\n\n  {url}\n");
            }
        }
    }
}

fn summary(name: &ProfileName, held: &Held, now: SystemTime) -> String {
    let who = held
        .subject
        .as_deref()
        .unwrap_or("somebody the provider does not name");
    let left = held.expires_at.duration_since(now).unwrap_or_default();
    let renewed = match held.refresh_token {
        Some(_) => "is renewed by itself",
        None => "cannot be renewed without logging in again",
    };
    format!(
        "Logged in as {who} (profile {name}). The token is good for {} and {renewed}.",
        human(left)
    )
}

fn human(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

pub(super) fn log_out(profile: ProfileArgument) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| {
        runtime.block_on(async {
            let name = profile.choose(&folders::person()?);
            match login::log_out(&folders::store()?, &name).await? {
                LoggedOut::Nothing => eprintln!("Nobody was logged in as profile {name}."),
                LoggedOut::Forgotten => eprintln!("The login of profile {name} is forgotten."),
                LoggedOut::NotWithdrawn(error) => eprintln!(
                    "The login of profile {name} is forgotten here. Its refresh token is still good at the provider: {error}."
                ),
            }
            Ok(())
        })
    }))
}

pub(super) fn print_token(profile: ProfileArgument) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| {
        runtime.block_on(async {
            let name = profile.choose(&folders::person()?);
            let held = login::current(&folders::store()?, &name).await?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", held.token.expose_secret())?;
            out.flush()?;
            Ok(())
        })
    }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: LoginArguments,
    }

    fn arguments(line: &str) -> LoginArguments {
        let words = std::iter::once("login").chain(line.split_whitespace());
        Line::try_parse_from(words).expect(line).arguments
    }

    fn known() -> LoginSettings {
        LoginSettings {
            client_secret: Some("shh".into()),
            scopes: vec!["openid".to_owned()],
            resource: Some("urn:known".to_owned()),
            token: TokenKind::Access,
            ..LoginSettings::new("https://id.example.com", "cli")
        }
    }

    #[test]
    fn arguments_win_over_what_is_known() {
        let same = settings(arguments(""), Some(known())).expect("settings");
        assert_eq!(same.issuer, "https://id.example.com");
        assert_eq!(same.resource.as_deref(), Some("urn:known"));
        assert!(same.client_secret.is_some());

        let line = "--issuer https://id.example.com --scope a --scope b --audience x --token id";
        let other = settings(arguments(line), Some(known())).expect("settings");
        assert_eq!(other.scopes, ["a", "b"]);
        assert_eq!(other.audience.as_deref(), Some("x"));
        assert_eq!(other.resource, None, "a target is one or the other");
        assert_eq!(other.token, TokenKind::Id);

        // A secret belongs to its client.
        let client = settings(arguments("--client-id other"), Some(known())).expect("settings");
        assert!(client.client_secret.is_none());
    }

    #[test]
    fn nothing_that_is_known_goes_to_another_provider() {
        let line = "--issuer https://other.example.com --client-id x";
        let other = settings(arguments(line), Some(known())).expect("settings");
        assert!(other.client_secret.is_none() && other.resource.is_none());
        assert_eq!(other.token, TokenKind::Id);
        let line = arguments("--issuer https://other.example.com");
        let error = settings(line, Some(known())).expect_err("no client id");
        assert!(error.to_string().contains("--client-id"), "{error}");
        assert!(settings(arguments("--client-id x"), None).is_err());
    }
}
