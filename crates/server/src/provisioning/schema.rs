//! The data of responses, as JSON Schema.
//!
//! A map without entries is an empty list, as everywhere in this API.

use accounts::ProfileField;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Schema, SchemaType};
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, Ref, RefOr, Type};

/// One of several.
pub(crate) fn one_of(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => RefOr::T(schemas.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).build().into()),
    }
}

/// Nothing to say.
pub(crate) fn nothing() -> Schema {
    ArrayBuilder::new().items(RefOr::T(any())).max_items(Some(0)).build().into()
}

/// A list of texts.
pub(crate) fn list() -> Schema {
    ArrayBuilder::new().items(RefOr::T(string())).build().into()
}

/// A list of texts under a name.
pub(crate) fn named_list(name: &str) -> Schema {
    closed(object().property(name, list()).required(name))
}

/// Another `data` in `data`.
pub(crate) fn wrapped(inner: impl Into<RefOr<Schema>>) -> Schema {
    closed(object().property("data", inner).required("data"))
}

/// Users by id.
pub(crate) fn details() -> Schema {
    let short = closed(object().property("id", string()).required("id"));
    let one = one_of(vec![user(), short.into()]);
    let map = map_of(one);
    closed(object().property("users", map).required("users"))
}

/// A list of groups under a name.
pub(crate) fn groups() -> Schema {
    let list = ArrayBuilder::new().items(Ref::from_schema_name("Group"));
    closed(object().property("groups", list).required("groups"))
}

/// The id of what was created.
pub(crate) fn id() -> Schema {
    closed(object().property("id", string()).required("id"))
}

/// Service tokens under a name.
pub(crate) fn service_tokens() -> Schema {
    let list = ArrayBuilder::new().items(RefOr::T(closed(service_token())));
    closed(object().property("tokens", list).required("tokens"))
}

/// A service token that was just made.
pub(crate) fn new_service_token() -> Schema {
    let secret = text("The secret itself, which is shown this once");
    closed(service_token().property("token", secret).required("token"))
}

fn service_token() -> ObjectBuilder {
    let seconds = |what: &str| number().description(Some(format!("{what}, in seconds since 1970; 0: never")));
    let boolean = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    let properties: [(&str, RefOr<Schema>); 9] = [
        ("id", number().into()),
        ("name", string().into()),
        ("scopes", list().into()),
        ("networks", list().into()),
        ("created", seconds("When it was made").into()),
        ("expires", seconds("When it ends").into()),
        ("lastUsed", seconds("When it was used last").into()),
        ("lastUsedFrom", text("From which address; empty: never used").into()),
        ("wipe", boolean.description(Some("Whether it was ended by a remote wipe")).into()),
    ];
    properties
        .into_iter()
        .fold(object(), |object, (name, schema)| object.property(name, schema).required(name))
}

/// A user.
pub(crate) fn user() -> RefOr<Schema> {
    Ref::from_schema_name("User").into()
}

/// Texts by key.
pub(crate) fn texts_by_key() -> Schema {
    map_of(string().into())
}

/// A text.
pub(crate) fn text(description: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .build()
        .into()
}

/// One text of this name.
pub(crate) fn named_text(name: &str) -> Schema {
    closed(object().property(name, string()).required(name))
}

pub(crate) fn judged() -> Schema {
    let passed = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    closed(
        object().property("passed", passed).property("reason", text("Why it is refused")).required("passed"),
    )
}

pub(crate) fn person() -> Schema {
    let person = closed(object().property("personid", string()).required("personid"));
    closed(object().property("person", person).required("person"))
}

/// An app with all fields of its manifest.
pub(crate) fn app() -> Schema {
    let mut app = object();
    for name in ["id", "name", "summary", "description", "version", "licence"] {
        app = app.property(name, string()).required(name);
    }
    let author = one_of(vec![string().into(), list().into()]);
    let types = ArrayBuilder::new().items(RefOr::T(string()));
    app.property("author", author)
        .property("types", types)
        .required("author")
        .required("types")
        .description(Some("And whatever else the manifest of the app holds"))
        .build()
        .into()
}

