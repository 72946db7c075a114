//! What a path says of the accounts that its file keeps.

use crate::scan::nature::{self, Nature};

/// What kinds of passwords stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeps {
    /// A program's settings, where those that are shipped with it stand too: any that nobody would put there for a start.
    Settings,
    /// Accounts of a person or of a machine: every one.
    Accounts,
}

impl Keeps {
    /// What the file of a path keeps, if it is one of these.
    pub(super) fn of(path: &str) -> Option<Self> {
        let lower = path.to_ascii_lowercase();
        let lower = original(&lower);
        let (folders, name) = lower.rsplit_once('/').unwrap_or(("", lower));
        let is_shown =
            |folder: &str| is_one_of(folder, SHOWN) || folder.starts_with("test") || folder.ends_with("test");
        if is_known_for_less(lower, name) || folders.split('/').any(is_shown) {
            return None;
        }
        if is_of_accounts(folders, name) {
            Some(Self::Accounts)
        } else {
            is_of_settings(folders, name).then_some(Self::Settings)
        }
    }

    /// Whether a file of this name keeps some in one folder or another.
    pub(super) fn may_be(name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        let name = original(&lower);
        let end = end_of(name);
        // Of code only what its name says; all else is kept somewhere in a folder of settings.
        !is_known_for_less(name, name)
            && (!is_one_of(end, CODE)
                || is_one_of(end, DATA)
                || is_of_accounts("", name)
                || is_of_settings("", name))
    }
}

/// The path without what a copy that somebody put aside has behind it: that keeps the same.
fn original(path: &str) -> &str {
    COPIES.split(' ').fold(path, |path, end| path.strip_suffix(end).unwrap_or(path))
}

/// Whether a file is of a kind that keeps no accounts: a document, a test, or what describes an interface and shows what may be
/// sent.
fn is_known_for_less(path: &str, name: &str) -> bool {
    let is_description = ["openapi", "swagger"].iter().any(|word| name.contains(word));
    is_description || nature::is_document(path) || Nature::of(path).is_some()
}

/// Ends of the names of copies.
const COPIES: &str = "~ .txt .bak .old .orig .save .backup";

/// Folders of what is shown or tried, not used.
const SHOWN: &str = "doc docs documentation example examples sample samples demo demos tutorial tutorials e2e spec specs schema \
    schemas mock __mocks__ cypress rules";

/// The files in which clients, shells and servers keep accounts, by the programs' documentation.
const ACCOUNTS: &str = "netrc authinfo pgpass pgpass.conf my.cnf debian.cnf mylogin.cnf fetchmailrc esmtprc msmtprc muttrc neomuttrc getmailrc \
    offlineimaprc mbsyncrc isyncrc mailrc pinerc slrnrc mcabberrc wgetrc curlrc lftprc hgrc smbcredentials smbpasswd ftpconfig ftppass ftpdata ftpquota \
    remote-sync.json remote-ftp.json sftp.json brackets-ftp.json git-credentials git-ftp-config gitconfig s3cfg boto npmrc pypirc dockercfg \
    sitemanager.xml recentservers.xml filezilla.xml winscp.ini ws_ftp.ini wcx_ftp.ini nppftp.xml webservers.xml accounts.xml servlist.conf irc.conf \
    znc.conf chap-secrets pap-secrets ipsec.secrets sasl_passwd passwd.client rsyncd.secrets tomcat-users.xml wpa_supplicant.conf \
    hostapd.conf userlist pass passwords logins.json logins.csv users.ldif clients.conf manager.conf sip.conf iax.conf voicemail.conf \
    chpasswd vault_pass htpasswd rclone.conf davfs2 mosquitto.conf bitcoin.conf slapd.conf pam_ldap.conf ldap.conf unattend.xml \
    autounattend.xml sysprep.inf robo3t.json robomongo.json ks.cfg preseed.cfg fstab running-config startup-config confcons.xml sshpass";

/// Words in the names of such files.
const SAY_ACCOUNTS: &str =
    "credential passwd password keepass lastpass sftp-config ftpconfig _history data-sources datasources";

/// Ends of the names of what such files are written as.
const DATA: &str =
    "csv json xml yml yaml conf cfg cnf ini env toml plist properties dat log db reg local php inc";

fn is_of_accounts(folders: &str, name: &str) -> bool {
    let plain = name.trim_start_matches(['.', '_']);
    let is_data = is_one_of(end_of(name), DATA) || end_of(name).is_empty();
    let in_home = folders.split('/').any(|folder| is_one_of(folder, HOMES));
    is_one_of(plain, ACCOUNTS)
        || is_data && (in_home || SAY_ACCOUNTS.split(' ').any(|word| plain.contains(word)))
        // `.muttrc`, `.profile`, `.zshenv`: what a person's shell and clients read.
        || name.starts_with('.') && !name[1..].contains('.') && (name.ends_with("rc") || is_one_of(plain, SHELLS))
        || matches!(end_of(name), "ovpn" | "nmconnection" | "remmina" | "rdp" | "keystore" | "netrc" | "ppk")
}

/// Folders in which a person's programs keep what they know.
const HOMES: &str = ".purple .weechat .irssi .hexchat .xchat2 .profanity .mutt .getmail .thunderbird .mozilla .dbeaver .davfs2 \
    .subversion .lftp .ncftp .filezilla filezilla .aws";

