//! `/admin/sessions`: lists sessions, ends some, carries procedures out.

use super::body::{Asked, Sent};
use super::operation::{Api, Operation, Parameter};
use super::schema;
use crate::rotate::IncidentId;
use crate::secret::Fingerprint;
use crate::serve::access::Identity;
use crate::serve::procedure::{self, Ask, backup_id};
use crate::serve::{App, Problem, sessions};
use crate::session::{ListQuery, ProcedurePlan, ProcedureReport, Sort};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

const PATH: &str = "/admin/sessions";
const JSON: &str = "application/json";

const LIST: Operation = Operation {
    method: "get",
    path: PATH,
    id: "listSessions",
    summary: "One page of the sessions",
    parameters: &[
        Parameter::query("page", "Which page, from 1", schema::page),
        Parameter::query("limit", "How many sessions a page", schema::limit),
        Parameter::query("userId", "Only those of this user", schema::user),
        Parameter::query("status", "Only active or only expired ones", status),
        Parameter::query("sort", "What comes first; a minus turns it round", sort),
        Parameter::query("expiringHours", "Only active ones that expire within so many hours", hours),
    ],
    body: None,
    media: JSON,
    answer: schema::sessions,
};

const DELETE: Operation = Operation {
    method: "delete",
    path: PATH,
    id: "deleteSessions",
    summary: "Ends the sessions of a user or of some fingerprints, with a backup",
    parameters: &[
        Parameter::query("session", "The fingerprint of the session", schema::fingerprint),
        Parameter::query("userId", "The user", schema::user),
        Parameter::query("dryRun", "Count and change nothing", schema::flag),
        Parameter::query(
            "atMost",
            "Change nothing when more sessions are selected than these",
            schema::count,
        ),
    ],
    body: Some((delete_body, false)),
    media: JSON,
    answer: schema::procedure,
};

const POST: Operation = Operation {
    method: "post",
    path: PATH,
    id: "runProcedure",
    summary: "Carries a procedure out, with a backup, or counts what it would delete",
    parameters: &[],
    body: Some((post_body, true)),
    media: JSON,
    answer: schema::procedure,
};

pub(super) fn routes(api: Api) -> Api {
    api.on(LIST, list).on(DELETE, delete).on(POST, post)
}

fn status() -> Value {
    json!({"type": "string", "enum": ["active", "expired"]})
}

fn sort() -> Value {
    json!({"type": "string", "enum": ["expires", "-expires", "created", "-created"], "default": "expires"})
}

fn hours() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 876_000})
}

fn delete_body() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "session": schema::fingerprint(),
            "sessions": schema::fingerprints(),
            "userId": schema::user(),
            "dryRun": schema::flag(),
            "atMost": schema::count(),
            "incident": schema::incident(),
        },
    })
}