pub(crate) fn capabilities() -> Schema {
    let boolean = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    let version = all(&[
        ("major", number().into()),
        ("minor", number().into()),
        ("micro", number().into()),
        ("string", string()),
        ("edition", string()),
        ("extendedSupport", boolean().into()),
    ]);
    let api = all(&[
        ("version", string()),
        ("AccountPropertyScopesVersion", number().into()),
        ("AccountPropertyScopesFederatedEnabled", boolean().into()),
        ("AccountPropertyScopesPublishedEnabled", boolean().into()),
    ]);
    let addresses = all(&[("generate", string()), ("validate", string())]);
    let rules = || {
        [
            ("minLength", number().into()),
            ("enforceNonCommonPassword", boolean().into()),
            ("enforceNumericCharacters", boolean().into()),
            ("enforceSpecialCharacters", boolean().into()),
            ("enforceUpperLowerCase", boolean().into()),
        ]
    };
    let required =
        |object: ObjectBuilder, (name, schema): (&str, Schema)| object.property(name, schema).required(name);
    let account = rules().into_iter().fold(object(), required);
    let account = required(account, ("enforceHaveIBeenPwned", boolean().into()));
    let policies = all(&[("account", closed(account))]);
    let policy = required(rules().into_iter().fold(object(), required), ("api", addresses));
    let policy = closed(policy.property("policies", policies));
    let known = closed(
        object()
            .property("provisioning_api", api)
            .property("password_policy", policy)
            .required("provisioning_api")
            .description(Some("To those who are signed in")),
    );
    let capabilities: Schema = OneOfBuilder::new().item(known).item(nothing()).build().into();
    all(&[("version", version), ("capabilities", capabilities)])
}

pub(crate) fn service() -> Schema {
    all(&["version", "website", "host", "contact", "ssl"].map(|name| (name, string())))
}

pub(crate) fn group() -> Schema {
    let boolean = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean)).into();
    all(&[
        ("id", string()),
        ("displayname", string()),
        ("usercount", number().into()),
        ("disabled", number().into()),
        ("canAdd", boolean()),
        ("canRemove", boolean()),
    ])
}

pub(crate) fn user_itself() -> Schema {
    let of =
        |name: &str| ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(name));
    let or_null = || ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let boolean = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    let mut user = object()
        .property("enabled", boolean().description(Some("Told to those who administer the user")))
        .property("id", string())
        .property("firstLoginTimestamp", number().description(Some("Seconds since 1970; 0: never")))
        .property("lastLoginTimestamp", number().description(Some("Seconds since 1970; 0: never")))
        .property("lastLogin", number().description(Some("Milliseconds since 1970; 0: never")))
        .property("backend", of("`Database` for local users, otherwise the id of the backend"))
        .property("subadmin", list())
        .property("quota", quota())
        .property("email", or_null().description(Some("The mail address that was set last")))
        .property(
            "confirmedEmail",
            or_null().description(Some(
                "The mail address that is confirmed: it signs in and gets reset links; another `email` is pending",
            )),
        )
        .property("additional_mail", list())
        .property("additional_mailScope", list())
        .property("groups", list())
        .property("notify_email", or_null())
        .property(
            "backendCapabilities",
            all(&[("setDisplayName", boolean().into()), ("setPassword", boolean().into())]),
        );
    for name in [
        "id",
        "firstLoginTimestamp",
        "lastLoginTimestamp",
        "lastLogin",
        "backend",
        "subadmin",
        "quota",
        "email",
        "additional_mail",
        "groups",
        "notify_email",
        "confirmedEmail",
        "backendCapabilities",
    ] {
        user = user.required(name);
    }
    let texts = ["manager", "displayname", "display-name"]
        .into_iter()
        .chain(ProfileField::scoped_texts().map(ProfileField::as_str))
        .chain(["language", "locale", "timezone", "storageLocation"]);
    for name in texts {
        user = user.property(name, string()).required(name);
    }
    for name in ProfileField::scoped() {
        let scope = words(&["v2-private", "v2-local", "v2-federated", "v2-published"]);
        user = user.property(format!("{name}Scope"), scope);
    }
    closed(user.description(Some("Fields ending in `Scope` are returned to the user only")))
}

fn quota() -> Schema {
    let bytes =
        one_of(vec![number().description(Some("Bytes; -3: unlimited")).into(), words(&["none"]).into()]);
    closed(
        object()
            .property("quota", bytes)
            .property("used", number())
            .property("free", number())
            .property("total", number())
            .property("relative", ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number)))
            .required("quota")
            .required("used")
            .description(Some("Who has never signed in has `quota` and `used` only")),
    )
}

pub(crate) fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object))
}

pub(crate) fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer))
}

fn string() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build().into()
}

pub(crate) fn any() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).build().into()
}

/// One of these.
pub(crate) fn words(words: &[&str]) -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(words.iter().copied()))
        .build()
        .into()
}

pub(crate) fn closed(object: ObjectBuilder) -> Schema {
    object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false))).build().into()
}

/// An object with all of these and nothing else.
fn all(properties: &[(&str, Schema)]) -> Schema {
    let with = |object: ObjectBuilder, (name, schema): &(&str, Schema)| {
        object.property(*name, schema.clone()).required(*name)
    };
    closed(properties.iter().fold(object(), with))
}

fn map_of(value: RefOr<Schema>) -> Schema {
    let map = object().additional_properties(Some(AdditionalProperties::RefOr(value))).build();
    let some = Schema::from(map);
    OneOfBuilder::new().item(some).item(nothing()).build().into()
}