/// Files that a shell reads at its start.
const SHELLS: &str =
    "profile bash_profile bash_login bash_aliases zshenv zprofile zlogin aliases exports extra";

/// Ends of the names of code, in which words stand for all kinds of things.
const CODE: &str = "php inc py rb js ts jsx tsx mjs cjs go rs java kt scala cs vb c h cpp hpp swift m pl pm lua ex exs clj vue";

/// Those of the languages in which settings are written too.
const SCRIPTS: &str = "php inc py rb js ts mjs cjs pl pm lua h";

/// Ends of the names of settings.
const SETTINGS: &str = "conf cnf cfg ini properties env tfvars tfstate toml plist config prefs reg ora sh bash zsh fish bat cmd \
    ps1 ldif rsc sql gradle yml yaml";

/// Words in the names of settings that are written as code or as data.
const SAY_SETTINGS: &str = "config settings conf database db secrets secret env application appsettings connection connections connect \
    context mongoid docker-compose compose deploy deployment inventory vars hosts local production hibernate \
    persistence backup packer";

fn is_of_settings(folders: &str, name: &str) -> bool {
    let end = end_of(name);
    let stem = name.strip_suffix(end).unwrap_or(name);
    let says = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|part| is_one_of(part, SAY_SETTINGS))
    };
    let written =
        matches!(end, "json" | "json5" | "xml" | "yml" | "yaml" | "hcl" | "") || is_one_of(end, SCRIPTS);
    let of_folder = || folders.split('/').any(|folder| is_one_of(folder, MACHINES));
    // `.kube/config`: what a program keeps for a person.
    let in_dot_folder = folders
        .split('/')
        .any(|folder| folder.len() > 2 && folder.starts_with('.') && !is_one_of(folder, PROJECT));
    is_one_of(end, SETTINGS)
        || in_dot_folder && !is_one_of(end, CODE)
        || name.starts_with('.') && !is_one_of(end, CODE)
        || is_one_of(name, NAMED)
        || written && (says(stem) || stem.contains("config") || stem.contains("settings"))
        || matches!(end, "" | "json" | "xml" | "yml" | "yaml") && of_folder()
}

/// Folders of what sets machines and programs up.
const MACHINES: &str = "etc config conf conf.d group_vars host_vars hieradata data_bags ansible puppet chef salt packer terraform vagrant";

/// Folders with a dot in which a project keeps how it is made.
const PROJECT: &str = ".github .gitlab .gitea .circleci .storybook .husky .changeset .yarn .devcontainer .buildkite .next .cache";

/// Settings whose names do not say so.
const NAMED: &str = "vagrantfile fabfile.py capfile jenkinsfile dockerfile .travis.yml .gitlab-ci.yml circle.yml \
    credentials.xml global_variables.php server.xml knife.rb ormconfig.json";

fn is_one_of(word: &str, words: &str) -> bool {
    words.split_ascii_whitespace().any(|other| other == word)
}

/// What stands behind the last dot of a name that does not begin with it.
fn end_of(name: &str) -> &str {
    name.get(1..).and_then(|rest| rest.rsplit_once('.')).map_or("", |(_, end)| end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_keeps_accounts_somewhere_may_keep_them_by_its_name(
            folders in proptest::collection::vec("(etc|home|src|\\.kube|\\.purple|group_vars|test|a)", 0..3),
            stem in "(\\.|_)?(config|settings|netrc|my\\.cnf|passwd|credentials|login|app\\.test|de|openapi|x)",
            end in "(|\\.(json|yml|php|py|ts|java|sh|md|lock|sql|dat|gz|tmpl))(|\\.bak|~)",
        ) {
            let name = stem + &end;
            let path = [folders, vec![name.clone()]].concat().join("/");
            prop_assert!(Keeps::of(&path).is_none() || Keeps::may_be(&name), "{path}");
        }
    }

    #[test]
    fn the_file_says_whether_it_keeps_accounts() {
        for path in [
            ".netrc",
            "home/.muttrc",
            "etc/ppp/chap-secrets",
            "home/.purple/accounts.xml",
            "ftp/sitemanager.xml",
            "home/.bash_history",
            "home/.zshrc",
            "sublime/sftp-config-alt.json",
        ] {
            assert_eq!(Keeps::of(path), Some(Keeps::Accounts), "{path}");
        }
        for path in [
            "config/database.yml",
            "src/main/resources/application.properties",
            "app/settings_local.py",
            "www/wp-config.php",
            "docker-compose.yml",
            "group_vars/all.yml",
            "web.config",
        ] {
            assert_eq!(Keeps::of(path), Some(Keeps::Settings), "{path}");
        }
    }

    #[test]
    fn what_is_shown_or_tried_keeps_none() {
        for path in [
            "README.md",
            "docs/config.yml",
            "examples/compose/docker-compose.yml",
            "config.example.yml",
            "tests/data/.netrc",
            "config/locales/de.yml",
            "src/login.ts",
            "lib/password.rb",
            "openapi.yaml",
        ] {
            assert_eq!(Keeps::of(path), None, "{path}");
        }
    }
}