fn post_body() -> Value {
    let one = |actions: &[&str], own: Option<(&str, Value)>| {
        let mut properties = json!({
            "action": {"enum": actions},
            "dryRun": schema::flag(),
            "atMost": schema::count(),
            "incident": schema::incident(),
        });
        let mut required = vec!["action"];
        if let Some((name, schema)) = own {
            properties[name] = schema;
            required.push(name);
        }
        json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
    };
    json!({"oneOf": [
        one(&["cleanup", "purge", "dedupe", "orphans", "disabled"], None),
        one(&["before"], Some(("before", schema::time()))),
        one(&["idle"], Some(("idleHours", hours()))),
    ]})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Listing {
    page: Option<u32>,
    limit: Option<u32>,
    user_id: Option<String>,
    status: Option<Status>,
    sort: Option<Order>,
    expiring_hours: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Expired,
}

#[derive(Clone, Copy, Deserialize)]
enum Order {
    #[serde(rename = "expires")]
    Expires,
    #[serde(rename = "-expires")]
    ExpiresLast,
    #[serde(rename = "created")]
    Created,
    #[serde(rename = "-created")]
    CreatedLast,
}

impl From<Order> for Sort {
    fn from(order: Order) -> Self {
        match order {
            Order::Expires => Self::Expires,
            Order::ExpiresLast => Self::ExpiresLast,
            Order::Created => Self::Created,
            Order::CreatedLast => Self::CreatedLast,
        }
    }
}

async fn list(State(app): State<App>, Asked(asked): Asked<Listing>) -> Result<Json<Value>, Problem> {
    let page = within("page", asked.page.unwrap_or(1), 1_000_000_000)?;
    let limit = within("limit", asked.limit.unwrap_or(20), 200)?;
    let expiring = asked.expiring_hours.map(|hours| within("expiringHours", hours, 876_000)).transpose()?;
    let query = ListQuery {
        user: asked.user_id.map(user).transpose()?,
        active: asked.status.map(|status| status == Status::Active),
        expiring_within: expiring.map(|hours| SignedDuration::from_hours(hours.into())),
        sort: asked.sort.map(Sort::from).unwrap_or_default(),
        offset: u64::from(page - 1) * u64::from(limit),
        limit,
    };
    let list = sessions::list(&app, query).await?;
    let pages = list.total.div_ceil(u64::from(limit)).max(1);
    Ok(Json(json!({
        "schema": "unleak.sessions.list/v1", "lifetime": list.lifetime, "total": list.total, "page": page,
        "pages": pages, "sessions": list.sessions,
    })))
}

fn within(name: &str, number: u32, most: u32) -> Result<u32, Problem> {
    if (1..=most).contains(&number) {
        return Ok(number);
    }
    Err(Problem::bad_request(format!("{name} is a number from 1 to {most}")))
}

fn user(id: String) -> Result<String, Problem> {
    // Bytes that are no text became the last of these, which is somebody else's id if it is any.
    let fits =
        !id.is_empty() && id.chars().count() <= 200 && !id.contains(['\0', char::REPLACEMENT_CHARACTER]);
    fits.then_some(id).ok_or_else(|| Problem::bad_request("userId is 1 to 200 characters of text"))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Which {
    session: Option<String>,
    sessions: Option<Vec<String>>,
    user_id: Option<String>,
    dry_run: Option<bool>,
    at_most: Option<u64>,
    incident: Option<String>,
}

async fn delete(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Asked(asked): Asked<Which>,
    Sent(sent): Sent<Which>,
) -> Result<Json<Value>, Problem> {
    let sent = sent.unwrap_or_default();
    let one = asked.session.or(sent.session).map(|one| vec![one]);
    let fingerprints = one.or(asked.sessions).or(sent.sessions);
    let ask = match (fingerprints, asked.user_id.or(sent.user_id)) {
        (Some(wanted), None) => Ask::Sessions(fingerprints_of(&wanted)?),
        (None, Some(id)) => Ask::User(user(id)?),
        _ => return Err(Problem::bad_request("name either sessions by their fingerprints or a userId")),
    };
    let how = How {
        dry: asked.dry_run.or(sent.dry_run).unwrap_or(false),
        at_most: asked.at_most.or(sent.at_most),
        incident: asked.incident.or(sent.incident),
    };
    carry_out(&app, &identity, ask, how).await
}

/// The fingerprints that were sent, each once.
fn fingerprints_of(wanted: &[String]) -> Result<Vec<Fingerprint>, Problem> {
    if wanted.is_empty() || wanted.len() > 200 {
        return Err(Problem::bad_request("1 to 200 sessions can be named"));
    }
    let mut parsed: Vec<Fingerprint> = wanted
        .iter()
        .map(|text| sessions::fingerprint(text))
        .collect::<Option<_>>()
        .ok_or_else(|| Problem::bad_request("a fingerprint is 16 hexadecimal digits in lower case"))?;
    parsed.sort_unstable();
    parsed.dedup();
    Ok(parsed)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    action: Action,
    dry_run: Option<bool>,
    at_most: Option<u64>,
    before: Option<Timestamp>,
    idle_hours: Option<u32>,
    incident: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Cleanup,
    Purge,
    Dedupe,
    Orphans,
    Disabled,
    Before,
    Idle,
}

impl Wanted {
    /// What is asked for. A bound that the action does not know is refused: whoever sent it believes that it holds.
    fn ask(&self) -> Result<Ask, Problem> {
        let plain = |ask| match (self.before, self.idle_hours) {
            (None, None) => Ok(ask),
            _ => Err(Problem::bad_request("this action takes neither `before` nor `idleHours`")),
        };
        match (self.action, self.before, self.idle_hours) {
            (Action::Cleanup, ..) => plain(Ask::Expired),
            (Action::Purge, ..) => plain(Ask::All),
            (Action::Dedupe, ..) => plain(Ask::Duplicates),
            (Action::Orphans, ..) => plain(Ask::Orphans),
            (Action::Disabled, ..) => plain(Ask::Disabled),
            (Action::Before, Some(before), None) => Ok(Ask::Before(before)),
            (Action::Before, ..) => {
                Err(Problem::bad_request("the action `before` needs a time in `before`, and nothing else"))
            }
            (Action::Idle, None, Some(hours)) => {
                let hours = within("idleHours", hours, 876_000)?;
                Ok(Ask::Idle(SignedDuration::from_hours(hours.into())))
            }
            (Action::Idle, ..) => {
                Err(Problem::bad_request("the action `idle` needs `idleHours`, and nothing else"))
            }
        }
    }
}

async fn post(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    sent: Sent<Wanted>,
) -> Result<Json<Value>, Problem> {
    let wanted = sent.needed()?;
    let ask = wanted.ask()?;
    let dry = wanted.dry_run.unwrap_or(false);
    let how = How { dry, at_most: wanted.at_most, incident: wanted.incident };
    carry_out(&app, &identity, ask, how).await
}

/// How a procedure is to be carried out.
struct How {
    /// Count, and change nothing.
    dry: bool,
    /// Change nothing when more are selected.
    at_most: Option<u64>,
    incident: Option<String>,
}

async fn carry_out(app: &App, identity: &Identity, ask: Ask, how: How) -> Result<Json<Value>, Problem> {
    if how.at_most.is_some_and(|most| most > schema::LARGEST) {
        return Err(Problem::bad_request("atMost is a number of sessions"));
    }
    let incident = how.incident.map(|id| id.parse::<IncidentId>()).transpose()?;
    let incident = incident.map(|id| id.as_str().to_owned()).unwrap_or_default();
    let (action, what) = (ask.action(), ask.what());
    let told = |plan: &ProcedurePlan, report: Option<&ProcedureReport>, audit: Option<&str>| {
        let backups: Vec<_> = report.iter().flat_map(|done| &done.backups).filter_map(backup_id).collect();
        let error = report.and_then(|done| done.cause.as_ref()).map(ToString::to_string);
        Json(json!({
            "schema": "unleak.serve.procedure/v1", "action": action, "what": what, "dryRun": report.is_none(),
            "plan": plan, "report": report, "error": error, "backups": backups, "audit": audit,
        }))
    };
    if how.dry {
        return Ok(told(&procedure::preview(app, ask).await?, None, None));
    }
    match procedure::carry_out(app, identity, ask, incident, how.at_most).await? {
        (plan, Some(outcome)) => Ok(told(&plan, Some(&outcome.done), outcome.audit.as_deref())),
        (plan, None) => Err(grown(&plan)),
    }
}

fn grown(plan: &ProcedurePlan) -> Problem {
    let title = "More sessions are selected than `atMost` allows, and nothing was changed";
    Problem::new(StatusCode::CONFLICT, "urn:unleak:grown", title)
        .detailed(format!("{} are selected now", plan.selected))
        .hinted(Some("ask again with `dryRun`, and send the number that it plans".to_owned()))
}
