//! From a route and its description to an operation of OpenAPI.

use std::collections::BTreeMap;

use accounts::CompatLevel;
use axum::http::Method;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, ParameterStyle,
    PathItem,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Schema, SchemaType};
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, ObjectBuilder, Paths, PathsBuilder, Ref, RefOr, Required,
    Response, ResponseBuilder, ResponsesBuilder, SecurityRequirement, Type,
};

use super::envelope_schema;
use crate::auth::proof::Requirement;
use crate::provisioning::caller::RequiredRole;
use crate::provisioning::docs::{ParamDoc, ParamKind, ResponseDoc, Tag, TextForm, UNKNOWN_PATH};
use crate::provisioning::envelope::code::{Code, Version};
use crate::provisioning::operation::Operation as Described;
use crate::provisioning::routes::{ROUTES, Route};
use crate::provisioning::schema;

/// The name of the way to sign in.
pub(super) const BASIC: &str = "basic";

/// The base path of an API version.
pub(super) fn prefix(version: Version) -> &'static str {
    match version {
        Version::V1 => "/ocs/v1.php",
        Version::V2 => "/ocs/v2.php",
    }
}

/// Common parameters of all operations.
pub(super) fn add_parameters(components: &mut Components) {
    let header = ParameterBuilder::new()
        .name("OCS-APIRequest")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(
            "Proves that no page of another site made a browser send this (CSRF). Exactly `true`",
        ))
        .schema(Some(schema::words(&["true"])));
    let format = ParameterBuilder::new()
        .name("format")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(
            "How the answer is written; without it the first type in `Accept` decides, or else XML",
        ))
        .schema(Some(schema::words(&["json", "xml"])));
    components.parameters.insert("OCS-APIRequest".to_owned(), header.build().into());
    components.parameters.insert("format".to_owned(), format.build().into());
}

/// All operations.
pub(super) fn paths(version: Version, level: CompatLevel) -> Paths {
    let mut items: Vec<(String, PathItem)> = Vec::new();
    for (nth, route) in ROUTES.iter().enumerate() {
        let path = format!("{}{}", prefix(version), route.path.replace("*}", "}"));
        let operation = operation(nth, route, version, level);
        match items.iter_mut().find(|(known, _)| *known == path) {
            Some((_, item)) => item.merge_operations(PathItem::new(method(&route.method), operation)),
            None => items.push((path, PathItem::new(method(&route.method), operation))),
        }
    }
    for (path, summary, content_type, more) in DOORS {
        items.push((
            (*path).to_owned(),
            PathItem::new(HttpMethod::Get, public_endpoint(path, summary, content_type, more)),
        ));
    }
    items.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item)).build()
}

type Door = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Endpoints besides the API.
const DOORS: &[Door] = &[
    ("/healthz", "Liveness: the process is running", "text/plain", &[]),
    (
        "/readyz",
        "Readiness: the accounts can be reached",
        "text/plain",
        &[("503", "The accounts are unavailable")],
    ),
    ("/metrics", "Metrics for Prometheus", "text/plain", &[("404", "No metrics, or not for this client")]),
    ("/status.php", "Status in the format of the PHP system", "application/json", &[]),
    ("/openapi.json", "Describes version 2 of the API", "application/json", &[]),
    ("/openapi-v1.json", "Describes version 1 of the API", "application/json", &[]),
    ("/docs", "Describes the API for people", "text/html", &[]),
    ("/docs.css", "Style sheet of that page", "text/css", &[]),
];

fn public_endpoint(path: &str, summary: &str, content_type: &str, more: &[(&str, &str)]) -> Operation {
    let id: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
    let body = ContentBuilder::new().build();
    let mut responses = ResponsesBuilder::new()
        .response("200", ResponseBuilder::new().description("Success").content(content_type, body));
    for (status, text) in more {
        responses = responses.response(*status, Response::new(*text));
    }
    OperationBuilder::new()
        .tag(Tag::Server.name())
        .operation_id(Some(id))
        .summary(Some(summary))
        .securities(Some([]))
        .responses(responses.build())
        .build()
}

fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// The name of the operation in this row of the table: a number follows where another row has it
/// too.
pub(super) fn operation_id(nth: usize, route: &Route) -> String {
    let id = route.operation.id;
    match ROUTES.iter().take(nth).filter(|earlier| earlier.operation.id == id).count() {
        0 => id.to_owned(),
        again => format!("{id}{}", again + 1),
    }
}

fn operation(nth: usize, route: &Route, version: Version, level: CompatLevel) -> Operation {
    let described = route.operation;
    let id = operation_id(nth, route);
    let mut operation = OperationBuilder::new()
        .tag(described.tag.name())
        .operation_id(Some(id))
        .summary(Some(described.summary))
        .description(Some(description(route, described)))
        .parameter_ref(Ref::new("#/components/parameters/OCS-APIRequest"))
        .parameter_ref(Ref::new("#/components/parameters/format"));
    for name in captured(route.path) {
        operation = operation.parameter(in_path(route, name));
    }
    if matches!(route.method, Method::POST | Method::PUT) {
        operation = operation.request_body(body(described));
    } else {
        for param in described.params {
            operation = operation.parameter(in_query(param));
        }
    }
    let basic = SecurityRequirement::new::<_, [&str; 0], &str>(BASIC, []);
    let security = match route.role {
        RequiredRole::Anyone => vec![SecurityRequirement::default(), basic],
        _ => vec![basic],
    };
    operation
        .securities(Some(security))
        .responses(responses(route, described, version, level).build())
        .build()
}

/// Whom it is for, in words.
pub(super) fn whom(role: RequiredRole) -> &'static str {
    match role {
        RequiredRole::Anyone => "Public, also without a password.",
        RequiredRole::SignedIn => "For every signed-in user.",
        RequiredRole::SubAdmin => "For administrators and sub-admins.",
        RequiredRole::Admin => "For administrators.",
    }
}

/// With which proof, in words.
pub(super) fn with_what(required: Requirement) -> &'static str {
    match required {
        Requirement::Any => "",
        Requirement::Password => "Not with an app password.",
        Requirement::RecentPassword => {
            "With the password, or in a session where it was typed in the last 15 minutes; not with an app password."
        }
    }
}

fn description(route: &Route, described: &Described) -> String {
    [whom(route.role), with_what(route.requires), described.more].join(" ").trim().to_owned()
}

/// The names in a path.
pub(super) fn captured(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|piece| piece.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(route: &Route, name: &str) -> Parameter {
    let (text, form) = match name {
        "user" => ("The id of a user, in any letter case", TextForm::USER),
        "group*" => ("The id of a group, exactly; a slash in it is written %2F", TextForm::GROUP),
        "app" => ("The id of an app", TextForm::APP),
        "key" if route.path.contains("/service-tokens/") => ("The `id` of a service token", TextForm::NUMBER),
        "key" => ("The name of a setting", TextForm::KEY),
        _ => ("Which of the fields that hold several values", TextForm::ANY),
    };
    let schema = match name {
        "collection" => schema::words(&["additional_mail", "additional_mailScope"]),
        _ => form.schema().build().into(),
    };
    ParameterBuilder::new()
        .name(name.trim_end_matches('*'))
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(text))
        .schema(Some(schema))
        .build()
}

/// The name of a parameter where arrays show in names.
fn in_form(param: &ParamDoc) -> String {
    if param.kind == ParamKind::List { format!("{}[]", param.name) } else { param.name.to_owned() }
}

fn in_query(param: &ParamDoc) -> Parameter {
    let mut parameter = ParameterBuilder::new()
        .name(in_form(param))
        .parameter_in(ParameterIn::Query)
        .required(if param.required { Required::True } else { Required::False })
        .description(Some(param.text))
        .schema(Some(schema_of(param)));
    if param.kind == ParamKind::Map {
        parameter = parameter.style(Some(ParameterStyle::DeepObject)).explode(Some(true));
    }
    parameter.build()
}

