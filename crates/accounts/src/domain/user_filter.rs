//! Which users a list is about.

use crate::domain::group_id::GroupId;
use crate::domain::search_text::fold;
use crate::domain::user_id::UserId;

/// Which users, and how many.
///
/// ```
/// use accounts::UserFilter;
///
/// let first = UserFilter::new().search("smith").limit(25);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UserFilter {
    pub(crate) search: String,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
    pub(crate) after: Option<UserId>,
    pub(crate) groups: Option<Vec<GroupId>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) recent: bool,
    pub(crate) unconfirmed: bool,
    pub(crate) seen_by: Option<(UserId, Vec<GroupId>)>,
}

impl UserFilter {
    /// All users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Users whose id, display name or mail address contains this, ignoring letter case.
    ///
    /// Only the primary mail address counts. Nothing is a wildcard.
    pub fn search(mut self, text: &str) -> Self {
        self.search = fold(text).chars().take(MAX_SEARCH).collect();
        self
    }

    /// Maximum number.
    ///
    /// Default: all.
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Number to skip.
    ///
    /// [`UserFilter::after`] is faster on the way through a long list.
    pub const fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Those after this user in the order of names; continues after a page.
    ///
    /// Does not go with `recent`.
    pub fn after(mut self, user: UserId) -> Self {
        self.after = Some(user);
        self
    }

    /// Members of this group.
    pub fn group(self, group: GroupId) -> Self {
        self.in_any_group([group])
    }

    /// Members of at least one of these groups: what a sub-admin may see.
    pub fn in_any_group(mut self, groups: impl IntoIterator<Item = GroupId>) -> Self {
        self.groups = Some(groups.into_iter().collect());
        self
    }

    /// The search covers only what this sub-admin of these groups may see.
    ///
    /// Of administrators, and of users who administer another group, only the id.
    pub fn seen_by(mut self, sub_admin: UserId, groups: impl IntoIterator<Item = GroupId>) -> Self {
        self.seen_by = Some((sub_admin, groups.into_iter().collect()));
        self
    }

    /// Only disabled users.
    pub const fn disabled(mut self) -> Self {
        self.enabled = Some(false);
        self
    }

    /// Only enabled users.
    pub const fn enabled(mut self) -> Self {
        self.enabled = Some(true);
        self
    }

    /// Only those whose primary mail address is not confirmed.
    pub const fn unconfirmed(mut self) -> Self {
        self.unconfirmed = true;
        self
    }

    /// Those who signed in at least once, the latest first.
    pub const fn recent(mut self) -> Self {
        self.recent = true;
        self
    }
}

/// Longest text that is searched, in characters; the rest is ignored.
const MAX_SEARCH: usize = 200;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// In the order of names.
    pub items: Vec<T>,
    /// Cursor for [`UserFilter::after`]; `None` at the end of the list.
    pub next: Option<UserId>,
}
