//! The chapters of the story: what happens, why, and what is checked about it.

use super::app::{self, VARIABLE};
use super::browser::{self, forge};
use super::screen::{BAD, BOLD, DIM, GOOD};
use super::trial::{IN, OUT, Trial};
use super::world::{USERS, random_secret};
use super::{Error, Story, repository};
use crate::detect::Detector;
use crate::finding::{Confidence, Scan};
use crate::report::{self, Format};
use crate::rotate::{
    self, Ending, Event, Health, Moment, Outcome, Plan, Probe, Reload, Request, Sent, Severity, Status,
    StoreAccess, Target,
};
use crate::rule;
use crate::scan;
use crate::secret::{FingerprintKey, Redactor, Secret};
use crate::session;
use crate::source::git::Part;
use crate::source::{GitSource, Progress, Source};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the application may take for anything.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn leak(story: &mut Story<'_>) -> Result<(), Error> {
    let (site, commits, users) = (story.world.site.base().to_owned(), repository::COMMITS, USERS.join(", "));
    let screen = &mut story.screen;
    screen.chapter("A secret leaks")?;
    screen.say(
        "A team replaced its session secret in an emergency, and wrote a report about it. The new secret \
         stood in the report. A day later somebody deleted the file and wrote \"zero residual risk\". git \
         keeps what was ever committed, and the application still signs with that value.",
    )?;
    let repository = story.world.repository();
    screen.item(&format!("{DIM}repository {DIM:#}  {}, {commits} commits", repository.display()), 13)?;
    screen.item(&format!("{DIM}application{DIM:#}  {site}, sessions in SQLite; logged in: {users}"), 13)
}

pub(super) fn scan(story: &mut Story<'_>) -> Result<Secret, Error> {
    story.screen.chapter("unleak scan finds it, deleted or not")?;
    let started = Instant::now();
    let repository = story.world.repository();
    let source = Source::Git(Box::new(GitSource::open(&repository, Part::Everything { ignored: false })?));
    let detector = Detector::new(rule::builtin())?;
    let options =
        scan::Options { jobs: 1, archives: true, min_confidence: Confidence::Medium, explain: false };
    let key = FingerprintKey::generate().map_err(|_| Error::Randomness)?;
    let scan = scan::run(&source, &detector, || key, &options, &Progress::default())?;
    let options = report::Options {
        show_secrets: false,
        quiet: false,
        target: &repository.to_string_lossy(),
        elapsed: started.elapsed(),
        rules: detector.rules(),
        origin: None,
    };
    let mut text = Vec::new();
    Format::Human.write(&scan, &options, &mut text).map_err(Error::Output)?;
    story.screen.show(&String::from_utf8_lossy(&text))?;
    found(story, &scan)
}

/// What the scan found must be what the application signs with; the story goes on with the found value.
fn found(story: &mut Story<'_>, scan: &Scan) -> Result<Secret, Error> {
    let [finding] = scan.findings.as_slice() else { return Err(Error::NotFound) };
    let in_leak = finding.occurrences.iter().any(|place| place.path.as_deref() == Some(repository::LEAK));
    let at_head = finding.occurrences.iter().any(|place| place.at_head);
    story.prove("the scan finds the secret in a file that HEAD does not have", in_leak && !at_head);
    story.prove("the scan saw everything", scan.coverage.is_complete());
    let live = story.world.secret_now()?;
    let is_live = finding.secret == live && live == story.world.secret;
    story.prove("the value found is the one in use", is_live);
    let text = if is_live {
        "No file at HEAD holds it, and it is exactly the value that the application signs with now."
    } else {
        "It is not the value that the application signs with now."
    };
    story.screen.say(text)?;
    Ok(finding.secret.clone())
}

pub(super) fn attack(story: &mut Story<'_>, leaked: &Secret) -> Result<Vec<Trial>, Error> {
    let (world, screen) = (&story.world, &mut story.screen);
    screen.chapter("What somebody can do with it")?;
    screen.say(
        "Whoever cloned the repository has the secret, as the scan had it. With the id of one session, say \
         from an old copy of the database, the rest is arithmetic: sign the id, and be that user.",
    )?;
    let guess = random_secret()?;
    let ids = world.session_ids(USERS[1])?;
    let id = ids.first().ok_or(Error::Answer("no session of a user who logged in"))?;
    let cookies = [forge(id, leaked), forge(id, &guess)];
    screen.hide(cookies.iter().map(browser::value));
    let [forged, guessed] = cookies;
    let ada = world.cookies.first().cloned();
    let trials = vec![
        Trial::before("bob's session, signed with the leaked secret", Some(forged), (IN, OUT), &world.site)?,
        Trial::before("ada's own cookie, copied before the rotation", ada, (IN, OUT), &world.site)?,
        Trial::before("bob's session, signed with a guessed secret", Some(guessed), (OUT, OUT), &world.site)?,
        Trial::before("no cookie at all", None, (OUT, OUT), &world.site)?,
    ];
    for trial in &trials {
        screen.item(&format!("{:<46}  {}", trial.what, trial.first()), 0)?;
    }
    Ok(trials)
}

