//! A cookie that was alive must be dead: shown by answers that are compared, never by one alone.
//!
//! A bare 401 is the answer in every state, and a redirect may be meant for everybody. So each time several requests
//! are made: with the cookie, without one, with one of the same form that nobody signed, and with a forged one.

use crate::rotate::canary::{Canary, secrets_of};
use crate::rotate::evidence::{Answer, Moment, Sent, Status};
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Probe};
use crate::secret::Secret;
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);

/// The claims about cookies, in the order of the report.
const REFUSED: &str = "A session that was alive before is refused";
const FORGED: &str = "A cookie that the old value makes is refused";
const LOGIN: &str = "A new login works";
const CONTROL: &str = "Nobody gets in without a cookie, nor with a made-up one";

/// The answers to a cookie, to none, and to a made-up one.
type Answers = [Answer; 3];

/// Asks with each cookie, without any, and with a made-up one.
pub(in crate::rotate) fn ask(probe: &Probe, canary: &Canary, when: Moment) -> Vec<Answer> {
    let made_up = canary.live.as_ref().or(canary.forged.as_ref()).map(made_up);
    let mut all = Vec::with_capacity(4);
    all.extend(canary.live.as_ref().map(|live| one(probe, when, Sent::Live, Some(live))));
    all.push(one(probe, when, Sent::None, None));
    all.extend(made_up.as_ref().map(|made_up| one(probe, when, Sent::MadeUp, Some(made_up))));
    all.extend(canary.forged.as_ref().map(|forged| one(probe, when, Sent::Forged, Some(forged))));
    all
}

fn one(probe: &Probe, when: Moment, cookie: Sent, value: Option<&Secret>) -> Answer {
    let (answer, location) = match probe.url.ask(value, ANSWER) {
        Ok((status, location)) => (Ok(status), location),
        Err(why) => (Err(why), None),
    };
    Answer { when, cookie, answer, location }
}

/// The answers of one moment to a cookie and to those that it is compared with.
fn three(answers: &[Answer], when: Moment, cookie: Sent) -> Option<Answers> {
    let find = |sent| answers.iter().find(|answer| (answer.when, answer.cookie) == (when, sent)).cloned();
    Some([find(cookie)?, find(Sent::None)?, find(Sent::MadeUp)?])
}

/// Refuses to start when the probe could not show anything later.
pub(in crate::rotate) fn must_be_alive(probe: &Probe, canary: &Canary) -> Result<Vec<Answer>, Error> {
    let answers = ask(probe, canary, Moment::Before);
    for (sent, name) in [(Sent::Live, "the cookie"), (Sent::Forged, "a cookie forged with the old value")] {
        let found = three(&answers, Moment::Before, sent).and_then(|answers| useless(&answers, name));
        if let Some(found) = found {
            return Err(Error::Probe { url: probe.url.to_string(), found });
        }
    }
    Ok(answers)
}

/// Why these answers, given before, could not tell a live cookie from a dead one.
fn useless([live, none, made_up]: &Answers, name: &str) -> Option<String> {
    if !live.accepts() {
        Some(format!("answered {} to {name}, so its later refusal would show nothing", live.text()))
    } else if none.accepts() {
        Some(format!("answered {} without a cookie too, so it does not need a session", none.text()))
    } else if !none.may_refuse() {
        Some(format!("answered {} without a cookie, which is no refusal to compare with", none.text()))
    } else if made_up.accepts() {
        Some(format!("answered {} to a made-up cookie too, so it does not check it", made_up.text()))
    } else {
        None
    }
}

/// Asks once more at the end, logs in anew, and compares.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let Some(probe) = &rotation.plan.request.probe else {
        for claim in [REFUSED, FORGED, LOGIN, CONTROL] {
            rotation.evidence.check(claim, Status::NotChecked, "no --probe was given");
        }
        return;
    };
    let after = ask(probe, &rotation.canary, Moment::End);
    rotation.evidence.answers.extend(after);
    let login = log_in(rotation, probe);
    for (claim, (status, evidence)) in [
        (REFUSED, live_is_refused(rotation, probe)),
        (FORGED, forged_is_refused(rotation, probe)),
        (LOGIN, login),
        (CONTROL, control(rotation, probe)),
    ] {
        rotation.evidence.check(claim, status, evidence);
    }
}

