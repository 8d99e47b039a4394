//! Differences between versions of the PHP system: a table of codes, and a few others.
//!
//! Endpoints answer with a [`Code`] of this table; the number is chosen when the answer is written,
//! by the setting `compat`. The documentation has the same table (docs/compatibility.md), and a
//! test compares the two.

use accounts::{CompatLevel, ProfileField};

use super::envelope::code::Code;

/// A value of a field that cannot be taken.
pub(crate) const INVALID_FIELD: Code = Code::of_level(0);
/// A field that does not exist, or that the caller may not edit.
pub(crate) const NOT_EDITABLE: Code = Code::of_level(1);
/// A new password that violates the policy.
pub(crate) const PASSWORD_REFUSED: Code = Code::of_level(2);
/// A new password for a user whose password is kept elsewhere.
pub(crate) const NOT_LOCAL: Code = Code::of_level(3);
/// A new user is to administer a group that does not exist.
pub(crate) const NO_SUB_ADMIN_GROUP: Code = Code::of_level(4);

/// The version of the provisioning API there.
pub(crate) fn api_version(level: CompatLevel) -> &'static str {
    match level {
        CompatLevel::V31 => "1.21.0",
        _ => "1.15.0",
    }
}

/// Whether adding a mail address that the user already has is an error.
///
/// Otherwise nothing happens.
pub(crate) fn refuses_known_address(level: CompatLevel) -> bool {
    level >= CompatLevel::V31
}

/// Whether the capabilities have the password policy once more for each context.
pub(crate) fn has_policies_per_context(level: CompatLevel) -> bool {
    level >= CompatLevel::V31
}

/// The response text for an unknown group of a new user.
pub(crate) fn no_group(level: CompatLevel, id: &str) -> String {
    let group = if level >= CompatLevel::V31 { "Group" } else { "group" };
    format!("{group} {id} does not exist")
}

/// The fields that users may edit, in the order on which clients rely.
///
/// Version 25 has fewer; the others follow at the end.
pub(crate) fn fields(level: CompatLevel) -> Vec<ProfileField> {
    use ProfileField::{Bluesky, Fediverse, Twitter};
    let mut fields = ProfileField::listed();
    if level >= CompatLevel::V31 {
        fields.retain(|field| ![Bluesky, Fediverse].contains(field));
        let behind = fields.iter().position(|field| *field == Twitter).map_or(fields.len(), |at| at + 1);
        fields.splice(behind..behind, [Bluesky, Fediverse]);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_level_is_in_the_table() {
        for code in [INVALID_FIELD, NOT_EDITABLE, PASSWORD_REFUSED, NOT_LOCAL, NO_SUB_ADMIN_GROUP] {
            for level in CompatLevel::ALL {
                assert_ne!(code.at(level), Code::BROKEN);
                assert!(code.at(level) == code.at(level).at(level));
            }
        }
        assert_eq!(INVALID_FIELD.at(CompatLevel::V25), Code::of_endpoint(102));
        assert_eq!(NOT_EDITABLE.at(CompatLevel::V31), Code::of_endpoint(113));
    }

    #[test]
    fn fields_have_the_order_of_their_level() {
        let listed =
            |level| fields(level).into_iter().map(ProfileField::as_str).collect::<Vec<_>>().join(" ");
        let first = "displayname email additional_mail phone address website twitter";
        let middle = "organisation role headline biography profile_enabled";
        let old = format!("{first} {middle} fediverse bluesky pronouns");
        assert_eq!(listed(CompatLevel::V25), old);
        assert_eq!(listed(CompatLevel::V31), format!("{first} bluesky fediverse {middle} pronouns"));
    }
}
