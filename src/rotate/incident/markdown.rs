//! The report as Markdown: every value escaped, every claim with its evidence.

use super::prose::{FOLLOW_UP, NOTICE};
use super::{Incident, StoreClass};
use crate::contain::Contained;
use crate::rotate::framework::letter;
use crate::rotate::{Exposure, Kind};
use std::fmt::{self, Write as _};

pub(super) fn render(incident: &Incident) -> String {
    let mut out = String::new();
    write(&mut out, incident).expect("a string takes any text");
    out
}

fn write(out: &mut String, incident: &Incident) -> fmt::Result {
    head(out, incident)?;
    summary(out, incident)?;
    verification(out, incident)?;
    impact(out, incident)?;
    exposure(out, incident)?;
    timeline(out, incident)?;
    writeln!(out, "\n## Residual risks\n")?;
    for risk in &incident.residual_risks {
        writeln!(out, "- {}", text(risk))?;
    }
    writeln!(out, "\n## What to do next")?;
    for (when, items) in FOLLOW_UP {
        writeln!(out, "\n### {when}\n")?;
        for item in items {
            writeln!(out, "- [ ] {item}")?;
        }
    }
    writeln!(
        out,
        "\n## Notice to users\n\nFor when the verification above shows that their sessions have ended:\n\n```text\n{NOTICE}\n```"
    )?;
    writeln!(out, "\n## To be filled in by a person\n")?;
    for item in ["How and when the leak was noticed", "Root cause", "What went well, what did not"] {
        writeln!(out, "- {item}:")?;
    }
    writeln!(out, "\n| Sign-off | Name | Date (UTC) | Agreed |\n|---|---|---|---|")?;
    for role in ["Incident commander", "Owner of the application", "Security review"] {
        writeln!(out, "| {role} | | | |")?;
    }
    writeln!(
        out,
        "\n---\nWritten by {}. Journal: `journal.jsonl` beside this file, last hash `{}`.",
        incident.tool, incident.journal_head
    )
}