pub(super) fn plan(story: &mut Story<'_>) -> Result<Plan, Error> {
    story.screen.chapter("unleak rotate says what it will do")?;
    let plan = Plan::prepare(request(story)?)?;
    story.screen.show(&plan.to_string())?;
    Ok(plan)
}

/// What an operator would give on the command line.
fn request(story: &Story<'_>) -> Result<Request, Error> {
    let world = &story.world;
    let ada = world.cookies.first().ok_or(Error::Answer("no cookie for a login"))?;
    let store = format!("sqlite:{}", app::store_file(&world.server()).display());
    Ok(Request {
        targets: vec![Target::env(app::env_file(&world.server()), VARIABLE)?],
        format: None,
        reload: vec![Reload::command(world.restart_command(), None, LIMIT)],
        health: Some(Health { url: world.site.health()?, limit: LIMIT }),
        store: Some(StoreAccess::new(&store, session::Options::default())?),
        checks: Vec::new(),
        probe: Some(Probe::new(world.site.user()?, ada)?),
        severity: Severity::P0,
        incident: None,
        unfinished: None,
        arguments: None,
        exposed_since: None,
        leaked: None,
        exposure: None,
        contain: None,
        deduced: false,
        protection: rotate::protect(),
        restore_leaked: false,
        graceful: None,
        state: world.state(),
        fault: None,
    })
}

pub(super) fn rotate(story: &mut Story<'_>, plan: &Plan) -> Result<Outcome, Error> {
    let screen = &mut story.screen;
    screen.chapter("unleak rotate does it")?;
    // A screen that is gone must not stop a rotation half-way; the next chapter will notice.
    let outcome = rotate::run(plan, story.stop, &mut |event| {
        let (mark, text) = match event {
            Event::Done { step, text, ms } => (
                format!("{GOOD}done  {GOOD:#}  {:<11}", step.name()),
                format!("{text} {DIM}({ms} ms){DIM:#}"),
            ),
            Event::Failed { step, text } => {
                (format!("{BAD}failed{BAD:#}  {:<11}", step.name()), text.clone())
            }
            Event::Undone { step, text } => {
                (format!("{BOLD}undone{BOLD:#}  {:<11}", step.name()), text.clone())
            }
            Event::Note(text) => (format!("{:<19}", "note"), text.clone()),
            Event::Opened { id, .. } => (format!("{:<19}", "incident"), id.to_string()),
            Event::Begun { .. } | Event::Advanced { .. } => return,
        };
        drop(screen.item(&format!("{mark}  {text}"), 21));
    })?;
    story.prove(
        "the rotation ran to its end, and nothing that it checked failed",
        matches!(outcome.ending, Ending::Done),
    );
    Ok(outcome)
}

pub(super) fn proof(
    story: &mut Story<'_>,
    leaked: &Secret,
    trials: &mut Vec<Trial>,
    outcome: &Outcome,
) -> Result<(), Error> {
    story.screen.chapter("The proof")?;
    for trial in trials.iter_mut() {
        trial.again(&story.world.site)?;
    }
    trials.extend(new_login(story, leaked)?);
    story.screen.item(&Trial::head(), 0)?;
    for trial in trials {
        story.screen.item(&trial.row(), 0)?;
        story.prove(trial.what, trial.held());
    }
    counts(story, outcome)?;
    let between = outcome.incident.answers.iter().find(|answer| answer.when == Moment::Between);
    let refused = between.is_some_and(|answer| answer.cookie == Sent::Live && answer.answer == Ok(OUT));
    story.prove("the new secret alone refuses the old cookie", refused);
    let now = story.world.secret_now()?;
    story.prove("another secret is in use", now != *leaked && now.len() == 128);
    if refused {
        story.screen.say(
            "Each measure works on its own: ada's cookie was refused by the new secret while her session \
             still existed, and the leaked secret opens no session that was made since.",
        )?;
    }
    Ok(())
}