fn live_is_refused(rotation: &Rotation<'_>, probe: &Probe) -> (Status, String) {
    let not_checked = |why: &str| (Status::NotChecked, why.to_owned());
    if rotation.canary.live.is_none() {
        return not_checked("no live session was given nor logged in");
    }
    let all = &rotation.evidence.answers;
    let (before, after) = (three(all, Moment::Before, Sent::Live), three(all, Moment::End, Sent::Live));
    let (Some(before), Some(after)) = (before, after) else {
        return not_checked("the rotation was resumed, and this cookie was not seen alive before it began");
    };
    let (status, what) = judge(&before, &after);
    let [with, without, _] = &after;
    let evidence = format!(
        "{} answered {} with the cookie ({what}), {} without one; before it answered {} and {}",
        probe.url,
        with.text(),
        without.text(),
        before[0].text(),
        before[1].text()
    );
    (status, evidence)
}

/// A refusal after the purge may be that of a session that is gone. So what counts is also the answer before the purge,
/// and that to a session that lives: the new login's, with the old value's signature.
fn forged_is_refused(rotation: &Rotation<'_>, probe: &Probe) -> (Status, String) {
    if probe.forge.is_none() && rotation.canary.forged.is_none() {
        return (Status::NotChecked, "no --forge was given".to_owned());
    }
    let all = &rotation.evidence.answers;
    let at = |when, sent| three(all, when, sent);
    let (Some(before), Some(after)) = (at(Moment::Before, Sent::Forged), at(Moment::End, Sent::Forged))
    else {
        let why = "the rotation was resumed, and this cookie was not seen accepted before it began";
        return (Status::NotChecked, why.to_owned());
    };
    let (mut status, what) = judge(&before, &after);
    let mut evidence = format!(
        "{} answered {} ({what}); before it answered {}",
        probe.url,
        after[0].text(),
        before[0].text()
    );
    let more = [
        (at(Moment::Between, Sent::Forged), "before the purge"),
        (at(Moment::End, Sent::NewForged), "made for the new login's session"),
    ];
    for (answers, name) in more {
        let Some(answers) = answers else { continue };
        let (also, what) = judge(&before, &answers);
        let what = what.split_once(", and").map_or(what, |(what, _)| what);
        evidence = format!("{evidence}; {name} {} ({what})", answers[0].text());
        if also == Status::Failed {
            status = Status::Failed;
        }
    }
    (status, evidence)
}

/// Logs in, and asks with the new session and with the same one as the old value would make it.
fn log_in(rotation: &mut Rotation<'_>, probe: &Probe) -> (Status, String) {
    let Some(login) = &probe.login else {
        return (Status::NotChecked, "no --login was given".to_owned());
    };
    let session = match login.session() {
        Ok(session) => session,
        Err(error) => return (Status::Failed, error.to_string()),
    };
    rotation.hide(&secrets_of(&session));
    let answer = one(probe, Moment::End, Sent::New, Some(&session));
    let (status, text) = if answer.accepts() {
        (Status::Verified, format!("{} answered {} to its cookie", probe.url, answer.text()))
    } else {
        (Status::Failed, format!("{} answered {} to its cookie", probe.url, answer.text()))
    };
    rotation.evidence.answers.push(answer);
    let again = probe.forge.as_ref().zip(rotation.plan.old()).filter(|(forge, _)| forge.contents.is_none());
    let forged = again.and_then(|(forge, old)| forge.cookie(old, &rotation.new, Some(&session)).ok());
    if let Some(forged) = forged {
        rotation.hide(&secrets_of(&forged));
        let answer = one(probe, Moment::End, Sent::NewForged, Some(&forged));
        rotation.evidence.answers.push(answer);
    }
    (status, format!("at {}, by the same login; {text}", login.url()))
}

/// What everybody is answered who has no session.
fn control(rotation: &Rotation<'_>, probe: &Probe) -> (Status, String) {
    let find = |sent| {
        let mut all = rotation.evidence.answers.iter();
        all.find(|answer| (answer.when, answer.cookie) == (Moment::End, sent))
    };
    let (Some(none), Some(made_up)) = (find(Sent::None), find(Sent::MadeUp)) else {
        return (Status::NotChecked, "there was no cookie to make one up from".to_owned());
    };
    let evidence = format!("{} answered {} and {} at the end", probe.url, none.text(), made_up.text());
    let status = if none.accepts() || made_up.accepts() {
        Status::Failed
    } else if none.may_refuse() && made_up.answer.is_ok() {
        Status::Verified
    } else {
        Status::NotChecked
    };
    (status, evidence)
}

