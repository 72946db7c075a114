//! What a path says of the values in its file.

/// Folders that say of every file in them what it holds.
const FOLDERS: [&str; 6] = ["secrets", "secret", "credentials", "passwords", "tokens", ".secrets"];
/// Ends of names that say nothing of what a file holds.
const PLAIN_ENDS: [&str; 8] = ["txt", "text", "dat", "conf", "cfg", "md", "raw", "value"];
/// Ends of names that say what a file holds. Every other one names a form of data, in which a value is one of many.
const TELLING_ENDS: [&str; 6] = ["key", "token", "secret", "password", "pass", "pw"];

/// Files in which every line ends in a password: of servers and clients for dial-in, mail, files, databases and tunnels.
const LISTS: [&str; 20] = [
    "auth",
    "auth-user-pass",
    "chap-secrets",
    "credentials",
    "creds",
    "htdigest",
    "login",
    "logins",
    "pap-secrets",
    "passwd.client",
    "password",
    "passwords",
    "pgpass",
    "psk",
    "rsyncd.secrets",
    "sasl_passwd",
    "secret",
    "secrets",
    "user-pass",
    "userlist",
];

/// What a path calls the last value of each line, if its file is known for such lines.
pub(super) fn of_list(path: &str) -> Vec<String> {
    let file = path.rsplit('/').next().unwrap_or(path).trim_start_matches('.').to_ascii_lowercase();
    let stem = match file.rsplit_once('.') {
        Some((stem, end)) if PLAIN_ENDS.contains(&end) => stem,
        _ => &file,
    };
    if LISTS.contains(&stem) { vec!["password".to_owned()] } else { Vec::new() }
}

/// What a path calls its only value: by the file's name, or else by its folder.
pub(super) fn of_one(path: &str) -> Vec<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    let Some(file) = folders.pop() else { return Vec::new() };
    let file = file.trim_start_matches('.');
    let name = match file.rsplit_once('.') {
        Some((stem, end)) if PLAIN_ENDS.contains(&end.to_ascii_lowercase().as_str()) => stem.to_owned(),
        Some((stem, end)) if TELLING_ENDS.contains(&end.to_ascii_lowercase().as_str()) => {
            format!("{stem}_{end}")
        }
        Some(_) => return Vec::new(),
        None => file.to_owned(),
    };
    let in_folder = folders.last().is_some_and(|folder| is_folder(folder));
    let says = if in_folder { ["_secret", "_password"].as_slice() } else { &[] };
    let of_folder: Vec<String> = says.iter().map(|word| format!("{name}{word}")).collect();
    let is_plain =
        |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    [name].into_iter().chain(of_folder).filter(is_plain).filter(|name| may_name_secret(name)).collect()
}

/// Whether a folder of this name says of every file in it what it holds.
pub(in crate::scan) fn is_folder(name: &str) -> bool {
    FOLDERS.iter().any(|folder| name.eq_ignore_ascii_case(folder))
}

/// Whether a file of this name has a name for its only value in one folder or another.
pub(super) fn may_name_one(name: &str) -> bool {
    !of_one(&format!("{}/{name}", FOLDERS[0])).is_empty()
}

/// Words of which one stands in every name that a rule reads a value for.
const WORDS: [&str; 14] = [
    "pass", "pwd", "pw", "secret", "token", "key", "auth", "cred", "psk", "salt", "pepper", "pat", "hook",
    "kennwort",
];

/// Whether a name can be one of a secret at all: hardly any of the small files of a history is.
fn may_name_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_and_its_folder_name_the_value() {
        assert_eq!(
            of_one("portal/secrets/db_password.txt"),
            ["db_password", "db_password_secret", "db_password_password"]
        );
        assert_eq!(of_one("config/master.key"), ["master_key"]);
        assert_eq!(of_one("run/secrets/shop"), ["shop_secret", "shop_password"]);
        assert_eq!(of_one("a/.vault-token"), ["vault-token"]);
        assert!(of_one("docs/the password.txt").is_empty());
        assert!(of_one("k8s/secret.yaml").is_empty() && of_one("secret.md5").is_empty());
        assert!(of_one("VERSION").is_empty());
    }

    #[test]
    fn what_has_a_name_in_some_folder_may_have_one() {
        for path in
            ["portal/secrets/db_password.txt", "config/master.key", "run/secrets/shop", "a/.vault-token"]
        {
            assert!(may_name_one(path.rsplit('/').next().unwrap()), "{path}");
        }
        assert!(!may_name_one("secret.yaml") && !may_name_one("the password.txt"));
    }

    #[test]
    fn a_list_is_read_only_of_files_that_are_known_for_one() {
        for path in ["etc/ppp/chap-secrets", "openvpn/auth.txt", ".davfs2/secrets", "exim4/passwd.client"] {
            assert_eq!(of_list(path), ["password"], "{path}");
        }
        for path in ["requirements.txt", "secrets/db_password.txt", "auth.js", "README"] {
            assert!(of_list(path).is_empty(), "{path}");
        }
    }
}