/// What there is only after the rotation: a new session, and the attacker's view of it.
fn new_login(story: &mut Story<'_>, leaked: &Secret) -> Result<[Trial; 2], Error> {
    let (world, screen) = (&story.world, &mut story.screen);
    let cookie = world.site.log_in(USERS[0])?;
    let ids = world.session_ids(USERS[0])?;
    let id = ids.last().ok_or(Error::Answer("no session of a user who logged in"))?;
    let forged = forge(id, leaked);
    screen.hide([world.secret_now()?, browser::value(&cookie), browser::value(&forged)]);
    Ok([
        Trial::after("ada's new login", cookie, IN, &world.site)?,
        Trial::after("her new session, signed with the leaked secret", forged, OUT, &world.site)?,
    ])
}

/// The sessions, by the same query before and after.
fn counts(story: &mut Story<'_>, outcome: &Outcome) -> Result<(), Error> {
    let rounds = &outcome.incident.purges;
    let before = rounds.first().map_or(0, |round| round.before);
    let backed_up: u64 = rounds.iter().map(|round| round.backed_up).sum();
    let deleted: u64 = rounds.iter().map(|round| round.deleted).sum();
    let after = rounds.last().map_or(u64::MAX, |round| round.after);
    let users = USERS.len() as u64;
    story.prove(
        "every session was backed up and deleted",
        (before, backed_up, deleted, after) == (users, users, users, 0),
    );
    story.screen.item(
        &format!("{:<46}  {before} before, {deleted} deleted, {after} after", "sessions in the store"),
        48,
    )
}

pub(super) fn report(story: &mut Story<'_>, outcome: &Outcome) -> Result<(), Error> {
    story.screen.chapter("The incident report, which leaks nothing")?;
    let checks = outcome.incident.checks.iter().map(|check| {
        let style = match check.status {
            Status::Verified => GOOD,
            Status::Failed => BAD,
            Status::NotChecked => DIM,
        };
        format!("{style}{:<11}{style:#}  {}", check.status.to_string(), check.claim)
    });
    let checks: Vec<_> = checks.collect();
    story.screen.show(&checks.join("\n"))?;
    let (mut files, mut dirty) = (0, 0);
    search(&story.world.state(), &story.screen.redactor(), &mut files, &mut dirty)?;
    let clean = files > 0 && dirty == 0 && outcome.report.is_ok();
    story.prove("no file of the rotation holds a secret, a session id or a cookie", clean);
    let text = if clean {
        format!(
            "{files} files (report, journal, backup, keys) were searched for both secrets, every session id \
             and every cookie, plain and in the usual encodings: none holds one."
        )
    } else {
        format!("{dirty} of {files} files hold what they must not.")
    };
    story.screen.say(&text)?;
    if let Ok(path) = &outcome.report {
        let fate = if story.world.kept { "" } else { " (goes with the folder)" };
        story.screen.item(&format!("{DIM}report{DIM:#}  {}{fate}", path.display()), 8)?;
    }
    Ok(())
}

/// Counts the files below a folder, and those that hold a secret.
fn search(folder: &Path, redactor: &Redactor, files: &mut usize, dirty: &mut usize) -> Result<(), Error> {
    let failed = || Error::io("read the state folder");
    for entry in std::fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if path.is_dir() {
            search(&path, redactor, files, dirty)?;
        } else {
            *files += 1;
            *dirty += usize::from(!redactor.is_clean(&std::fs::read(&path).map_err(failed())?));
        }
    }
    Ok(())
}

pub(super) fn next(story: &mut Story<'_>) -> Result<(), Error> {
    let failed: Vec<_> =
        story.proofs.iter().filter(|proof| !proof.held).map(|proof| proof.claim.clone()).collect();
    let screen = &mut story.screen;
    screen.space()?;
    if failed.is_empty() {
        screen.title(&format!("All {} proofs hold.", story.proofs.len()))?;
    } else {
        screen.title(&format!("{} of {} proofs do not hold:", failed.len(), story.proofs.len()))?;
    }
    for claim in failed {
        screen.item(&format!("{BAD}failed{BAD:#}  {claim}"), 8)?;
    }
    for (what, command) in [
        ("find your own", "unleak scan"),
        ("plan a rotation", "unleak rotate --dry-run --target env:.env#SESSION_SECRET"),
        ("look around here", "unleak demo --keep"),
    ] {
        screen.item(&format!("{DIM}{what:<18}{DIM:#}  {command}"), 20)?;
    }
    Ok(())
}
