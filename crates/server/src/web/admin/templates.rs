//! Templates of the administration.
//!
//! Everything that comes from elsewhere is escaped.

use askama::Template;

use crate::web::format::ShownTime;
use crate::web::templates::{Frame, Pages, ShownLanguage, Typed};

/// What stands around every page of the administration.
pub(super) struct Menu {
    pub(super) csrf_token: String,
    /// Who is signed in.
    pub(super) me: String,
    pub(super) is_admin: bool,
    /// Path and text of each page, and whether it is the one that is shown.
    pub(super) tabs: Vec<(&'static str, String, bool)>,
}

#[derive(Template)]
#[template(path = "admin_confirm.html")]
pub(super) struct AdminConfirm<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    /// Where the form goes.
    pub(super) path: String,
    /// The fields that are sent again.
    pub(super) fields: Vec<(&'a str, &'a str)>,
    /// Whether a new password has to be typed again.
    pub(super) has_password: bool,
}

/// A question before something that cannot be undone.
#[derive(Template)]
#[template(path = "admin_ask.html")]
pub(super) struct AdminAsk<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) button: String,
    /// A choice: its field, and its text.
    pub(super) choice: Option<(&'static str, String)>,
    /// Where the form goes.
    pub(super) path: String,
    /// Where the way back leads.
    pub(super) back: String,
}

#[derive(Template)]
#[template(path = "admin_users.html")]
pub(super) struct UserList<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) search: String,
    pub(super) group: String,
    pub(super) disabled: bool,
    pub(super) total: Option<String>,
    pub(super) users: Vec<UserLine>,
    pub(super) pages: Pages,
}

/// A user in a list.
pub(super) struct UserLine {
    pub(super) id: String,
    pub(super) called: String,
    /// Where the user's page is; `None` for one whom the reader does not administer.
    pub(super) path: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: String,
    pub(super) backend: Option<String>,
    pub(super) last_login: Option<ShownTime>,
    pub(super) is_disabled: bool,
    pub(super) is_admin: bool,
}

#[derive(Template)]
#[template(path = "admin_new_user.html")]
pub(super) struct NewUser<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) groups: Vec<String>,
    /// The backends to choose from, for administrators.
    pub(super) backends: Vec<(String, String)>,
    pub(super) rules: String,
    pub(super) has_mail: bool,
}

#[derive(Template)]
#[template(path = "admin_user.html")]
pub(super) struct UserPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    /// Where the user's page is.
    pub(super) path: String,
    pub(super) id: String,
    pub(super) called: String,
    pub(super) display_name: String,
    pub(super) email: String,
    pub(super) confirmed: Option<String>,
    pub(super) is_pending: bool,
    pub(super) quota: String,
    pub(super) language: String,
    pub(super) languages: Vec<ShownLanguage>,
    pub(super) is_enabled: bool,
    pub(super) is_oneself: bool,
    pub(super) is_local: bool,
    pub(super) backend: String,
    pub(super) last_login: Option<ShownTime>,
    /// The groups, and whether the reader may take the user out of each.
    pub(super) groups: Vec<(String, bool)>,
    pub(super) administers: Vec<String>,
    pub(super) other_groups: Vec<String>,
    pub(super) rules: String,
    pub(super) has_mail: bool,
    pub(super) sessions: Vec<SessionLine>,
    pub(super) session_pages: Pages,
    pub(super) tokens: Vec<TokenLine>,
    pub(super) token_pages: Pages,
}

/// A session of a user.
pub(super) struct SessionLine {
    pub(super) id: String,
    pub(super) browser: String,
    pub(super) address: String,
    pub(super) created: Option<ShownTime>,
    pub(super) seen: Option<ShownTime>,
    /// The name of the button that ends it.
    pub(super) end: String,
}

/// An app password or a service token of a user.
pub(super) struct TokenLine {
    pub(super) key: i64,
    pub(super) name: String,
    pub(super) scopes: String,
    pub(super) networks: String,
    pub(super) created: Option<ShownTime>,
    pub(super) used: Option<ShownTime>,
    pub(super) used_from: String,
    pub(super) expires: Option<ShownTime>,
    pub(super) wipe: bool,
}