fn body(described: &Described) -> Option<utoipa::openapi::request_body::RequestBody> {
    if described.params.is_empty() && described.or_params.is_empty() {
        return None;
    }
    let required = described.params.iter().any(|param| param.required);
    // The maps of a form, `name[key]=value`, are something that OpenAPI has no words for.
    let is_written = |params: &[ParamDoc], form: bool| {
        let has_map = params.iter().any(|param| matches!(param.kind, ParamKind::Map | ParamKind::Lists));
        !(params.is_empty() || form && has_map)
    };
    let content = |form: bool| {
        let kinds = [described.params, described.or_params].into_iter();
        let schemas: Vec<_> =
            kinds.filter(|params| is_written(params, form)).map(|params| object_of(params, form)).collect();
        (!schemas.is_empty()).then(|| ContentBuilder::new().schema(Some(schema::one_of(schemas))).build())
    };
    let mut body = RequestBodyBuilder::new()
        .description(Some("The same parameters may stand in the query."))
        .required(Some(if required { Required::True } else { Required::False }));
    for (kind, form) in [
        ("application/json", false),
        ("application/x-www-form-urlencoded", true),
        ("multipart/form-data", true),
    ] {
        if let Some(content) = content(form) {
            body = body.content(kind, content);
        }
    }
    Some(body.build())
}

fn object_of(params: &[ParamDoc], form: bool) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object));
    for param in params {
        let name = if form { in_form(param) } else { param.name.to_owned() };
        if param.required {
            object = object.required(name.clone());
        }
        object = object.property(name, schema_of(param));
    }
    RefOr::T(object.build().into())
}

fn schema_of(param: &ParamDoc) -> Schema {
    let text = || param.form.schema();
    let texts = || ArrayBuilder::new().items(text()).description(Some(param.text));
    let map = |value: Schema| {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .description(Some(param.text))
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(value))))
    };
    match param.kind {
        ParamKind::Text if !param.words.is_empty() => {
            text().description(Some(param.text)).enum_values(Some(param.words.iter().copied())).build().into()
        }
        ParamKind::Text => text().description(Some(param.text)).build().into(),
        ParamKind::Secret => {
            let format = utoipa::openapi::schema::SchemaFormat::KnownFormat(
                utoipa::openapi::schema::KnownFormat::Password,
            );
            text().format(Some(format)).description(Some(param.text)).build().into()
        }
        ParamKind::Number => {
            let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
            number.description(Some(param.text)).build().into()
        }
        ParamKind::Count => {
            let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
            number.minimum(Some(0)).description(Some(param.text)).build().into()
        }
        ParamKind::List => texts().build().into(),
        ParamKind::Map => map(text().build().into()).build().into(),
        ParamKind::Lists => map(ArrayBuilder::new().items(text()).build().into()).build().into(),
    }
}

/// Codes that every route may return.
pub(super) fn usual(route: &Route) -> Vec<ResponseDoc> {
    let mut codes = vec![
        (
            Code::BAD_REQUEST,
            "a parameter is missing, sent twice or of the wrong type; or the body does not match its content type",
        ),
        (Code::MEDIA_TYPE, "unsupported content type of the body"),
        (
            Code::THROTTLED,
            "too many failed sign-ins from your address or with this name; the hint names the limit",
        ),
        (Code::UNAVAILABLE, "the server that could decide is unavailable; try again later"),
        (Code::BROKEN, "internal error; find it in the log by its X-Request-Id"),
        (Code::UNAUTHORISED, "not signed in, or wrong name or password"),
    ];
    match route.role {
        RequiredRole::Anyone => {}
        RequiredRole::SignedIn => {
            codes.push((Code::FORBIDDEN, "not available to service tokens, or not without its scope"));
        }
        RequiredRole::SubAdmin | RequiredRole::Admin => codes.push((
            Code::FORBIDDEN,
            "not allowed, or not with an app password, an old session or a service token without its scope",
        )),
    }
    codes
}

