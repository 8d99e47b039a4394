//! `import:nextcloud`: imports users, groups and password hashes from a database.
//!
//! It is that of an existing installation.
//!
//! The source is only read. Each user is imported completely or not at all, and one who is there
//! already is left as they are: an import that was interrupted is taken up by starting it again.

mod backend_name;
mod decisions;
mod people;
mod source;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use accounts::{AccountsError, GroupDisplayName, GroupId, NewUser, UserId};
use serde_json::json;

use crate::Call;
use crate::cli::ImportArgs;
use crate::exit::{CliError, Exit};
use crate::output::{Output, one_line};
use crate::progress::Progress;
use crate::store::{self, Missing, Store};
use people::{BackendMapping, NotImported, Person};
use source::Source;

/// How many users are read at a time.
const PAGE: usize = 200;

/// How many problems are printed one by one.
const MAX_PRINTED_PROBLEMS: usize = 100;

/// Result of an import.
#[derive(Debug, Default)]
struct ImportSummary {
    users: u64,
    external: u64,
    there: u64,
    groups: u64,
    groups_there: u64,
    memberships: u64,
    app_passwords: u64,
    /// Users whom the operator leaves out.
    skipped: u64,
    /// Users whose mail address is not confirmed, because another user has it.
    unconfirmed: Vec<String>,
    /// The first user of each address.
    addresses: HashMap<String, UserId>,
    problems: Vec<String>,
}

impl ImportSummary {
    fn unconfirmed(&mut self, id: &UserId) {
        if !self.unconfirmed.iter().any(|listed| listed == id.as_str()) {
            self.unconfirmed.push(id.to_string());
        }
    }

    fn problem(&mut self, what: impl Into<String>) {
        let what = what.into();
        tracing::debug!(%what, "not taken over");
        self.problems.push(what);
    }
}

pub(crate) async fn run(call: Call<'_>, args: &ImportArgs) -> Result<Output, CliError> {
    let homes = BackendMapping::new(call.common, args)?;
    let mut source = Source::read(call.common, args.from.as_deref()).await?;
    let missing = if args.write { Missing::Create } else { Missing::Refuse };
    // A dry run creates no store; without one, everything is new.
    let store = match store::open(call.common, missing).await {
        Ok(store) => Some(store),
        Err(failure) if !args.write && failure.is_no_store() => None,
        Err(failure) => return Err(failure),
    };
    let mut summary = ImportSummary::default();
    source.take_problems().into_iter().for_each(|problem| summary.problem(problem));
    groups(&mut source, store.as_ref(), args.write, &mut summary).await?;
    users(&mut source, store.as_ref(), args.write, &homes, &mut summary).await?;
    disabled_others(&mut source, store.as_ref(), args.write, &mut summary).await?;
    for uid in homes.decisions().unused() {
        summary.problem(format!("--map decides about {uid:?}, who is no user there"));
    }
    summary.app_passwords = source.app_passwords();
    reply(&summary, args.write)
}