#[derive(Template)]
#[template(path = "admin_groups.html")]
pub(super) struct GroupList<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) search: String,
    pub(super) groups: Vec<GroupLine>,
    pub(super) pages: Pages,
}

/// A group in a list.
pub(super) struct GroupLine {
    pub(super) id: String,
    pub(super) called: String,
    pub(super) path: String,
    pub(super) members: String,
}

#[derive(Template)]
#[template(path = "admin_group.html")]
pub(super) struct GroupPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) called: String,
    pub(super) is_admin: bool,
    pub(super) total: Option<String>,
    pub(super) members: Vec<UserLine>,
    pub(super) pages: Pages,
    pub(super) administrators: Vec<(String, String)>,
    pub(super) administrator_pages: Pages,
}

#[derive(Template)]
#[template(path = "admin_policy.html")]
pub(super) struct PolicyPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) rules: String,
    pub(super) settings: Vec<PolicyLine>,
}

/// A setting of the password policy.
pub(super) struct PolicyLine {
    pub(super) key: &'static str,
    pub(super) text: String,
    pub(super) value: String,
    pub(super) is_switch: bool,
}

#[derive(Template)]
#[template(path = "admin_backends.html")]
pub(super) struct BackendList<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) backends: Vec<BackendLine>,
    pub(super) result: Option<TestResult>,
}

/// A backend with its state.
pub(super) struct BackendLine {
    pub(super) id: String,
    pub(super) name: String,
    /// The state in one word, and whether it is good.
    pub(super) state: (String, bool),
    pub(super) lines: Vec<String>,
}

/// How a test sign-in was decided.
pub(super) struct TestResult {
    pub(super) is_good: bool,
    pub(super) outcome: String,
    pub(super) rule: String,
    pub(super) steps: Vec<TestStep>,
}

/// What one backend had to do with it.
pub(super) struct TestStep {
    pub(super) backend: String,
    pub(super) verdict: String,
    /// `good`, `bad`, or empty for a backend that was not asked.
    pub(super) kind: &'static str,
    pub(super) ms: String,
    pub(super) reason: String,
}

#[derive(Template)]
#[template(path = "admin_brute_force.html")]
pub(super) struct BruteForcePage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) text: String,
    pub(super) users: String,
    pub(super) sources: Vec<SourceLine>,
    pub(super) pages: Pages,
}

/// A source with failed sign-ins.
pub(super) struct SourceLine {
    pub(super) source: String,
    pub(super) failures: String,
    pub(super) last: Option<ShownTime>,
    pub(super) wait: Option<String>,
    pub(super) refused: bool,
    /// The name of the button that releases it.
    pub(super) release: String,
}

#[derive(Template)]
#[template(path = "admin_pins.html")]
pub(super) struct PinPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) name: String,
    pub(super) backend: String,
    pub(super) backends: Vec<(String, String)>,
    pub(super) pins: Vec<(String, String, Option<ShownTime>)>,
    pub(super) after: Option<String>,
}

#[derive(Template)]
#[template(path = "admin_audit.html")]
pub(super) struct AuditPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) lines: Vec<AuditRow>,
    pub(super) after: Option<String>,
}

/// A line of the audit log.
pub(super) struct AuditRow {
    pub(super) at: Option<ShownTime>,
    pub(super) actor: String,
    pub(super) origin: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) detail: String,
}

#[derive(Template)]
#[template(path = "admin_mail.html")]
pub(super) struct MailPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    pub(super) typed: Typed<'a>,
    pub(super) server: String,
    pub(super) waiting: String,
    pub(super) mails: Vec<MailLine>,
    pub(super) pages: Pages,
}

/// A mail that waits.
pub(super) struct MailLine {
    pub(super) kind: String,
    pub(super) created: Option<ShownTime>,
    pub(super) due: Option<ShownTime>,
    pub(super) attempts: String,
}

#[derive(Template)]
#[template(path = "admin_config.html")]
pub(super) struct ConfigPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) menu: Menu,
    /// Name and text of each section.
    pub(super) sections: Vec<(String, String)>,
}
