//! Reloads the configuration: some changes take effect at once, some at the next start.
//!
//! A reload applies completely or not at all. Settings that something was made of at the start (the
//! listener, the store, the mail server, the hasher) stay as they were, and changes to them are
//! logged.

use std::sync::{Arc, PoisonError};

use user_backend::config::Config;
use user_backend::resolver::BackendReload;

use crate::settings::ServerSettings;
use crate::start::{StartError, chain};
use crate::state::{AppState, LiveSettings};

/// The result of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadReport {
    /// The backends.
    pub backends: BackendReload,
    /// Settings that have another value now.
    pub changed: Vec<&'static str>,
    /// Settings that have another value in the file, which counts from the next start only.
    pub at_next_start: Vec<&'static str>,
}

impl AppState {
    /// Applies another configuration while the server runs.
    ///
    /// It covers the backends, the deadline, the throttle, the addresses of proxies, and the
    /// settings of the server that nothing else was built from.
    ///
    /// # Errors
    /// [`StartError`]; everything stays as it was then.
    ///
    /// # Cancellation
    /// The backends may be the new ones while the settings are still the old ones.
    pub async fn reload(
        &self,
        settings: ServerSettings,
        config: &Config,
    ) -> Result<ReloadReport, StartError> {
        let (next, external) = chain(&self.inner.local, self.accounts(), config)?;
        let backends = self.inner.resolver.replace(next).await?;
        *self.inner.external.write().unwrap_or_else(PoisonError::into_inner) = external;

        let before = self.inner.live.load_full();
        let mut report = ReloadReport::default();
        let settings = taken_over(&before.settings, settings, &mut report);
        let live = LiveSettings::new(settings, config);
        if live.trusted_proxies != before.trusted_proxies {
            report.changed.push("trusted_proxies");
        }
        self.inner.live.store(Arc::new(live));
        report.at_next_start.extend(backends.at_next_start.iter().copied());
        report.backends = backends;
        Ok(report)
    }
}

/// The settings from now on.
///
/// Every one is named here, so a new one cannot be forgotten.
fn taken_over(
    before: &ServerSettings,
    mut next: ServerSettings,
    report: &mut ReloadReport,
) -> ServerSettings {
    let ServerSettings {
        listen,
        metrics_listen,
        tls_cert,
        tls_key,
        max_connections,
        max_connections_per_source,
        allow_plaintext,
        store,
        public_url,
        trusted_hosts,
        refuse_passwords_in_query,
        name,
        data_directory,
        default_quota,
        default_language,
        default_phone_region,
        compat,
        sub_admins_may_add,
        sub_admins_may_create,
        allow_user_to_change_display_name,
        login_by_email,
        apps_directory,
        shutdown_grace_seconds,
        refusal_milliseconds,
        proven_key_file,
        passwords,
        app_passwords_on_new_password,
        reset,
        mail,
        frontends,
        pages,
        valkey,
        section_digests,
    } = before;
    // With a listener that speaks TLS another certificate will do; to begin with it, or to end it,
    // takes another listener.
    let other_listener = next.tls_cert.is_some() != tls_cert.is_some();
    let sections = next.section_digests.other_than(section_digests);
    for (name, other) in [
        ("listen", next.listen != *listen),
        ("metrics_listen", next.metrics_listen != *metrics_listen),
        ("tls_cert, tls_key", other_listener),
        ("name", next.name != *name),
        ("apps_directory", next.apps_directory != *apps_directory),
        ("proven_key_file", next.proven_key_file != *proven_key_file),
        ("passwords", next.passwords != *passwords),
        (
            "app_passwords_on_new_password",
            next.app_passwords_on_new_password != *app_passwords_on_new_password,
        ),
        ("[frontends.saslauthd]", next.frontends.saslauthd != frontends.saslauthd),
        ("[frontends.occ]", next.frontends.occ != frontends.occ),
        ("[frontends.dovecot_auth]", next.frontends.dovecot_auth != frontends.dovecot_auth),
        ("public_url (in mails)", mail.is_some() && next.public_url != *public_url),
    ] {
        report.at_next_start.extend(other.then_some(name));
    }
    report.at_next_start.extend(sections);
    for (name, other) in [
        ("tls_cert", next.tls_cert != *tls_cert && !other_listener),
        ("tls_key", next.tls_key != *tls_key && !other_listener),
        ("max_connections", next.max_connections != *max_connections),
        ("max_connections_per_source", next.max_connections_per_source != *max_connections_per_source),
        ("allow_plaintext", next.allow_plaintext != *allow_plaintext),
        ("public_url", next.public_url != *public_url),
        ("trusted_hosts", next.trusted_hosts != *trusted_hosts),
        ("refuse_passwords_in_query", next.refuse_passwords_in_query != *refuse_passwords_in_query),
        ("data_directory", next.data_directory != *data_directory),
        ("default_quota", next.default_quota != *default_quota),
        ("default_language", next.default_language != *default_language),
        ("default_phone_region", next.default_phone_region != *default_phone_region),
        ("compat", next.compat != *compat),
        ("sub_admins_may_add", next.sub_admins_may_add != *sub_admins_may_add),
        ("sub_admins_may_create", next.sub_admins_may_create != *sub_admins_may_create),
        (
            "allow_user_to_change_display_name",
            next.allow_user_to_change_display_name != *allow_user_to_change_display_name,
        ),
        ("login_by_email", next.login_by_email != *login_by_email),
        ("shutdown_grace_seconds", next.shutdown_grace_seconds != *shutdown_grace_seconds),
        ("refusal_milliseconds", next.refusal_milliseconds != *refusal_milliseconds),
        ("[pages]", next.pages != *pages),
        ("[frontends.forward_auth]", next.frontends.forward_auth != frontends.forward_auth),
        ("[frontends.nginx_mail]", next.frontends.nginx_mail != frontends.nginx_mail),
    ] {
        report.changed.extend(other.then_some(name));
    }
    next.listen = *listen;
    next.metrics_listen = *metrics_listen;
    if other_listener {
        next.tls_cert.clone_from(tls_cert);
        next.tls_key.clone_from(tls_key);
    }
    next.store.clone_from(store);
    next.name.clone_from(name);
    next.apps_directory.clone_from(apps_directory);
    next.proven_key_file.clone_from(proven_key_file);
    next.passwords = *passwords;
    next.app_passwords_on_new_password = *app_passwords_on_new_password;
    next.reset = reset.clone();
    next.mail.clone_from(mail);
    next.valkey.clone_from(valkey);
    next.frontends.saslauthd.clone_from(&frontends.saslauthd);
    next.frontends.occ.clone_from(&frontends.occ);
    next.frontends.dovecot_auth.clone_from(&frontends.dovecot_auth);
    next.section_digests = section_digests.clone();
    next
}
