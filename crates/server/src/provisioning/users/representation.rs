//! A user as the API shows them: the keys, in the order that clients expect.
//!
//! Newer keys are where newer versions of the PHP system have them.

use accounts::{Details, LOCAL_BACKEND_IN_API, Profile, ProfileField, ProfileScope, Quota, Timestamp};

use smol_str::{SmolStr, format_smolstr};

use crate::provisioning::envelope::data::Data;
use crate::settings::ServerSettings;

/// The reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// An administrator of that user: sees whether the user is enabled.
    Superior {
        /// Whether it is the user too, requested by the exact id: sees scopes.
        own: bool,
    },
    /// The user.
    Oneself {
        /// Whether requested by the exact id: sees scopes.
        scopes: bool,
    },
}

impl Viewer {
    fn sees_scopes(self) -> bool {
        matches!(self, Self::Superior { own: true } | Self::Oneself { scopes: true })
    }
}

/// The user as a map.
pub(crate) fn shown(details: &Details, viewer: Viewer, settings: &ServerSettings) -> Data {
    let Details { user, profile, groups, subadmin_of, .. } = details;
    let scopes = viewer.sees_scopes();
    let mut map = Map { entries: Vec::with_capacity(64), profile, scopes };
    if let Viewer::Superior { .. } = viewer {
        map.put("enabled", user.enabled);
    }
    map.put("storageLocation", settings.home_of(&user.id));
    map.put("id", user.id.as_str());
    map.put("firstLoginTimestamp", seconds(user.first_login));
    map.put("lastLoginTimestamp", seconds(user.last_login));
    map.put("lastLogin", user.last_login.map_or(0, Timestamp::millis));
    map.put("backend", if user.is_local() { LOCAL_BACKEND_IN_API } else { user.backend.as_str() });
    map.put("subadmin", Data::list(subadmin_of.iter().map(accounts::GroupId::as_str)));
    map.put("quota", quota(user.quota, user.last_login.is_some(), settings));
    map.put("manager", profile.value(ProfileField::Manager).unwrap_or_default());
    map.put_scope("avatarScope", ProfileField::Avatar);
    map.put("email", user.email.as_deref());
    map.put_scope("emailScope", ProfileField::Email);
    map.put_mails();
    map.put("displayname", user.display_name_or_id());
    map.put("display-name", user.display_name_or_id());
    map.put_scope("displaynameScope", ProfileField::DisplayName);
    for field in ProfileField::scoped_texts() {
        // A profile page is shown unless its owner says otherwise.
        let unset = if field == ProfileField::ProfileEnabled { "1" } else { "" };
        map.put_field(field, profile.value(field).unwrap_or(unset));
    }
    map.put("groups", Data::list(groups.iter().map(accounts::GroupId::as_str)));
    map.put("language", user.language.as_deref().unwrap_or(&settings.default_language));
    map.put("locale", user.locale.as_deref().unwrap_or_default());
    map.put("timezone", profile.value(ProfileField::Timezone).unwrap_or_default());
    map.put("notify_email", profile.value(ProfileField::NotifyEmail));
    map.put("confirmedEmail", user.confirmed_email.as_deref());
    map.put("backendCapabilities", Data::map([("setDisplayName", true), ("setPassword", user.is_local())]));
    Data::Map(map.entries)
}

struct Map<'a> {
    entries: Vec<(SmolStr, Data)>,
    profile: &'a Profile,
    scopes: bool,
}

impl Map<'_> {
    fn put(&mut self, key: impl Into<SmolStr>, value: impl Into<Data>) {
        self.entries.push((key.into(), value.into()));
    }

    fn put_field(&mut self, field: ProfileField, value: &str) {
        self.put(field.as_str(), value);
        self.put_scope(format_smolstr!("{field}Scope"), field);
    }

    fn put_scope(&mut self, key: impl Into<SmolStr>, field: ProfileField) {
        if self.scopes {
            let scope = self.profile.scope(field).or_else(|| field.rules().scopes.default_scope());
            self.put(key, scope.unwrap_or(ProfileScope::Local).as_str());
        }
    }

    fn put_mails(&mut self) {
        let mails =
            || self.profile.entries(ProfileField::AdditionalMail).filter(|entry| !entry.value.is_empty());
        let addresses = Data::list(mails().map(|entry| entry.value.as_str()));
        let scopes = Data::list(mails().map(|entry| entry.scope.unwrap_or(ProfileScope::Local).as_str()));
        self.put("additional_mail", addresses);
        if self.scopes {
            self.put("additional_mailScope", scopes);
        }
    }
}

fn seconds(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::seconds)
}

/// Nothing is stored here, so no space is used.
///
/// A user who never signed in has no home and fewer fields.
fn quota(quota: Quota, has_home: bool, settings: &ServerSettings) -> Data {
    const UNLIMITED: i64 = -3;
    let quota = if quota == Quota::Default { settings.default_quota } else { quota };
    let bytes = match quota {
        Quota::Bytes(bytes) => Some(i64::try_from(bytes).unwrap_or(i64::MAX)),
        Quota::Unlimited | Quota::Default => None,
    };
    if !has_home {
        let quota = bytes.map_or_else(|| Data::from("none"), Data::from);
        return Data::map([("quota", quota), ("used", Data::Int(0))]);
    }
    let total = bytes.unwrap_or(UNLIMITED);
    let relative = if total == 0 { 100 } else { 0 };
    Data::map([("free", total), ("used", 0), ("total", total), ("relative", relative), ("quota", total)])
}
