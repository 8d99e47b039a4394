//! The catalogue of apps: built-in features, and the folder of installed apps.
//!
//! The server and the command line speak of the same ones.

pub(crate) mod manifest;

use std::path::{Path, PathBuf};

use crate::domain::AccountsError;
use crate::service::app_catalogue::manifest::ManifestElement;
use crate::service::local_password::policy::POLICY_APP;
use crate::store::{Accounts, ActingAccounts};

/// Users of other backends than the local one.
pub const EXTERNAL_APP: &str = "user_external";

/// A feature that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppFeature {
    /// Its id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Description.
    pub summary: &'static str,
    /// Always enabled: without it the server could not be administered.
    pub always: bool,
}

const FEATURES: &[AppFeature] = &[
    AppFeature {
        id: POLICY_APP,
        name: "Password policy",
        summary: "Asks for passwords that are hard to guess",
        always: false,
    },
    AppFeature {
        id: "provisioning_api",
        name: "Provisioning API",
        summary: "Lets programs manage users, groups and apps",
        always: true,
    },
    AppFeature {
        id: EXTERNAL_APP,
        name: "External user authentication",
        summary: "Signs people in with their password on a mail, file or FTP server",
        always: false,
    },
];

/// An installed app.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstalledApp {
    /// Its id.
    pub id: String,
    /// Its version; empty when its manifest has none.
    pub version: String,
    /// Whether it is on.
    pub enabled: bool,
}

/// Metadata of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppInfo {
    /// It is a feature.
    Feature(AppFeature),
    /// In the folder of apps, with this manifest.
    Manifest(ManifestElement),
}

/// Why an app cannot be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppNotSwitchable {
    /// There is no such app.
    Missing,
    /// It is always on.
    Always,
}

/// All apps.
#[derive(Clone, Debug, Default)]
pub struct AppCatalogue {
    folder: Option<PathBuf>,
}

impl AppInfo {
    /// The app's version; a feature has that of this crate.
    pub fn version(&self) -> &str {
        match self {
            Self::Feature(_) => env!("CARGO_PKG_VERSION"),
            Self::Manifest(manifest) => manifest.text_of("version"),
        }
    }
}

impl AppCatalogue {
    /// The features, and the apps in a folder.
    pub fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned) }
    }

    /// All apps by id.
    ///
    /// Features are on unless disabled; installed apps are off unless enabled.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, accounts: &Accounts) -> Result<Vec<InstalledApp>, AccountsError> {
        let states = accounts.apps().states().await?;
        let state = |id: &str| states.iter().find(|(found, _)| found == id).map(|(_, enabled)| *enabled);
        let features = FEATURES.iter().map(|feature| feature.id.to_owned());
        let mut ids: Vec<String> = features.chain(self.in_folder()).collect();
        ids.sort_unstable();
        ids.dedup();
        let apps = ids.into_iter().filter_map(|id| {
            let about = self.find(&id)?;
            let enabled = match &about {
                AppInfo::Feature(feature) => feature.always || state(&id).unwrap_or(true),
                AppInfo::Manifest(_) => state(&id).unwrap_or(false),
            };
            Some(InstalledApp { version: about.version().to_owned(), id, enabled })
        });
        Ok(apps.collect())
    }

    /// The metadata of an app, if it is installed.
    pub fn find(&self, id: &str) -> Option<AppInfo> {
        if let Some(feature) = FEATURES.iter().find(|feature| feature.id == id) {
            return Some(AppInfo::Feature(*feature));
        }
        let folder = self.folder.as_ref().filter(|_| is_id(id))?;
        ManifestElement::read(&folder.join(id).join("appinfo").join("info.xml")).map(AppInfo::Manifest)
    }

    /// The folder of an app, as the settings name it; features have none.
    pub fn folder_of(&self, id: &str) -> Option<PathBuf> {
        let is_in_folder = matches!(self.find(id)?, AppInfo::Manifest(_));
        self.folder.as_ref().filter(|_| is_in_folder).map(|folder| folder.join(id))
    }

    /// Switches an app.
    ///
    /// # Errors
    /// When the store could not do it.
    pub async fn switch(
        &self,
        accounts: &ActingAccounts,
        id: &str,
        enabled: bool,
    ) -> Result<Result<(), AppNotSwitchable>, AccountsError> {
        match self.find(id) {
            None => return Ok(Err(AppNotSwitchable::Missing)),
            Some(AppInfo::Feature(feature)) if feature.always => {
                return Ok(if enabled { Ok(()) } else { Err(AppNotSwitchable::Always) });
            }
            Some(_) => {}
        }
        accounts.apps().set_enabled(id, enabled).await?;
        Ok(Ok(()))
    }

    fn in_folder(&self) -> Vec<String> {
        let entries = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let names =
            entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|id| is_id(id)).collect()
    }
}

/// An id that can be the name of a folder and of nothing else.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 100
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
