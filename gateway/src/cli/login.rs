//! `gatewright login`, `logout` and `token`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;

use super::directories;
use crate::app;
use crate::config::Person;
use crate::login::{
    self, Browser, LoginFlow, LoginSettings, LogoutOutcome, ProfileName, Prompt, Redirect,
    StoredLogin, TokenKind,
};

/// Arguments of `gatewright login`. Omitted arguments are taken from the person's login file, or from the last login of
/// the same profile.
#[derive(Debug, Args)]
pub struct LoginArguments {
    /// The provider's URL
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The client ID
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// A scope to request; can be repeated [default: openid, and offline_access if the provider supports it]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The audience of the access token, for providers with the `audience` parameter
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,
    /// The audience of the access token as a URI, for providers with the `resource` parameter (RFC 8707)
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// Which token the gateway gets [default: access with --audience or --resource, otherwise id]
    #[arg(long, value_name = "KIND")]
    token: Option<Kind>,
    /// Log in by entering a code on any device instead of using a browser on this machine
    #[arg(long)]
    device: bool,
    /// Print the URL instead of opening a browser
    #[arg(long, conflicts_with = "device")]
    no_browser: bool,
    /// The loopback redirect URI, for providers that require a registered port
    #[arg(long, value_name = "URI", conflicts_with = "device")]
    redirect_uri: Option<Redirect>,
    /// PEM file with the CAs for the provider's certificate, in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    profile: ProfileArgument,
}

/// Selects a login.
#[derive(Debug, Args)]
pub struct ProfileArgument {
    /// The profile name of the login
    #[arg(long, value_name = "PROFILE")]
    name: Option<ProfileName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Id,
    Access,
}

impl ProfileArgument {
    /// The given profile name, or the default of the person's login file.
    pub(super) fn choose(self, person: &Person) -> ProfileName {
        directories::profile_name(self.name, person)
    }
}

pub(super) fn log_in(arguments: LoginArguments) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| {
        runtime.block_on(async {
            // SIGINT needs no handling: nothing has been stored before the login is complete.
            begin(arguments).await
        })
    }))
}

async fn begin(arguments: LoginArguments) -> Result<()> {
    let person = directories::person()?;
    let store = directories::store()?;
    let name = directories::profile_name(arguments.profile.name.clone(), &person);
    let profile = person.profiles.get(&name);
    let device = arguments.device || profile.is_some_and(|profile| profile.device);
    let known = match profile {
        Some(profile) => Some(profile.login.clone()),
        // A stored login that cannot be read does not prevent a new login.
        None => store.load(&name).ok().flatten().map(|login| login.settings),
    };
    let flow = match (device && !arguments.no_browser, arguments.no_browser) {
        (true, _) => LoginFlow::Device,
        (false, true) => LoginFlow::Browser(Browser::Manual),
        (false, false) => LoginFlow::Browser(Browser::Open),
    };
    let settings = settings(arguments, known)?;
    let stored = login::log_in(&store, &name, settings, flow, show).await?;
    eprintln!("{}", summary(&name, &stored, SystemTime::now()));
    Ok(())
}

/// The known settings, overridden by the arguments.
fn settings(arguments: LoginArguments, known: Option<LoginSettings>) -> Result<LoginSettings> {
    // Settings of another provider are not used.
    let known = known.filter(|known| {
        let same = |issuer: &String| *issuer == known.issuer;
        arguments.issuer.as_ref().is_none_or(same)
    });
    let mut settings = match (known, arguments.issuer) {
        (Some(known), _) => known,
        (None, Some(issuer)) => {
            let missing = "--client-id is required";
            LoginSettings::new(issuer, arguments.client_id.clone().context(missing)?)
        }
        (None, None) => anyhow::bail!(
            "no provider is configured; pass --issuer and --client-id, or set them in ~/.config/gatewright/login.toml"
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
        // The file is read at every renewal, which may run in another working directory.
        settings.ca = Some(std::path::absolute(ca).context("--ca")?);
    }
    Ok(settings)
}

fn show(prompt: Prompt) {
    match prompt {
        Prompt::OpenUrl { url, opened: true } => {
            eprintln!(
                "Log in on the page that opens in your browser. If it does not open, use this URL:\n\n  {url}\n"
            );
        }
        Prompt::OpenUrl { url, opened: false } => {
            eprintln!(
                "To log in, open this URL in a browser on this machine (without a browser, use `gatewright login --device`):\n\n  {url}\n"
            );
        }
        Prompt::EnterCode {
            url,
            code,
            complete_url,
            valid_for,
        } => {
            eprintln!(
                "To log in, open this URL on any device and enter the code within {}:\n\n  {url}\n  {code}\n",
                human(valid_for)
            );
            if let Some(url) = complete_url {
                eprintln!("Or open this URL, and check that it shows the same code:\n\n  {url}\n");
            }
        }
    }
}

fn summary(name: &ProfileName, login: &StoredLogin, now: SystemTime) -> String {
    let subject = match &login.subject {
        Some(subject) => format!(" as {subject}"),
        None => String::new(),
    };
    let left = login.expires_at.duration_since(now).unwrap_or_default();
    let renewal = match login.refresh_token {
        Some(_) => "will be renewed automatically",
        None => "cannot be renewed",
    };
    format!(
        "Logged in{subject} (profile {name}). The token is valid for {} and {renewal}.",
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
            let name = profile.choose(&directories::person()?);
            match login::log_out(&directories::store()?, &name).await? {
                LogoutOutcome::NotLoggedIn => eprintln!("Profile {name} is not logged in."),
                LogoutOutcome::Deleted => eprintln!("Logged out of profile {name}."),
                LogoutOutcome::NotRevoked(error) => eprintln!(
                    "Logged out of profile {name}, but its refresh token could not be revoked and remains valid: {error}."
                ),
            }
            Ok(())
        })
    }))
}

pub(super) fn print_token(profile: ProfileArgument) -> ExitCode {
    super::finish(app::runtime().and_then(|runtime| {
        runtime.block_on(async {
            let name = profile.choose(&directories::person()?);
            let stored = login::current(&directories::store()?, &name).await?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", stored.token.expose_secret())?;
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
    fn arguments_override_known_settings() {
        let same = settings(arguments(""), Some(known())).expect("settings");
        assert_eq!(same.issuer, "https://id.example.com");
        assert_eq!(same.resource.as_deref(), Some("urn:known"));
        assert!(same.client_secret.is_some());

        let line = "--issuer https://id.example.com --scope a --scope b --audience x --token id";
        let other = settings(arguments(line), Some(known())).expect("settings");
        assert_eq!(other.scopes, ["a", "b"]);
        assert_eq!(other.audience.as_deref(), Some("x"));
        assert_eq!(other.resource, None, "--audience replaces --resource");
        assert_eq!(other.token, TokenKind::Id);

        // A client secret is valid only for its client ID.
        let client = settings(arguments("--client-id other"), Some(known())).expect("settings");
        assert!(client.client_secret.is_none());
    }

    #[test]
    fn known_settings_are_not_used_for_another_provider() {
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