async fn groups(
    source: &mut Source,
    store: Option<&Store>,
    write: bool,
    summary: &mut ImportSummary,
) -> Result<(), CliError> {
    for (id, name) in source.groups().await? {
        let impossible = || format!("the group {id:?} has an id that no group can have");
        let Ok(group) = GroupId::parse(&id) else {
            summary.problem(impossible());
            continue;
        };
        let there = match store {
            Some(store) => store.accounts.groups().exists(&group).await?,
            None => group.is_admin(),
        };
        if there {
            summary.groups_there += 1;
            continue;
        }
        if group.has_hidden() {
            summary.problem(impossible());
            continue;
        }
        let name = name.as_deref().map_or(Ok(None), GroupDisplayName::parse_optional);
        let name = name.unwrap_or_else(|error| {
            summary.problem(format!("the group {id:?}: {error}; left out"));
            None
        });
        if let (Some(store), true) = (store, write) {
            match store.accounts.groups().create(&group, name).await {
                // Or a concurrent import was faster.
                Ok(_) | Err(AccountsError::AlreadyExists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        summary.groups += 1;
    }
    Ok(())
}

async fn users(
    source: &mut Source,
    store: Option<&Store>,
    write: bool,
    homes: &BackendMapping,
    summary: &mut ImportSummary,
) -> Result<(), CliError> {
    let counts = [source.count(false).await?, source.count(true).await?];
    let total = counts.iter().sum();
    let mut progress = Progress::new(total);
    // Names are one person in every spelling here; there, they need not be.
    let mut seen = HashSet::new();
    for (external, count) in [false, true].into_iter().zip(counts) {
        let (mut after, mut rows) = (String::new(), 0);
        let mut unreadable = HashSet::new();
        loop {
            let page = source.users(external, &after, PAGE).await?;
            let last = page.iter().rfind(|row| row.is_readable()).map(|row| row.uid.clone());
            let mut steps = Vec::with_capacity(page.len());
            for row in page {
                if !row.is_readable() && !unreadable.insert(row.uid.clone()) {
                    continue;
                }
                rows += row.rows;
                progress.step(row.rows);
                if row.backends.len() > 1 {
                    steps.push(Err(format!(
                        "{} is at several backends there; the first of them counts",
                        row.uid
                    )));
                }
                let person = match Person::read(source, row, homes).await? {
                    Ok(person) => person,
                    Err(NotImported::Skipped) => {
                        summary.skipped += 1;
                        continue;
                    }
                    Err(NotImported::Problem(problem)) => {
                        steps.push(Err(problem));
                        continue;
                    }
                };
                steps.push(if seen.insert(person.id.name().clone()) {
                    Ok(person)
                } else {
                    Err(format!(
                        "{} of the backend {} has the name of another user there",
                        person.id,
                        person.backend_id()
                    ))
                });
            }
            take(store, write, steps, summary).await?;
            let Some(last) = last else { break };
            after = last;
        }
        // The user may be deleted there in the meantime.
        let left = count.min(source.count(external).await?).saturating_sub(rows);
        if left > 0 {
            let kind = if external { "external" } else { "local" };
            summary.problem(format!("{left} rows of {kind} users have no id of their own; left out"));
        }
    }
    for (user, group) in source.unknown_members().await? {
        let (user, group) = (user.unwrap_or_default(), group.unwrap_or_default());
        summary.problem(format!("{user:?} is a member of {group:?} and no user there; left out"));
    }
    progress.end();
    Ok(())
}

/// Disabled names that are not users there, such as those of a directory.
///
/// Here they become disabled users of the backend local, so that no other backend signs them in.
async fn disabled_others(
    source: &mut Source,
    store: Option<&Store>,
    write: bool,
    summary: &mut ImportSummary,
) -> Result<(), CliError> {
    for (uid, value) in source.enabled_of_others().await? {
        if !people::is_disabled("core", "enabled", &value) {
            continue;
        }
        // No user can have this name, so it cannot sign in.
        let Ok(id) = UserId::parse(&uid) else { continue };
        if let Some(store) = store {
            if store.accounts.users().find(&id).await?.is_some() {
                continue;
            }
            if write {
                match store.accounts.users().create(NewUser::new(id.clone()).disabled()).await {
                    Ok(_) | Err(AccountsError::AlreadyExists { .. } | AccountsError::Invalid { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        summary.problem(format!(
            "{id} is disabled there and no user there; imported as a disabled user of the backend local, to stay out"
        ));
    }
    Ok(())
}

/// Imports users, or reports that it would; an error is a problem to report in its place.
async fn take(
    store: Option<&Store>,
    write: bool,
    steps: Vec<Result<Person, String>>,
    summary: &mut ImportSummary,
) -> Result<(), CliError> {
    let people = || steps.iter().flatten();
    let mut there = HashMap::new();
    let (mut created, mut pending) = (HashMap::new(), HashSet::new());
    if let Some(store) = store {
        let users = store.accounts.users();
        for user in users.find_all(people().map(|person| &person.id)).await? {
            there.insert(user.id.name().clone(), user);
        }
        let new = || people().filter(|person| !there.contains_key(person.id.name()));
        if write {
            let all: Vec<NewUser> = new().map(|person| person.new.clone()).collect();
            let results = users.create_all(&all).await?;
            created.extend(new().map(|person| person.id.name().clone()).zip(results));
            for user in users.find_all(new().map(|person| &person.id)).await? {
                if user.pending_email().is_some() {
                    pending.insert(user.id.name().clone());
                }
            }
        }
    }
    for step in steps {
        let person = match step {
            Ok(person) => person,
            Err(problem) => {
                summary.problem(problem);
                continue;
            }
        };
        if let Some(user) = there.get(person.id.name()) {
            summary.there += 1;
            if person.is_disabled && user.enabled {
                summary.problem(format!("{} is disabled there and not here; occ user:disable", person.id));
            }
            if user.backend.as_str() != person.backend_id() {
                summary.problem(format!(
                    "{} is a user of the backend {} here, and of {} there",
                    person.id,
                    user.backend,
                    person.backend_id()
                ));
            }
            continue;
        }
        match created.remove(person.id.name()) {
            None | Some(Ok(())) => {}
            Some(Err(error @ (AccountsError::AlreadyExists { .. } | AccountsError::Invalid { .. }))) => {
                summary.problem(format!("{}: {error}", person.id));
                continue;
            }
            Some(Err(error)) => return Err(error.into()),
        }
        let is_pending = pending.contains(person.id.name());
        address(store.filter(|_| write), &person, is_pending, summary).await?;
        for remark in &person.remarks {
            summary.problem(format!("{}: {remark}", person.id));
        }
        summary.memberships += person.memberships;
        *if person.is_external() { &mut summary.external } else { &mut summary.users } += 1;
    }
    Ok(())
}

/// Looks whose address a person has.
///
/// Addresses of one user count as confirmed; of those of several users, none does. One of someone
/// who was here before is pending.
async fn address(
    written: Option<&Store>,
    person: &Person,
    is_pending: bool,
    summary: &mut ImportSummary,
) -> Result<(), CliError> {
    let Some(email) = &person.email else { return Ok(()) };
    let mut shared = Vec::new();
    match summary.addresses.entry(email.canonical().into_owned()) {
        Entry::Vacant(free) => drop(free.insert(person.id.clone())),
        Entry::Occupied(first) => shared.extend([first.get().clone(), person.id.clone()]),
    }
    for id in shared {
        if let Some(store) = written {
            store.accounts.users().unconfirm_address(&id, "imported users share the address").await?;
        }
        summary.unconfirmed(&id);
    }
    if is_pending {
        summary.unconfirmed(&person.id);
    }
    Ok(())
}

fn reply(summary: &ImportSummary, write: bool) -> Result<Output, CliError> {
    let ImportSummary {
        users,
        external,
        there,
        groups,
        groups_there,
        memberships,
        app_passwords,
        skipped,
        ..
    } = summary;
    let (problems, unconfirmed) = (&summary.problems, &summary.unconfirmed);
    let did = if write { "taken over" } else { "to be taken over" };
    let mut plain = String::new();
    let _ = writeln!(plain, "local users {did}:     {users}");
    let _ = writeln!(plain, "external users {did}:  {external}");
    let _ = writeln!(plain, "memberships {did}:     {memberships}");
    let _ = writeln!(plain, "groups {did}:          {groups}");
    let _ = writeln!(plain, "there already: {there} users, {groups_there} groups; left as they are");
    if *skipped > 0 {
        let _ = writeln!(plain, "left out by --map: {skipped} users");
    }
    if *app_passwords > 0 {
        let _ = writeln!(
            plain,
            "not taken over: {app_passwords} app passwords; they work with that installation only, so devices need new ones"
        );
    }
    if !unconfirmed.is_empty() {
        let _ = writeln!(
            plain,
            "mail addresses that several users have, which are not confirmed: {} users; occ user:list --unconfirmed lists them",
            unconfirmed.len()
        );
        for id in unconfirmed.iter().take(MAX_PRINTED_PROBLEMS) {
            let _ = writeln!(plain, "  {}", one_line(id));
        }
    }
    let _ = writeln!(plain, "problems: {}", problems.len());
    for problem in problems.iter().take(MAX_PRINTED_PROBLEMS) {
        let _ = writeln!(plain, "  {problem}");
    }
    if problems.len() > MAX_PRINTED_PROBLEMS {
        let _ =
            writeln!(plain, "  and {} more; --output=json prints all", problems.len() - MAX_PRINTED_PROBLEMS);
    }
    if !write {
        plain += "nothing was written; --write does it\n";
    }
    let json = json!({
        "written": write, "users": users, "external_users": external, "memberships": memberships, "groups": groups,
        "users_there_already": there, "groups_there_already": groups_there,
        "app_passwords_left_behind": app_passwords, "users_left_out": skipped, "unconfirmed_addresses": unconfirmed, "problems": problems,
    });
    Output::new(plain, &json, if problems.is_empty() { Exit::Fine } else { Exit::Refused })
}
