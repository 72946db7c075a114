//! A cookie that was alive must be dead: shown by answers that are compared, never by one alone.
//!
//! A bare 401 is the answer in every state, and a redirect may be meant for everybody. So each time three requests
//! are made: with the cookie, without one, and with one of the same form that nobody signed.

use crate::rotate::evidence::{Answer, Moment, Sent, Status};
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Probe};
use crate::secret::Secret;
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);

/// The answers to the live cookie, to none, and to a made-up one.
type Answers = [Answer; 3];

/// Asks with the cookie, without, and with a made-up one.
pub(in crate::rotate) fn ask(probe: &Probe, when: Moment) -> Answers {
    let made_up = made_up(&probe.cookie);
    [(Sent::Live, Some(&probe.cookie)), (Sent::None, None), (Sent::MadeUp, Some(&made_up))].map(
        |(cookie, value)| {
            let (answer, location) = match probe.url.ask(value, ANSWER) {
                Ok((status, location)) => (Ok(status), location),
                Err(why) => (Err(why), None),
            };
            Answer { when, cookie, answer, location }
        },
    )
}

/// Refuses to start when the probe could not show anything later.
pub(in crate::rotate) fn must_be_alive(probe: &Probe) -> Result<Answers, Error> {
    let answers = ask(probe, Moment::Before);
    match useless(&answers) {
        Some(found) => Err(Error::Probe { url: probe.url.to_string(), found }),
        None => Ok(answers),
    }
}

/// Why these answers, given before, could not tell a live cookie from a dead one.
fn useless([live, none, made_up]: &Answers) -> Option<String> {
    if !live.accepts() {
        Some(format!("answered {} to the cookie, so its later refusal would show nothing", live.text()))
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

/// Asks once more at the end, and compares.
pub(super) fn verify(rotation: &mut Rotation<'_>) {
    let claim = "A session that was alive before is refused";
    let Some(probe) = &rotation.plan.request.probe else {
        rotation.evidence.check(claim, Status::NotChecked, "no --probe was given");
        return;
    };
    let before: Vec<_> =
        rotation.evidence.answers.iter().filter(|answer| answer.when == Moment::Before).cloned().collect();
    let Ok(before) = Answers::try_from(before) else {
        let why = "the rotation was resumed, and this cookie was not seen alive before it began";
        rotation.evidence.check(claim, Status::NotChecked, why);
        return;
    };
    let after = ask(probe, Moment::End);
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
    rotation.evidence.check(claim, status, evidence);
    rotation.evidence.answers.extend(after);
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
            assert_eq!(useless(&answers(before)).is_none(), useful, "{before:?}");
        }
    }

    #[test]
    fn a_made_up_cookie_has_the_form_and_nothing_else() {
        let cookie = Secret::from("theme=dark; connect.sid=s%3AaB9-x.q%2Fz; flag".to_owned());
        let expected = Secret::from("theme=xxxx; connect.sid=s%3AxX0-x.x%2Fx; flag".to_owned());
        assert!(made_up(&cookie) == expected);
    }
}
