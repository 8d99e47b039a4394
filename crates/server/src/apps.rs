//! Apps: the features of this server that can be switched, and what lies in the folder of installed apps.

mod manifest;

use std::path::{Path, PathBuf};

use accounts::{Accounts, AccountsError};

use crate::ocs::data::Data;

/// People of other backends than the local one.
pub const EXTERNAL: &str = "user_external";

/// A feature of this server.
#[derive(Clone, Copy, Debug)]
struct Feature {
    id: &'static str,
    name: &'static str,
    summary: &'static str,
    /// What would be left without it could not be administered.
    always: bool,
}

const FEATURES: &[Feature] = &[
    Feature {
        id: accounts::POLICY_APP,
        name: "Password policy",
        summary: "Asks for passwords that are hard to guess",
        always: false,
    },
    Feature {
        id: "provisioning_api",
        name: "Provisioning API",
        summary: "Lets programs manage users, groups and apps",
        always: true,
    },
    Feature {
        id: EXTERNAL,
        name: "External user authentication",
        summary: "Signs people in with their password on a mail, file or FTP server",
        always: false,
    },
];

/// An app that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// Its id.
    pub id: String,
    /// Whether it is on.
    pub enabled: bool,
}

/// Why an app cannot be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// There is no such app.
    Missing,
    /// It is always on.
    Always,
}

/// All apps.
#[derive(Debug)]
pub struct Apps {
    folder: Option<PathBuf>,
}

impl Apps {
    /// The features, and the apps in a folder.
    pub fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned) }
    }

    /// All apps by id. Features are on unless somebody switched them off, installed apps the other way round.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn list(&self, accounts: &Accounts) -> Result<Vec<Installed>, AccountsError> {
        let states = accounts.apps().states().await?;
        let state = |id: &str| states.iter().find(|(found, _)| found == id).map(|(_, enabled)| *enabled);
        let features = FEATURES.iter().map(|feature| Installed {
            id: feature.id.to_owned(),
            enabled: feature.always || state(feature.id).unwrap_or(true),
        });
        let mut all: Vec<Installed> = features.collect();
        for id in self.in_folder() {
            if !all.iter().any(|app| app.id == id) {
                let enabled = state(&id).unwrap_or(false);
                all.push(Installed { id, enabled });
            }
        }
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(all)
    }

    /// What an app tells about itself, if it is there.
    pub fn info(&self, id: &str) -> Option<Data> {
        if let Some(feature) = FEATURES.iter().find(|feature| feature.id == id) {
            return Some(feature.info());
        }
        let folder = self.folder.as_ref().filter(|_| is_id(id))?;
        manifest::read(&folder.join(id).join("appinfo").join("info.xml"))
    }

    /// Switches an app.
    ///
    /// # Errors
    /// When the store could not do it.
    pub async fn switch(
        &self,
        accounts: &Accounts,
        id: &str,
        enabled: bool,
    ) -> Result<Result<(), Fixed>, AccountsError> {
        let feature = FEATURES.iter().find(|feature| feature.id == id);
        if feature.is_none() && self.info(id).is_none() {
            return Ok(Err(Fixed::Missing));
        }
        if feature.is_some_and(|feature| feature.always) {
            return Ok(if enabled { Ok(()) } else { Err(Fixed::Always) });
        }
        accounts.apps().set_enabled(id, enabled).await?;
        Ok(Ok(()))
    }

    fn in_folder(&self) -> Vec<String> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|id| is_id(id) && folder.join(id).join("appinfo").join("info.xml").is_file()).collect()
    }
}

impl Feature {
    fn info(&self) -> Data {
        Data::map([
            ("id", Data::from(self.id)),
            ("name", self.name.into()),
            ("summary", self.summary.into()),
            ("description", self.summary.into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("licence", env!("CARGO_PKG_LICENSE").into()),
            ("author", env!("CARGO_PKG_AUTHORS").into()),
            ("types", Data::NOTHING),
            ("category", "auth".into()),
            ("dependencies", Data::NOTHING),
            ("info", Data::NOTHING),
            ("remote", Data::NOTHING),
            ("public", Data::NOTHING),
            ("shipped", true.into()),
        ])
    }
}

/// An id that can be the name of a folder and of nothing else.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 100
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
