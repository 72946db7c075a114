//! The suite on Redis: keys as the frameworks' own packages write them where those install, else as they are documented.

use super::super::fixture::spec;
use super::super::redis::Database;
use super::made;
use redis::{Pipeline, cmd, pipe};
use std::collections::{BTreeMap, BTreeSet};
use unleak::session::{DIALECTS, Error, Options, Selection, Store, StoreKind, UsersWanted};

/// Who writes the keys.
enum By {
    /// A package, with its folder of packages of Node.js.
    Package(&'static str, &'static str),
    Hand(fn() -> Pipeline),
}

/// Sessions of the users 1, 1, 2 and 99 as a framework keeps them.
struct Kept {
    dialect: &'static str,
    by: By,
    /// What is named, where the form is not found by itself.
    named: Option<&'static str>,
    /// Where the payload says whose it is, if the framework has no place of its own.
    user_path: Option<&'static str>,
    /// One more of the user 1 that is over, where a key can outlive its session.
    expired: u64,
    /// Keys that are no sessions: those that go with them, and those of others.
    companions: u64,
    others: u64,
}

const KEPT: [Kept; 6] = [
    Kept {
        dialect: "connect-redis",
        by: By::Package("connect-redis", "express-redis-app"),
        named: None,
        user_path: Some("passport.user"),
        expired: 1,
        companions: 0,
        others: 0,
    },
    Kept {
        dialect: "flask-session",
        by: By::Package("flask-session", "session-schemas"),
        named: None,
        user_path: None,
        expired: 0,
        companions: 0,
        others: 0,
    },
    Kept {
        dialect: "django-cache",
        by: By::Package("django", "session-schemas"),
        named: None,
        user_path: None,
        expired: 0,
        companions: 0,
        others: 0,
    },
    Kept {
        dialect: "spring-session",
        by: By::Hand(spring),
        named: None,
        user_path: None,
        expired: 1,
        companions: 8,
        others: 0,
    },
    Kept {
        dialect: "laravel",
        by: By::Hand(laravel),
        named: Some("laravel_database_laravel_cache_:"),
        user_path: None,
        expired: 0,
        companions: 0,
        others: 2,
    },
    Kept {
        dialect: "custom",
        by: By::Hand(own),
        named: Some("login:"),
        user_path: Some("who"),
        expired: 0,
        companions: 0,
        others: 0,
    },
];

const USERS: [u32; 4] = [1, 1, 2, 99];

/// As Java serializes it.
fn java(class: &str, id: [u8; 8], field: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(class.len()).unwrap().to_be_bytes();
    let mut bytes = [b"\xac\xed\x00\x05sr", &length[..], class.as_bytes(), &id, b"\x02\x00\x01"].concat();
    bytes.push(field);
    let number = b"\x00\x05valuexr\x00\x10java.lang.Number\x86\xac\x95\x1d\x0b\x94\xe0\x8b\x02\x00\x00xp";
    [&bytes[..], number, value].concat()
}

