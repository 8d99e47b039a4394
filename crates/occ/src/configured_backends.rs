//! The backends of the configuration, ready to be asked, and a resolver for them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use accounts::{FirstSignIn, LOCAL_BACKEND};
use async_trait::async_trait;
use user_backend::config::{Config, ConfiguredBackend, Entry};
use user_backend::resolver::names::Admit;
use user_backend::resolver::{PinError, PinOwner, PinStore};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{
    BackendId, BackendPolicy, CanonicalName, DomainRules, NameRules, Phase, Resolver, UserBackend,
};

use crate::cli::Common;
use crate::config_file::{read, read_file, wrong};
use crate::exit::CliError;
use crate::output::eprintln_line;
use crate::store;

/// One backend of the configuration, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    pub(crate) backend: Arc<dyn UserBackend>,
    pub(crate) class: String,
    pub(crate) endpoint: Option<Endpoint>,
    /// How the connection is encrypted, where that is for us to choose.
    pub(crate) tls: Option<TlsMode>,
    pub(crate) policy: BackendPolicy,
    pub(crate) names: NameRules,
    /// Warnings about risky settings.
    pub(crate) warnings: Vec<String>,
}

impl Configured {
    pub(crate) fn id(&self) -> &BackendId {
        self.backend.id()
    }

    /// Host and port, for people.
    pub(crate) fn server(&self) -> String {
        self.endpoint.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
    }

    /// The TLS mode in one word.
    pub(crate) fn tls(&self) -> Option<&'static str> {
        self.tls.map(TlsMode::as_str)
    }
}

/// A loaded and validated configuration.
#[derive(Debug)]
pub(crate) struct LoadedConfig {
    pub(crate) file: PathBuf,
    /// Warnings about settings outside of the backends.
    pub(crate) warnings: Vec<String>,
    pub(crate) backends: Vec<Configured>,
    /// The pins of the store, if there is one.
    pub(crate) pins: Option<Arc<dyn PinStore>>,
    /// The deadline of one attempt, for all backends together.
    pub(crate) deadline: Duration,
    /// The source configuration; `None` in tests.
    pub(crate) source: Option<Config>,
}

impl LoadedConfig {
    /// The backend with this id.
    pub(crate) fn backend(&self, id: &str) -> Result<&Configured, CliError> {
        self.backends.iter().find(|backend| backend.id().as_str() == id).ok_or_else(|| {
            let ids: Vec<&str> = self.backends.iter().map(|backend| backend.id().as_str()).collect();
            CliError::new(format!("there is no backend \"{id}\"; there are: {}", ids.join(", ")))
        })
    }

    /// Shows all warnings on standard error.
    pub(crate) fn warn(&self) {
        for warning in &self.warnings {
            eprintln_line(&format!("warning: {warning}"));
        }
        for backend in &self.backends {
            for warning in &backend.warnings {
                eprintln_line(&format!("warning: {}: {warning}", backend.id()));
            }
        }
    }

    /// Prints configuration errors that a server revealed to standard error, with position.
    pub(crate) fn complain_about(&self, wrong: &[(&BackendId, Phase, &str)]) {
        let Some(config) = &self.source else { return };
        let found = wrong.iter().filter_map(|(id, phase, detail)| config.locate_error(id, *phase, detail));
        let text: String = found.map(|error| format!("\n{error}")).collect();
        if !text.is_empty() {
            eprintln_line(&format!("occ: the configuration is wrong{text}"));
        }
    }

    /// A resolver for all backends, or for one.
    pub(crate) fn resolver(&self, only: Option<&str>) -> Result<Resolver, CliError> {
        let backends = match only {
            Some(id) => std::slice::from_ref(self.backend(id)?),
            None => &self.backends,
        };
        let mut builder = Resolver::builder().deadline(self.deadline);
        // An operator who names a backend wants its answer, even if another one owns the name.
        if let Some(pins) = self.pins.as_ref().filter(|_| only.is_none()) {
            builder = builder.pins(Arc::clone(pins));
        }
        for one in backends {
            // Nor does that backend's answer depend on who may have an account.
            let names = match only {
                Some(_) => one.names.clone().with_admit(Admit::Everybody),
                None => one.names.clone(),
            };
            builder = builder.backend_with(Arc::clone(&one.backend), one.policy.clone(), names);
        }
        builder.build().map_err(|error| CliError::new(error.to_string()))
    }
}