/// What the answers show. They were of use before, so whatever shows nothing now is not as it should be.
fn judge(before: &Answers, [live, none, made_up]: &Answers) -> (Status, &'static str) {
    if live.accepts() {
        (Status::Failed, "it is still accepted")
    } else if !none.is_like(&before[1]) {
        (Status::Failed, "which shows nothing, since no cookie at all is answered otherwise than before")
    } else if live.is_like(none) {
        (Status::Verified, "as without one, and the same cookie was accepted before")
    } else if live.may_refuse() && live.is_like(made_up) && made_up.is_like(&before[2]) {
        (Status::Verified, "as a made-up one, and the same cookie was accepted before")
    } else {
        (Status::Failed, "that is neither accepted nor the answer to no cookie")
    }
}

/// A cookie of the same names and form, without anything of the values.
fn made_up(cookie: &Secret) -> Secret {
    let text = String::from_utf8_lossy(cookie.expose());
    let pairs = text.split(';').map(|pair| match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", filled(value)),
        None => pair.to_owned(),
    });
    Secret::from(pairs.collect::<Vec<_>>().join(";"))
}

/// The value with every letter and digit replaced; percent signs and the mark of a signed cookie stay what they are.
fn filled(value: &str) -> String {
    let mark = ["s%3A", "s:"].into_iter().find(|mark| value.starts_with(mark)).unwrap_or("");
    let mut kept = 0;
    let filled = value[mark.len()..].chars().map(|c| {
        if c == '%' {
            kept = 3;
        }
        if kept > 0 {
            kept -= 1;
            return c;
        }
        match c {
            'a'..='z' => 'x',
            'A'..='Z' => 'X',
            '0'..='9' => '0',
            c => c,
        }
    });
    mark.chars().chain(filled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three answers: a status, a redirect's aim after `>`, or no answer.
    fn answers(texts: [&str; 3]) -> Answers {
        let sent = [Sent::Live, Sent::None, Sent::MadeUp];
        std::array::from_fn(|n| {
            let (status, location) = texts[n].split_once('>').unwrap_or((texts[n], ""));
            Answer {
                when: Moment::End,
                cookie: sent[n],
                answer: status.parse().map_err(|_| status.to_owned()),
                location: (!location.is_empty()).then(|| location.to_owned()),
            }
        })
    }

    #[test]
    fn only_the_answer_to_no_cookie_shows_a_dead_one() {
        use Status::{Failed, Verified};
        for (before, after, expected) in [
            (["200", "401", "401"], ["401", "401", "401"], Verified),
            (["200", "302>/login", "302>/login"], ["302>/login", "302>/login", "302>/login"], Verified),
            (["200", "302>/login", "401"], ["401", "302>/login", "401"], Verified),
            (["204", "404", "404"], ["404", "404", "404"], Verified),
            (["200", "401", "401"], ["200", "401", "401"], Failed),
            // Alive, but sent elsewhere.
            (["200", "302>/login", "302>/login"], ["302>/account/", "302>/login", "302>/login"], Failed),
            (["200", "401", "401"], ["302>/welcome", "401", "401"], Failed),
            // Everybody is sent elsewhere, or turned away by something in front.
            (["200", "401", "401"], ["302>/maintenance", "302>/maintenance", "302>/maintenance"], Failed),
            (["200", "302>/login", "401"], ["403", "403", "403"], Failed),
            (["200", "401", "401"], ["503", "503", "503"], Failed),
            (["200", "401", "401"], ["no connection", "no connection", "no connection"], Failed),
            (["200", "401", "500"], ["500", "401", "500"], Failed),
        ] {
            assert_eq!(judge(&answers(before), &answers(after)).0, expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_probe_that_cannot_show_anything_is_refused() {
        for (before, useful) in [
            (["200", "401", "401"], true),
            (["200", "302>/login", "500"], true),
            (["302>/login", "302>/login", "302>/login"], false),
            (["200", "200", "401"], false),
            (["200", "401", "200"], false),
            (["200", "500", "500"], false),
            (["200", "no connection", "401"], false),
        ] {
            assert_eq!(useless(&answers(before), "the cookie").is_none(), useful, "{before:?}");
        }
    }

    #[test]
    fn a_made_up_cookie_has_the_form_and_nothing_else() {
        let cookie = Secret::from("theme=dark; connect.sid=s%3AaB9-x.q%2Fz; flag".to_owned());
        let expected = Secret::from("theme=xxxx; connect.sid=s%3AxX0-x.x%2Fx; flag".to_owned());
        assert!(made_up(&cookie) == expected);
    }
}
