//! A group, and which groups a list is about.

use crate::domain::group_id::GroupId;
use crate::domain::search_text::fold;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Display name; unset means the id.
    pub display_name: Option<String>,
    /// How many members it has.
    pub members: u64,
    /// How many of them are disabled.
    pub disabled: u64,
}

impl Group {
    /// The display name, or the id without one.
    pub fn display_name_or_id(&self) -> &str {
        self.display_name.as_deref().unwrap_or_else(|| self.id.as_str())
    }
}

/// Which groups, and how many.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GroupFilter {
    pub(crate) search: String,
    pub(crate) only: Option<GroupId>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

impl GroupFilter {
    /// All groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those whose id or display name contains this, in any letter case.
    pub fn search(mut self, text: &str) -> Self {
        self.search = fold(text);
        self
    }

    /// The group of this id.
    pub fn only(mut self, id: GroupId) -> Self {
        self.only = Some(id);
        self
    }

    /// Maximum number.
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Number to skip.
    pub const fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }
}
