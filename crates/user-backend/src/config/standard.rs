//! The classes of this crate: the only list of them.

use crate::class::ClassRegistry;

/// Each class with the cargo features that enable it, one of which has its name.
macro_rules! classes {
    ($($name:literal if $features:meta => $class:expr $(, also $($alias:literal),+)?;)+) => {{
        let registry = ClassRegistry::empty();
        $(
            #[cfg($features)]
            let registry = registry.with($class);
            #[cfg(not($features))]
            let registry = registry.without($name, &[$($($alias),+)?]);
        )+
        registry
    }};
}

impl ClassRegistry {
    /// The classes of this crate, as far as their cargo features are on.
    pub fn standard() -> Self {
        classes! {
            "imap" if feature = "imap" => crate::imap::ImapClass;
            "ftp" if feature = "ftp" => crate::ftp::FtpClass;
            "http" if feature = "http" => crate::http::HttpClass, also "webdavauth", "basicauth";
            "ldap" if feature = "ldap" => crate::ldap::LdapClass;
            "smb" if any(feature = "smb-helper", feature = "smb-native") => crate::smb::SmbClass;
            "smtp" if feature = "smtp" => crate::smtp::SmtpClass;
            "ssh" if feature = "ssh" => crate::ssh::SshClass;
            "xmpp" if feature = "xmpp" => crate::xmpp::XmppClass;
        }
    }
}

impl Default for ClassRegistry {
    fn default() -> Self {
        Self::standard()
    }
}
