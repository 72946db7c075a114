//! Passphrases: words that people string together, and those that only sentences and the names of programs hold.

/// `maple-rocket-winter-tiger`, `Maple-Rocket-Winter-Tiger`: four words and more of the language, or three and a number,
/// and none that names of programs are made of.
pub(super) fn is_joined(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let numbered = value[..end].ends_with(b"-") && (1..=4).contains(&(value.len() - end));
    let words = if numbered { &value[..end - 1] } else { value };
    let lower = words.to_ascii_lowercase();
    let parts = || lower.split(|byte| *byte == b'-');
    let capitals =
        words.split(|byte| *byte == b'-').filter(|part| part.first().is_some_and(u8::is_ascii_uppercase));
    let capitals = capitals.count();
    // Each of them or none, and only the first of its letters.
    let is_cased = words.iter().filter(|byte| byte.is_ascii_uppercase()).count() == capitals
        && (capitals == 0 || capitals == parts().count());
    let is_word = |part: &[u8]| {
        (3..=10).contains(&part.len()) && part.iter().all(u8::is_ascii_lowercase) && !is_of_program(part)
    };
    let least = if numbered { 3 } else { 4 };
    (least..=8).contains(&parts().count())
        && words.len() >= if numbered { 15 } else { 20 }
        && is_cased
        && parts().all(is_word)
        && !is_known(&lower)
}

/// The one that everybody knows, and that stands for any.
pub(super) fn is_known(value: &[u8]) -> bool {
    value.starts_with(b"correct horse") || value.starts_with(b"correct-horse")
}

/// Words that the names of things in programs and clusters are made of, and stand-ins.
const TECHNICAL: &str = "admin api app application auth backend backup base bucket build cache cert change chart class client \
    cloud cluster code config connect connection container credential cred cron data database default deploy dev disk dns \
    docker domain edge elastic end env event export external file front frontend gateway git grafana group helm host http https \
    image import index infra ingress instance internal job json key kube lambda ldap level live load local log login mail main \
    manager map master memory message metric mode model module mongo monitor mysql net network nginx node normal null oauth object \
    operator order page part path pod policy pool port postgres postgresql primary private process prod production project \
    prometheus provider proxy public queue read redis region registry release remote replica replication repo request reset resource \
    rest role root route rule run script search secure server service session set shared site smtp source sql ssl stack stage \
    staging state static storage store stream sync system tab table task team template terraform tls tool type update upload url \
    vault version view volume web webhook worker write yaml zone here put goes yours add insert replace chosen choose \
    strong complex simple hidden none unset optional disabled enabled create created generate generated";

/// Whether names of things in programs or sentences about passwords hold the word.
pub(super) fn is_of_program(word: &[u8]) -> bool {
    let is = |other: &str| word == other.as_bytes() || word.strip_suffix(b"s") == Some(other.as_bytes());
    TECHNICAL.split_ascii_whitespace().chain(SENTENCE.split_ascii_whitespace()).any(is)
}

/// Whether sentences about passwords hold the word.
pub(super) fn is_of_sentence(word: &[u8]) -> bool {
    SENTENCE.split_ascii_whitespace().any(|other| word == other.as_bytes())
}

/// Words of sentences about passwords, which passphrases do not hold.
const SENTENCE: &str = "the your you and for with without this that these those must not are was were has have had can cannot will \
    would should from into when what where which who how used use uses using new old enter please set get see per any all \
    only but user users username password passwords passphrase passwd secret token key value login account wrong invalid \
    incorrect required missing least characters chars long empty change changed reset forgot forgotten confirm repeat same \
    name email mail file field string text default optional some words here more than random short test example sample dummy \
    fake der die das und ist nicht ein eine bitte ihr mit von les est pas votre une des pour dans sur los las una por para \
    con del que gli della per non una een het van niet voor och att som inte";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_somebody_chose_are_told_from_names_and_from_the_example() {
        for value in ["maple-rocket-winter-tiger", "Maple-Rocket-Winter-Tiger", "maple-rocket-winter-42"] {
            assert!(is_joined(value.as_bytes()), "{value}");
        }
        for value in [
            "correct-horse-battery-staple",
            "main-cluster-backup-secret",
            "maple-rocket-tiger",
            "maple-server-12",
            "eu-cluster-node-12",
            "Maple-rocket-Winter-tiger",
            "the-winter-is-over-now",
        ] {
            assert!(!is_joined(value.as_bytes()), "{value}");
        }
    }
}
