//! The life of an app: read the configuration, start, and say in one line why it cannot.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use express_session_core::{Options, OptionsBuilder, OptionsError, SessionSettings};
use serde::de::DeserializeOwned;
use tracing_subscriber::EnvFilter;

use crate::arguments::Arguments;
use crate::attempts::Attempts;
use crate::config_file::{ConfigError, Origins, Sections};
use crate::environment::{Variable, overrides};
use crate::help;
use crate::settings::Server;

/// What an app gets to start with. `Settings` is the app's own part of its file.
pub struct Setup<Settings> {
    /// Every section of the file but `[server]` and `[session]`.
    pub settings: Settings,
    pub(crate) server: Server,
    session: SessionSettings,
    origins: Origins,
    secret_variable: Option<&'static str>,
}

/// Runs an app until it is told to stop.
///
/// `variables` are the environment variables it knows by a name of their own. If `start` fails, or cannot even be
/// called, one line on standard error says why, and the exit code is 1.
pub async fn run<Settings, Start>(name: &'static str, variables: &[Variable], start: Start) -> ExitCode
where
    Settings: DeserializeOwned,
    Start: AsyncFnOnce(Setup<Settings>) -> anyhow::Result<()>,
{
    // Ends the process by itself for `--help` and for arguments it does not know.
    let command = Arguments::command().name(name).version(env!("CARGO_PKG_VERSION"));
    let matches = command.after_help(help::settings::<Settings>(name, variables)).get_matches();
    let outcome = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => match Setup::read(name, arguments, variables) {
            Ok(setup) => start(setup).await,
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reason = format!("{error:#}").replace('\n', " ");
            // If standard error is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

impl<Settings> Setup<Settings> {
    /// The secrets that sign the cookie: these, the article's, unless the configuration or the environment has others.
    pub fn secrets(&self, of_the_article: &[&str]) -> Vec<String> {
        match &self.session.secret {
            Some(secrets) => secrets.as_slice().to_vec(),
            None => of_the_article.iter().map(|secret| (*secret).to_owned()).collect(),
        }
    }

    /// The options of the session middleware: the app's, where the configuration does not say otherwise.
    ///
    /// # Errors
    ///
    /// If they do not work together; the text says what to change, and where.
    pub fn session(&self, options: OptionsBuilder) -> anyhow::Result<Options> {
        let options = options.settings(&self.session).build();
        options.map_err(|error| ConfigError::new(self.explain(error)).into())
    }

    /// Where the value of a key such as `store.url` stands, for messages: a variable, or a place in the file.
    pub fn place(&self, key: &str) -> String {
        self.origins.place(key)
    }

    /// A new count of attempts to log in, which believes the proxies that the configuration trusts.
    pub fn attempts(&self) -> Attempts {
        let always = self.session.proxy;
        let proxies = self.session.trust_proxy.clone().unwrap_or_default();
        Attempts::new(move |peer| always.unwrap_or_else(|| proxies.contains(&peer)))
    }

    /// Whether this is a server for visitors (`server.environment`, or `NODE_ENV` where the app knows it).
    pub fn is_production(&self) -> bool {
        self.server.environment == "production"
    }

    /// What is wrong with the session options, and where to mend it.
    fn explain(&self, error: OptionsError) -> String {
        let about_secret = matches!(
            error,
            OptionsError::NoSecret(_)
                | OptionsError::EmptySecret { .. }
                | OptionsError::WeakSecret { .. }
                | OptionsError::GuessableSecret { .. }
        );
        let origins = &self.origins;
        if about_secret {
            let variable = origins.variable("session.secret").or(self.secret_variable);
            let variable =
                variable.map(|name| format!("the environment variable {name}, or ")).unwrap_or_default();
            let place = origins.place_in_file("session.secret");
            return format!("{error}; set {variable}{place} (to make one: openssl rand -base64 33)");
        }
        let error = format!("{:#}", anyhow::Error::new(error));
        match origins.variable_named_in("session", &error) {
            Some(variable) => format!("the environment variable {variable}: {error}"),
            None => format!("{}: {error}", origins.section("session")),
        }
    }
}

impl<Settings: DeserializeOwned> Setup<Settings> {
    fn read(name: &str, arguments: Arguments, variables: &[Variable]) -> Result<Self, ConfigError> {
        let mut sections = Sections::read(name, arguments.config, overrides(variables)?)?;
        let server: Server = sections.take("server")?;
        let session: SessionSettings = sections.take("session")?;
        start_logging(&server.log, &sections.origins)?;
        let secret_variable = variables.iter().find(|variable| variable.key == "session.secret");
        let secret_variable = secret_variable.map(|variable| variable.name);
        Ok(Self { settings: sections.rest()?, server, session, origins: sections.origins, secret_variable })
    }
}

impl<Settings> std::fmt::Debug for Setup<Settings> {
    /// Without secrets, and without the app's own settings, which may hold some.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("server", &self.server).finish_non_exhaustive()
    }
}

/// `RUST_LOG` counts more than the file.
fn start_logging(filter: &str, origins: &Origins) -> Result<(), ConfigError> {
    let (text, place) = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => (text, "the environment variable RUST_LOG".to_owned()),
        _ => (filter.to_owned(), origins.place("server.log")),
    };
    let filter = EnvFilter::try_new(&text)
        .map_err(|error| ConfigError::new(format!("{place} is not a filter: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| ConfigError::new(format!("logging cannot be started: {error}")))
}