/// Spring Session's repository with its index: a hash a session, what tells its end, and two lists. That of the one that is over
/// has outlived it by less than the five minutes that Spring leaves it.
fn spring() -> Pipeline {
    const LONG: [u8; 8] = *b"\x3b\x8b\xe4\x90\xcc\x8f\x23\xdf";
    const INTEGER: [u8; 8] = *b"\x12\xe2\xa0\xa4\xf7\x81\x87\x38";
    const INDEX: &str =
        "org.springframework.session.FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME";
    let now = jiff::Timestamp::now().as_millisecond();
    let mut pipe = pipe();
    let sessions = USERS.into_iter().map(|user| (user, now)).chain([(1, now - 1_801_000)]);
    for (n, (user, used)) in sessions.enumerate() {
        let id = format!("{n:08}-b496-4b33-9f7d-df96679d32fe");
        let key = format!("spring:session:sessions:{id}");
        let time = |at: i64| java("java.lang.Long", LONG, b'J', &at.to_be_bytes());
        let name = user.to_string();
        let written =
            [&b"\xac\xed\x00\x05t\x00"[..], &[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
        pipe.cmd("HSET").arg(&key);
        pipe.arg("creationTime").arg(time(used)).arg("lastAccessedTime").arg(time(used));
        pipe.arg("maxInactiveInterval").arg(java(
            "java.lang.Integer",
            INTEGER,
            b'I',
            &1800_i32.to_be_bytes(),
        ));
        pipe.arg(format!("sessionAttr:{INDEX}")).arg(written);
        pipe.cmd("EXPIRE").arg(&key).arg(2100);
        if used == now {
            pipe.cmd("SET").arg(format!("spring:session:sessions:expires:{id}")).arg("").arg("EX").arg(1800);
        }
        pipe.cmd("SADD").arg("spring:session:expirations:4102444800000").arg(format!("expires:{id}"));
        pipe.cmd("SADD").arg(format!("spring:session:index:{INDEX}:{user}")).arg(id);
    }
    pipe
}

/// Laravel's cache as the driver of its sessions, with other entries of the cache beside them.
fn laravel() -> Pipeline {
    let login = format!("login_web_{}", "59ba36ad".repeat(5));
    let mut pipe = pipe();
    for (n, user) in USERS.into_iter().enumerate() {
        let inner = format!("a:2:{{s:6:\"_token\";s:4:\"abcd\";s:{}:\"{login}\";i:{user};}}", login.len());
        let key = format!("laravel_database_laravel_cache_:{}", format!("{n:02}Zz").repeat(10));
        pipe.cmd("SETEX").arg(key).arg(7200).arg(format!("s:{}:\"{inner}\";", inner.len()));
    }
    pipe.cmd("SET").arg("laravel_database_laravel_cache_:users:count").arg("i:4;");
    pipe.cmd("SET").arg(format!("laravel_database_laravel_cache_:{}", "a94f".repeat(10))).arg("s:2:\"ok\";");
    pipe
}

/// A form of an application's own.
fn own() -> Pipeline {
    let mut pipe = pipe();
    for (n, user) in USERS.into_iter().enumerate() {
        pipe.cmd("SETEX").arg(format!("login:{n}")).arg(600).arg(format!("{{\"who\":{user}}}"));
    }
    pipe
}

/// What a key is to be again: its type, its fields or members in order, and the milliseconds that it has left.
type Whole = (String, Vec<Vec<Vec<u8>>>, i64);
type Content = BTreeMap<String, Whole>;

/// Every key with all of its value. DUMP gives the fields of hashes and the members of sets in an order of their own.
async fn content(database: &Database) -> Content {
    let mut all = BTreeMap::new();
    for (key, _) in database.dump().await {
        let kind: String = database.run(cmd("TYPE").arg(&key)).await;
        let read = |verb: &str| cmd(verb).arg(&key).clone();
        let mut parts: Vec<Vec<Vec<u8>>> = match &*kind {
            "string" => vec![vec![database.run(&read("GET")).await]],
            "hash" => {
                let fields: Vec<Vec<u8>> = database.run(&read("HGETALL")).await;
                fields.chunks(2).map(<[_]>::to_vec).collect()
            }
            "set" => {
                let members: Vec<Vec<u8>> = database.run(&read("SMEMBERS")).await;
                members.into_iter().map(|member| vec![member]).collect()
            }
            other => panic!("{key} is a {other}"),
        };
        parts.sort();
        let left = database.run(&read("PTTL")).await;
        all.insert(key, (kind, parts, left));
    }
    all
}

/// The same keys and values, and as long to live as the time leaves that has passed.
fn is_again(now: &Content, before: &Content) -> bool {
    let alike = |(one, other): (&Whole, &Whole)| {
        one.0 == other.0
            && one.1 == other.1
            && (one.2 < 0) == (other.2 < 0)
            && (0..60_000).contains(&(other.2 - one.2))
    };
    now.keys().eq(before.keys()) && now.values().zip(before.values()).all(alike)
}

impl Kept {
    async fn check(&self) {
        let name = self.dialect;
        let database = Database::new().await;
        match self.by {
            By::Package(package, folder) => drop(made::make(package, &database.url, folder)),
            By::Hand(keys) => database.pipe(&keys()).await,
        }
        let (before, sessions) = (content(&database).await, 4 + self.expired);
        assert_eq!(before.len() as u64, sessions + self.companions + self.others, "{name}");
        let options = Options {
            dialect: self.named.map(|_| name.to_owned()),
            table: self.named.map(str::to_owned),
            user_path: self.user_path.map(str::to_owned),
            ..Options::default()
        };
        let mut store = Store::connect(&database.url.parse().unwrap(), &options)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let summary = store.describe().await.unwrap();
        let counts = (summary.counts.total, summary.counts.expired);
        assert_eq!((summary.dialect, counts), (name, (sessions, self.expired)), "{name}");
        let of_one = Selection::Users(vec!["1".to_owned(), "nobody".to_owned()]);
        let selections =
            [(Selection::All, sessions), (of_one, 2 + self.expired), (Selection::Expired, self.expired)];
        for (selection, taken) in selections {
            let name = format!("{name}, {}", selection.name());
            assert_eq!(store.count(&selection).await.unwrap(), taken, "{name}");
            let folder = database.backups().join(selection.name());
            let done = Box::pin(store.delete(&selection, &spec(&folder, &database.key))).await;
            let done = done.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((done.deleted, done.backed_up, done.selected_after), (taken, taken, 0), "{name}");
            assert_eq!(done.after.total, sessions - taken, "{name}");
            if let Some(backup) = done.backup {
                let restored = store.restore(&backup.path, &database.key).await;
                assert_eq!(restored.unwrap_or_else(|error| panic!("{name}: {error:?}")).restored, taken);
            }
            assert!(is_again(&content(&database).await, &before), "{name}");
        }
        assert!(matches!(store.count(&Selection::Duplicates).await, Err(Error::Impossible { .. })), "{name}");
        assert!(store.users_table(&UsersWanted::default()).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn every_dialect_behaves_alike_on_redis() {
    let tested: BTreeSet<&str> = KEPT.iter().map(|kept| kept.dialect).collect();
    let named: BTreeSet<&str> = DIALECTS
        .iter()
        .filter(|dialect| dialect.kinds.contains(&StoreKind::Redis))
        .map(|dialect| dialect.name)
        .collect();
    assert_eq!(tested, named, "each dialect that the table names is here");
    for kept in &KEPT {
        kept.check().await;
    }
}