/// Finds and reads the configuration.
///
/// Opens no connection.
pub(crate) fn load(common: &Common) -> Result<LoadedConfig, CliError> {
    let (file, _, config) = read(common)?;
    if config.entries().is_empty() {
        // Says what is missing, and where.
        read_file(common, &file, |loader| loader)?;
    }
    setup(file, config)
}

/// The same with the people of the store, if there is one: the server asks them first.
pub(crate) async fn load_with_local(common: &Common) -> Result<LoadedConfig, CliError> {
    let (file, server, config) = read(common)?;
    let store = store::find(&config, server).await?;
    if store.is_none() && config.entries().is_empty() {
        read_file(common, &file, |loader| loader)?;
    }
    let mut setup = setup(file, config)?;
    if let Some(store) = store {
        let backend = store.local().await?.backend(&store.accounts)?;
        let (policy, class) = (backend.policy(), LOCAL_BACKEND.to_owned());
        let local = Configured {
            backend: Arc::new(backend),
            class,
            endpoint: None,
            tls: None,
            policy,
            names: DomainRules::none().into(),
            warnings: Vec::new(),
        };
        setup.backends.insert(0, local);
        setup.pins = Some(Arc::new(ReadOnlyPins(store.accounts.pin_store())));
    }
    Ok(setup)
}

/// [`load`] where there may be no backends: the server starts without them, too.
pub(crate) fn load_any(common: &Common) -> Result<LoadedConfig, CliError> {
    let (file, _, config) = read(common)?;
    setup(file, config)
}

fn setup(file: PathBuf, config: Config) -> Result<LoadedConfig, CliError> {
    let built = config.build_backends().map_err(wrong)?;
    for entry in config.entries() {
        FirstSignIn::of(entry, &config).map_err(wrong)?;
    }
    let about = |id: Option<&BackendId>| -> Vec<String> {
        let mine = config.warnings().iter().filter(|warning| warning.backend() == id);
        let texts = mine.map(|warning| {
            let place = warning.file().zip(warning.line());
            let place = place.map_or_else(String::new, |(file, line)| format!(" ({file}:{line})"));
            format!("{}: {}{place}", warning.setting(), warning.text())
        });
        texts.collect()
    };
    let configured =
        |(entry, ConfiguredBackend { backend, policy, names, .. }): (&Entry, ConfiguredBackend)| Configured {
            backend,
            class: entry.class().to_owned(),
            endpoint: entry.endpoint().cloned(),
            tls: entry.tls(),
            policy,
            names,
            warnings: about(Some(entry.id())),
        };
    let backends = config.entries().iter().zip(built).map(configured).collect();
    let (warnings, deadline) = (about(None), config.resolver().deadline);
    Ok(LoadedConfig { backends, warnings, deadline, file, pins: None, source: Some(config) })
}

/// The pins of the store, read only: a trial binds no name.
#[derive(Debug)]
struct ReadOnlyPins(Arc<dyn PinStore>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PinStore for ReadOnlyPins {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<PinOwner>, PinError> {
        self.0.owner(name).await
    }

    async fn bind(
        &self,
        name: &CanonicalName,
        backend: &BackendId,
        _: Option<&str>,
    ) -> Result<PinOwner, PinError> {
        Ok(self.0.owner(name).await?.unwrap_or_else(|| PinOwner::new(backend.clone(), None)))
    }

    async fn is_member(&self, name: &CanonicalName, group: &str) -> Result<Option<bool>, PinError> {
        self.0.is_member(name, group).await
    }

    async fn rebind(
        &self,
        name: &CanonicalName,
        _: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        Ok(self.0.owner(name).await?.map(|owner| owner.backend))
    }
}