fn head(out: &mut String, incident: &Incident) -> fmt::Result {
    writeln!(out, "# Incident {}: session secret rotation\n", incident.id)?;
    writeln!(out, "| | |\n|---|---|")?;
    for (name, value) in [
        ("Status", incident.status.to_owned()),
        ("Severity", incident.severity.to_string()),
        ("Started (UTC)", incident.opened.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        ("Ended (UTC)", incident.closed.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        ("Duration", format!("{} ms", incident.duration_ms)),
        ("Target", incident.targets.join(", ")),
    ] {
        writeln!(out, "| {name} | {} |", cell(&value))?;
    }
    writeln!(out, "| New value | `{}`, {} |", incident.placeholder, cell(&incident.format))
}

fn summary(out: &mut String, incident: &Incident) -> fmt::Result {
    writeln!(out, "\n## Summary\n")?;
    let count =
        |status: &str| incident.checks.iter().filter(|check| check.status.to_string() == status).count();
    writeln!(
        out,
        "The secret in {} was rotated: {}. Of {} claims below, {} were verified, {} failed and {} were not checked.",
        text(&incident.targets.join(" and in ")),
        incident.status,
        incident.checks.len(),
        count("verified"),
        count("failed"),
        count("not checked"),
    )?;
    if let Some(class) = incident.class {
        writeln!(
            out,
            "\nSessions of class {} ({}): {} {}",
            letter(class),
            incident.class_basis,
            class.exposure(),
            class.remedy()
        )?;
    }
    Ok(())
}

fn verification(out: &mut String, incident: &Incident) -> fmt::Result {
    writeln!(out, "\n## Verification\n")?;
    if incident.checks.is_empty() {
        writeln!(out, "Nothing was verified: the rotation did not come that far.")?;
    } else {
        writeln!(out, "| Claim | Status | Evidence |\n|---|---|---|")?;
    }
    for check in &incident.checks {
        writeln!(out, "| {} | {} | {} |", cell(&check.claim), check.status, cell(&check.evidence))?;
    }
    if !incident.answers.is_empty() {
        writeln!(out, "\n### Answers of the probe\n\n| When | Cookie | Answer |\n|---|---|---|")?;
    }
    for answer in &incident.answers {
        writeln!(out, "| {} | {} | {} |", answer.when, answer.cookie, cell(&answer.text()))?;
    }
    Ok(())
}

fn impact(out: &mut String, incident: &Incident) -> fmt::Result {
    writeln!(out, "\n## Impact\n")?;
    match (&incident.store, incident.class) {
        (Some(store), _) => {
            writeln!(
                out,
                "- Store: {} ({}), table {}",
                text(&store.url),
                store.dialect,
                text(&store.table.to_string())
            )?;
        }
        (None, Some(StoreClass::D)) => writeln!(out, "- Store: none; these sessions live in cookies")?,
        (None, _) => writeln!(out, "- Store: none was looked at")?,
    }
    writeln!(out, "- Users affected: not known; the counts are of sessions")?;
    match &incident.downtime {
        Some(downtime) => writeln!(out, "- Downtime: {}", text(&downtime.to_string()))?,
        None => writeln!(out, "- Downtime: not measured")?,
    }
    writeln!(out, "- Data seen or changed by an attacker: not known")?;
    if !incident.purges.is_empty() {
        writeln!(
            out,
            "\n| Purge | Before | Backed up | Deleted | After | Backup |\n|---|---|---|---|---|---|"
        )?;
    }
    for (number, round) in incident.purges.iter().enumerate() {
        let backups: Vec<&str> =
            round.backup.iter().chain(&round.later_backups).map(String::as_str).collect();
        let backups = if backups.is_empty() { "none needed".to_owned() } else { backups.join(", ") };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            number + 1,
            round.before,
            round.backed_up,
            round.deleted,
            round.after,
            cell(&backups),
        )?;
    }
    Ok(())
}

fn timeline(out: &mut String, incident: &Incident) -> fmt::Result {
    writeln!(
        out,
        "\n## Actions and timeline (UTC)\n\n| Time | After | Step | What | Detail |\n|---|---|---|---|---|"
    )?;
    for record in &incident.timeline {
        let what = match record.event {
            Kind::Opened => "opened",
            Kind::Begun => "begun",
            Kind::Done => "done",
            Kind::Failed => "failed",
            Kind::Undone => "undone",
            Kind::Closed => "closed",
        };
        writeln!(
            out,
            "| {} | {} ms | {} | {what} | {} |",
            record.at.strftime("%H:%M:%S"),
            record.ms,
            record.step.map_or("", crate::rotate::Step::name),
            cell(&record.detail),
        )?;
    }
    Ok(())
}

/// Since when and until when the old value was worth something.
fn exposure(out: &mut String, incident: &Incident) -> fmt::Result {
    const FORM: &str = "%Y-%m-%d %H:%M:%S";
    writeln!(out, "\n## Exposure\n")?;
    match incident.exposed_since {
        Some(since) => {
            let found = incident.exposure.as_ref().is_some_and(|leak| leak.since() == Some(since));
            let by =
                if found { "by the date of the first commit that holds it" } else { "as the operator says" };
            writeln!(out, "- Readable by others since: {} UTC, {by}", since.strftime(FORM))?;
        }
        None => writeln!(out, "- Readable by others since: not known (`--exposed-since` takes it)")?,
    }
    match incident.replaced_at {
        Some(at) => writeln!(out, "- Every target had the new value at: {} UTC", at.strftime(FORM))?,
        None => writeln!(out, "- The old value is still in use, or it is not known whether it is")?,
    }
    if let (Some(since), Some(at)) = (incident.exposed_since, incident.replaced_at) {
        let minutes = (at.as_second() - since.as_second()).max(0) / 60;
        writeln!(out, "- Window: {} d {} h {} min", minutes / 1440, minutes / 60 % 24, minutes % 60)?;
    }
    if let Some(strength) = incident.old_strength {
        writeln!(out, "- {}", strength.sentence())?;
    }
    writeln!(out, "- Memory: {}", incident.protection)?;
    if let Some(leak) = &incident.exposure {
        found(out, leak, incident.containment.is_none())?;
    }
    incident.containment.as_ref().map_or(Ok(()), |done| contained(out, done))
}

/// What was taken out of the repository, and what no commit can take out of it.
fn contained(out: &mut String, done: &Contained) -> fmt::Result {
    writeln!(out, "\n### Taken out of branch {} of {}\n", text(&done.branch), text(&done.repository))?;
    for commit in &done.commits {
        writeln!(out, "- Commit `{}`, which is not pushed", text(commit))?;
    }
    if done.commits.is_empty() {
        writeln!(out, "- No commit was needed: HEAD held the value in no file that could be changed")?;
    }
    for file in &done.files {
        writeln!(out, "- In it: {}", text(file))?;
    }
    for left in &done.left {
        writeln!(out, "- **Still holds the value**: {} ({})", text(&left.path), text(&left.why))?;
    }
    writeln!(
        out,
        "\nThe commits before it, other branches, clones, forks, caches and pull requests still hold the value. Only a rewrite of the history takes it out of them, where that can be done at all."
    )
}

/// Where a scan found it.
fn found(out: &mut String, leak: &Exposure, untouched: bool) -> fmt::Result {
    writeln!(
        out,
        "\n### Found in {} (finding {})\n\n| Where | Path | First commit | Date (UTC) |\n|---|---|---|---|",
        text(&leak.repository),
        leak.finding
    )?;
    for place in &leak.places {
        let date = place.date.map(|date| date.strftime("%Y-%m-%d %H:%M:%S").to_string());
        let [path, commit, date] =
            [&place.path, &place.commit, &date].map(|value| cell(value.as_deref().unwrap_or("none")));
        writeln!(out, "| {} | {path} | {commit} | {date} |", cell(&place.kind))?;
    }
    let more = match leak.more {
        0 => String::new(),
        more => format!("{more} places more are not listed. "),
    };
    if untouched {
        writeln!(
            out,
            "\n{more}The rotation removed it from none of them: the history, clones, forks and caches still hold the value."
        )
    } else {
        writeln!(out, "\n{more}What was done about that stands below.")
    }
}

/// Text that Markdown shows as it is, in one line.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            '\\' | '`' | '*' | '<' | '>' | '|' | '&' | '[' | ']' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// The same for a table's cell, which an endless value must not break.
fn cell(value: &str) -> String {
    const LONGEST: usize = 600;
    if value.chars().count() > LONGEST {
        return format!("{} …", text(&value.chars().take(LONGEST).collect::<String>()));
    }
    text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_out_of_its_cell() {
        assert_eq!(cell("a|b\n# c <img>"), "a\\|b # c \\<img\\>");
    }
}