fn responses(route: &Route, described: &Described, version: Version, level: CompatLevel) -> ResponsesBuilder {
    let mut by_status: BTreeMap<u16, Vec<(u16, &str)>> = BTreeMap::new();
    let of_operation = described.codes.iter().copied();
    for (code, text) in of_operation.chain(usual(route)) {
        let code = code.at(level);
        let (shown, status) = match (code, version) {
            (UNKNOWN_PATH, Version::V1) => (998, 200),
            (UNKNOWN_PATH, Version::V2) => (404, 404),
            _ => (code.shown(version), code.status(version).as_u16()),
        };
        let codes = by_status.entry(status).or_default();
        match codes.iter_mut().find(|(known, _)| *known == shown) {
            Some(_) if usual(route).contains(&(code, text)) => {}
            _ => codes.push((shown, text)),
        }
    }
    let worked = RefOr::T(envelope_schema::enveloped((described.data)()));
    by_status.entry(200).or_default();
    let mut responses = ResponsesBuilder::new();
    for (status, codes) in by_status {
        let mut schemas = Vec::new();
        let mut lines = Vec::new();
        if status == 200 {
            schemas.push(worked.clone());
            lines.push(format!("- {}: it worked", Code::OK.shown(version)));
        }
        if !codes.is_empty() {
            let mut shown: Vec<u16> = codes.iter().map(|(code, _)| *code).collect();
            shown.sort_unstable();
            shown.dedup();
            schemas.push(envelope_schema::failed(&shown).into());
            lines.extend(codes.iter().map(|(code, text)| format!("- {code}: {text}")));
        }
        if let Some(text) = before_anything(status) {
            schemas.push(Ref::from_schema_name("Problem").into());
            lines.push(format!("- without an envelope: {text}"));
        }
        responses = responses.response(status.to_string(), response(status, lines.join("\n"), schemas));
    }
    if described.has_etag {
        responses = responses.response("304", Response::new("Nothing has changed since `If-None-Match`"));
    }
    for status in [400, 403, 412] {
        if let Some(text) = before_anything(status)
            && (status == 412 || version == Version::V1 || !answers(route, described, status))
        {
            let schemas = vec![Ref::from_schema_name("Problem").into()];
            responses = responses.response(
                status.to_string(),
                response(status, format!("Without an envelope: {text}"), schemas),
            );
        }
    }
    responses
}

/// Whether version 2 answers with this status from within an envelope.
fn answers(route: &Route, described: &Described, status: u16) -> bool {
    let codes = described.codes.iter().copied().chain(usual(route));
    codes.into_iter().any(|(code, _)| code.status(Version::V2).as_u16() == status)
}

/// Refusals at every route, from before the call is routed.
fn before_anything(status: u16) -> Option<&'static str> {
    match status {
        400 => Some(
            "the header Authorization is malformed, Host is no name of this server, or X-Forwarded-For of a proxy is malformed",
        ),
        403 => Some("passwords are not accepted over plain HTTP from other machines"),
        412 => Some("the header OCS-APIRequest: true is missing"),
        503 => Some("timeout"),
        _ => None,
    }
}

fn response(status: u16, description: String, schemas: Vec<RefOr<Schema>>) -> Response {
    let mut response = ResponseBuilder::new().description(description);
    if status == 429 || status == 503 {
        let seconds = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).build();
        let header =
            HeaderBuilder::new().schema(Some(Schema::from(seconds))).description(Some("Seconds to wait"));
        response = response.header("Retry-After", header.build());
    }
    let only_problem = matches!(schemas.as_slice(), [RefOr::Ref(_)]);
    response = response
        .content("application/json", ContentBuilder::new().schema(Some(schema::one_of(schemas))).build());
    let others: &[&str] = match status {
        412 => &["text/html"],
        _ if only_problem => &[],
        200 => &["application/xml", "text/xml"],
        _ => &["application/xml", "text/xml"],
    };
    for content_type in others {
        response = response.content(*content_type, ContentBuilder::new().build());
    }
    response.build()
}
