//! The codes that differ between versions of the PHP system, as numbers.

use accounts::CompatLevel;

/// A row: what it is about, and the number at each level.
#[derive(Debug)]
pub struct CodeRow {
    /// What is answered with it.
    pub text: &'static str,
    /// At level 25.
    pub v25: u16,
    /// At level 31.
    pub v31: u16,
}

const fn row(text: &'static str, v25: u16, v31: u16) -> CodeRow {
    CodeRow { text, v25, v31 }
}

/// The codes that differ; a code of a level is an index of this table.
pub const CODES: &[CodeRow] = &[
    row("invalid value of a field (mail address, quota, language, phone, scope, ...)", 102, 101),
    row("unknown field, or one that the caller may not edit", 103, 113),
    row("changed password violates the policy", 103, 107),
    row("password of a user of another backend", 103, 112),
    row("new user, `subadmin[]` names an unknown group", 102, 109),
];

/// The number of a code at a level.
pub(crate) fn number(index: usize, level: CompatLevel) -> u16 {
    // An index that is not in the table would be an internal error; there is a test that there is
    // none.
    let found = CODES.get(index);
    found.map_or(996, |row| match level {
        CompatLevel::V31 => row.v31,
        _ => row.v25,
    })
}
