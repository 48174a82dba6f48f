//! The life of an app: read the configuration, start, and say in one line why it cannot.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use express_session_core::{CookieOptions, Options, OptionsBuilder, OptionsError};
use serde::de::DeserializeOwned;
use tracing_subscriber::EnvFilter;

use crate::arguments::Arguments;
use crate::attempts::Attempts;
use crate::config_file::{ConfigError, Sections};
use crate::session_settings::SessionSettings;
use crate::settings::{Server, Variable};

/// What an app gets to start with. `Settings` is the app's own part of its file.
pub struct Setup<Settings> {
    /// Every section of the file but `[server]` and `[session]`.
    pub settings: Settings,
    pub(crate) server: Server,
    session: SessionSettings,
    file: String,
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
    let matches = Arguments::command().name(name).version(env!("CARGO_PKG_VERSION")).get_matches();
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
        self.session.secrets(of_the_article)
    }

    /// The options of the session middleware: the app's, where the configuration does not say otherwise.
    ///
    /// # Errors
    ///
    /// If they do not work together; the text says what to change, and where.
    pub fn session(&self, options: OptionsBuilder, cookie: CookieOptions) -> anyhow::Result<Options> {
        let session = self.session.clone().over(options, cookie);
        session.map_err(|error| ConfigError::new(self.explain(error)).into())
    }

    /// A new count of attempts to log in, which believes the proxies that the configuration trusts.
    pub fn attempts(&self) -> Attempts {
        Attempts::new(self.session.trusts_proxy())
    }

    /// Whether this is a server for visitors (`server.environment`, or `NODE_ENV` where the app knows it).
    pub fn is_production(&self) -> bool {
        self.server.environment == "production"
    }

    /// What is wrong with the session options, and where to mend it.
    fn explain(&self, error: OptionsError) -> String {
        let file = &self.file;
        let about_secret = matches!(
            error,
            OptionsError::NoSecret(_)
                | OptionsError::EmptySecret { .. }
                | OptionsError::WeakSecret { .. }
                | OptionsError::GuessableSecret { .. }
        );
        match self.secret_variable {
            Some(name) if about_secret => format!(
                "{error}; set the environment variable {name}, or `secret` under [session] in {file} \
                 (to make one: openssl rand -base64 33)"
            ),
            _ => format!("{file} [session]: {:#}", anyhow::Error::new(error)),
        }
    }
}

impl<Settings: DeserializeOwned> Setup<Settings> {
    fn read(name: &str, arguments: Arguments, variables: &[Variable]) -> Result<Self, ConfigError> {
        let mut sections = Sections::read(name, arguments.config, variables)?;
        let server: Server = sections.take("server")?;
        let session: SessionSettings = sections.take("session")?;
        start_logging(&server.log, &sections.file)?;
        let secret_variable = variables.iter().find(|variable| variable.key == "session.secret");
        let secret_variable = secret_variable.map(|variable| variable.name);
        Ok(Self { settings: sections.rest()?, server, session, file: sections.file, secret_variable })
    }
}

impl<Settings> std::fmt::Debug for Setup<Settings> {
    /// Without secrets, and without the app's own settings, which may hold some.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("server", &self.server)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// `RUST_LOG` counts more than the file.
fn start_logging(filter: &str, file: &str) -> Result<(), ConfigError> {
    let (text, place) = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => (text, "the environment variable RUST_LOG".to_owned()),
        _ => (filter.to_owned(), format!("{file} [server]")),
    };
    let filter = EnvFilter::try_new(&text)
        .map_err(|error| ConfigError::new(format!("{place}: `log` is not a filter: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| ConfigError::new(format!("logging cannot be started: {error}")))
}
