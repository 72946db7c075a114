//! Lists of names in messages: a database may hold thousands, and none may write to a terminal as it likes.

use std::path::PathBuf;

/// The tables that are there.
pub(super) fn seen(tables: &[String]) -> String {
    if tables.is_empty() {
        "it has no tables".to_owned()
    } else {
        format!("tables seen: {}", bounded(tables))
    }
}

/// All of them: each is the only copy of what it holds.
pub(super) fn paths(backups: &[PathBuf]) -> String {
    let shown: Vec<_> = backups.iter().map(|path| path.display().to_string()).collect();
    if shown.is_empty() { "no file".to_owned() } else { shown.join(", ") }
}

/// Sessions that are gone, and nobody knows who ended them.
pub(super) fn more_gone(sessions: u64) -> String {
    match sessions {
        0 => String::new(),
        _ => format!(" ({sessions} more are gone, deleted here or ended by somebody else)"),
    }
}

/// At most ten names, each cut at 80 characters: a database may hold thousands.
pub(super) fn bounded(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let cut = |name: &String| -> String {
        name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(80).collect()
    };
    let text = names.iter().take(SHOWN).map(cut).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names_are_bounded_and_printable() {
        let names: Vec<String> = (0..1000).map(|n| format!("t\x1b{n}{}", "x".repeat(500))).collect();
        let text = bounded(&names);
        assert!(text.len() < 1200, "{}", text.len());
        assert!(text.ends_with("and 990 more") && !text.contains('\x1b'));
    }
}