/// A list of these objects under a name.
fn list_of(name: &str, one: Schema) -> Schema {
    closed(object().property(name, ArrayBuilder::new().items(RefOr::T(one))).required(name))
}

fn boolean() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean)).build().into()
}

fn integer(description: &str) -> Schema {
    number().description(Some(description)).build().into()
}

fn seconds(what: &str) -> Schema {
    integer(&format!("{what}, in seconds since 1970; 0: never"))
}

fn or_null(one: Schema) -> Schema {
    OneOfBuilder::new()
        .item(one)
        .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)))
        .build()
        .into()
}

/// The sessions of a user.
pub(crate) fn sessions() -> Schema {
    let session = all(&[
        ("id", string()),
        ("address", text("The address of the sign-in; empty: unknown")),
        ("agent", text("The user agent of the browser")),
        ("created", seconds("When it began")),
        ("seen", seconds("When it was seen last")),
    ]);
    list_of("sessions", session)
}

/// Lines of the audit log.
pub(crate) fn audit_lines() -> Schema {
    let line = all(&[
        ("number", integer("Later lines have larger numbers")),
        ("at", seconds("When")),
        ("actor", text("Who")),
        ("origin", text("From where; empty: the server itself")),
        ("action", text("What, such as user.created")),
        ("target", text("Which user, group or name")),
        ("detail", text("More about it; never a password")),
    ]);
    list_of("lines", line)
}

/// The backends with their state.
pub(crate) fn backend_states() -> Schema {
    let outage = all(&[
        ("seconds", integer("How long it has not answered")),
        ("attempts", integer("How many sign-ins needed it meanwhile")),
        ("undecided", integer("How many of them could not be decided")),
        ("phase", text("How far the last attempt came")),
        ("reason", text("Why it failed")),
    ]);
    let last = all(&[
        ("verdict", words(VERDICTS)),
        ("secondsAgo", integer("How long ago it answered or failed")),
        ("milliseconds", integer("How long that took")),
    ]);
    let backend = all(&[
        ("id", string()),
        ("name", text("What users are told")),
        ("local", boolean()),
        ("breakerOpen", boolean()),
        ("trust", words(&["proven", "unproven", "distrusted"])),
        ("recognisesRefusals", boolean()),
        ("outage", or_null(outage)),
        ("lastAnswer", or_null(last)),
    ]);
    list_of("backends", backend)
}

const VERDICTS: &[&str] =
    &["accepted", "rejected", "not_mine", "unavailable", "misconfigured", "protocol", "skipped"];

/// How a test sign-in was decided.
pub(crate) fn test_result() -> Schema {
    let step = all(&[
        ("backend", string()),
        ("verdict", words(VERDICTS)),
        ("phase", text("How far a failed attempt came")),
        ("milliseconds", integer("How long it took")),
        ("reason", text("Why it was refused, failed, or was not asked")),
    ]);
    all(&[
        ("outcome", words(&["authenticated", "refused", "throttled", "unavailable"])),
        ("retryAfter", integer("When it makes sense to try again, in seconds; 0: any time")),
        ("endedBy", text("The rule that decided")),
        ("note", text("More about it")),
        ("milliseconds", integer("How long the decision took")),
        ("steps", ArrayBuilder::new().items(RefOr::T(step)).build().into()),
    ])
}

/// Sources with failed sign-ins.
pub(crate) fn limited_sources() -> Schema {
    let source = all(&[
        ("source", text("An address, or an IPv6 network")),
        ("failures", integer("How many still count")),
        ("first", seconds("The oldest of them")),
        ("last", seconds("The latest of them")),
        ("refused", boolean()),
        ("wait", integer("How long the next sign-in waits or is refused, in seconds")),
    ]);
    all(&[
        ("sources", ArrayBuilder::new().items(RefOr::T(source)).build().into()),
        ("limit", integer("How many failures of one source are let through")),
        ("seconds", integer("How long a failure counts")),
        ("users", integer("How many names have failed sign-ins that still count at this server")),
    ])
}

/// Mails that wait to be sent.
pub(crate) fn mail_queue() -> Schema {
    let mail = all(&[
        ("kind", text("What it is about, such as reset_request")),
        ("created", seconds("When it was queued")),
        ("due", seconds("When it is tried next")),
        ("attempts", integer("How often it was tried")),
    ]);
    all(&[
        ("server", text("The mail server; empty: none is configured")),
        ("waiting", integer("How many mails wait")),
        ("mails", ArrayBuilder::new().items(RefOr::T(mail)).build().into()),
    ])
}

/// Which backend owns which name.
pub(crate) fn pins() -> Schema {
    list_of("pins", all(&[("name", string()), ("backend", string()), ("since", seconds("Since when"))]))
}

/// The sections of the configuration.
pub(crate) fn sections() -> Schema {
    closed(object().property("sections", any()).required("sections"))
}
