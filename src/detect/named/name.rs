//! The whole name that a rule's words stand in: `DB_PASSWORD_PROD` and `clientSecret` name a secret,
//! `password_reset_url` and `secretary` do not.

use super::vocabulary::Vocabulary;
use std::ops::Range;
use std::sync::LazyLock;

/// The longest name.
const LONGEST: usize = 96;
/// The longest word beside it.
const WORD: usize = 24;
/// Names stand in texts; bytes that look like one stand everywhere. So many are looked at on both sides.
const BESIDE: usize = 16;

/// How far from the rule's own words is looked.
pub(super) const REACH: usize = LONGEST + SUBJECT + 2;
const _: () = assert!(BESIDE < WORD && WORD < SUBJECT);

/// Words behind the rule's own that make the name one of something else.
static OTHERWISE: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(
        "aaguid accessor addr address age alg algo algorithm annotation arn at attempts attribute audience \
    auth author based bits bucket bytes cache callback charset checksum class clock cluster cmd col column \
    command comment commit confirmation contact contract cost count counter created creator date \
    description digest dir directory disabled duration email enabled encoder encoding encryption \
    endpoint entropy err error exists expiration expired expires expiry family field file filename \
    fingerprint flag flow form format generator grant guid clsid iid handler hash hashed hasher hashing header help \
    hint history holder host icon id identifier index input interval is issue issuer jti keeper kid kind \
    label lease len length library lifecycle lifetime limit link list locale location logger management manager map \
    max md message method metric mime min minimum mode model module msg name namespace note origin owner \
    package pair parser path pattern placeholder plugin policy port prefix prompt property provider \
    public quota ratio realm reason ref reference regex region repo repository request required \
    requirements reset response review reviewer revision rotation row rule run runbook salt santa \
    scan scanner schema scope score serial sha size slug state status step store strategy strength subject \
    suffix symbol table tag target template thumbprint ticket tier time timeout title topic total trigger ttl \
    type uid uri url usage uuid validation validator validity version visibility volume window workflow zone",
    )
});

/// Words before the rule's own that make the name one of something else: a place in a list, what anybody may see.
static BEFORE: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(
        "fastcgi scgi uwsgi pusher passin passout next page paging pagination continuation continue cursor starting start sync resume skip public publishable only primary foreign \
    sort partition cache idempotency idempotent unique csrf xsrf antiforgery anti-forgery forgery request push device no without reset forgot \
    encrypted hashed hash masked redacted sealed wrapped lookup object row hot dedup dedupe ordering locale exclude allow shortcut translation site map dict max num total count",
    )
});

/// Words anywhere in a name before the rule's own: what a browser is given, everybody has.
static PUBLIC: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::of("public publishable"));

/// Words before `key` for what looks a thing up, and for the half of a pair that everybody may have.
static LOOKS_UP: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(
        "verification verify verifying verifier index map message translation feature issue shard record field column group tag \
    menu category metric setting option param query item entity natural surrogate jira ticket notification topic stream asset project",
    )
});

/// A name that can have a secret value.
pub(super) struct Name {
    pub(super) range: Range<usize>,
}

impl Name {
    /// The name around a rule's words, if they are not a part of other words and nothing behind them says otherwise.
    pub(super) fn around(text: &[u8], core: &Range<usize>) -> Option<Self> {
        let core = &bare(text, core)?;
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'@');
        let left = text[..core.start].iter().rev().take(LONGEST).take_while(|byte| is_part(byte)).count();
        let is_tail = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let right = text[core.end..].iter().take(LONGEST).take_while(|byte| is_tail(byte)).count();
        if left == LONGEST || right == LONGEST {
            return None;
        }
        let mut end = core.end + right;
        // `password--` and `password-` before a value are dashes of the text.
        while end > core.end && text[end - 1] == b'-' {
            end -= 1;
        }
        let rest = &text[core.end..end];
        // Words of the North that carry their article: `lösenordet`, `adgangskoden`.
        let article = matches!(rest, b"et" | b"n")
            && [&b"nord"[..], b"ssord", b"skode"].iter().any(|word| text[..core.end].ends_with(word));
        let glued = !article
            && rest.first().is_some_and(u8::is_ascii_lowercase)
            && text[core.end - 1].is_ascii_lowercase();
        if glued && !matches!(rest, b"s") && !(rest.starts_with(b"s_") || rest.starts_with(b"s-")) {
            return None;
        }
        let start = core.start - left;
        let around = &text[start.saturating_sub(BESIDE)..text.len().min(end + BESIDE)];
        if around.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != 0x1b) {
            return None;
        }
        // What .NET signs assemblies with is for everybody; what is exported is named by its fingerprint.
        let whole = text[start..end].to_ascii_lowercase();
        // What a form carries against forgery is good for one page.
        let has = |needle: &[u8]| memchr::memmem::find(&whole, needle).is_some();
        // AWS WAF's says which change is asked after.
        if whole.ends_with(b"changetoken")
            || has(b"requestverificationtoken")
            || has(b"authenticity_token")
            || has(b"authenticitytoken")
        {
            return None;
        }
        // A chart of Helm is told the name of a secret that is there already.
        if whole.ends_with(b"existingsecret")
            || whole.ends_with(b"publickeytoken")
            || whole.starts_with(b"--export-secret")
        {
            return None;
        }
        // Keepers of passwords, not passwords.
        if matches!(&*whole, b"1password" | b"nordpass" | b"keepass" | b"lastpass") {
            return None;
        }
        if has(b"aaguid") || is_subject(&text[start.saturating_sub(SUBJECT)..start]) {
            return None;
        }
        if is_test_result(text, start, end) || is_resource(text, start) {
            return None;
        }
        let range = start..end;
        (!says_otherwise(text, core, &range)).then_some(Self { range })
    }

    /// The byte before the name.
    pub(super) fn before(&self, text: &[u8]) -> Option<u8> {
        self.range.start.checked_sub(1).map(|at| text[at])
    }

    /// Whether it is an option of a command: `--password`.
    pub(super) fn is_option(&self, text: &[u8]) -> bool {
        let name = &text[self.range.clone()];
        name.starts_with(b"--") || (name.starts_with(b"-") && name.len() > 2)
    }

    /// Whether it is in capitals, as environment variables are.
    pub(super) fn is_constant(&self, text: &[u8]) -> bool {
        let name = &text[self.range.clone()];
        name.iter().any(u8::is_ascii_uppercase) && !name.iter().any(u8::is_ascii_lowercase)
    }
}

/// Whether the name that a pattern found in full is one of something else: `session_secret_name`, `session secret region`,
/// `NEXT_PUBLIC_SESSION_KEY`.
pub(in crate::detect) fn is_of_another(text: &[u8], core: &Range<usize>) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let left = text[..core.start].iter().rev().take(LONGEST).take_while(|byte| is_part(byte)).count();
    let is_tail = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let right = text[core.end..].iter().take(LONGEST).take_while(|byte| is_tail(byte)).count();
    let start = core.start - left;
    says_otherwise(text, core, &(start..core.end + right))
        || is_subject(&text[start.saturating_sub(SUBJECT)..start])
}

/// Whether a word of the whole name, or one beside it, makes it a name of something else.
fn says_otherwise(text: &[u8], core: &Range<usize>, whole: &Range<usize>) -> bool {
    let own = || words(&text[whole.start..core.start]).filter(|word| !word.is_empty());
    // `public $password`: who may see a field of a class, not the value.
    let beside = || (text.get(whole.start) != Some(&b'$')).then(|| word_before(text, whole.start)).flatten();
    let before = own().last().or_else(beside);
    let is_other =
        |word: &[u8]| OTHERWISE.has(word) || word.strip_suffix(b"s").is_some_and(|one| OTHERWISE.has(one));
    words(&text[core.end..whole.end]).chain(next_word(text, whole.end)).any(is_other)
        || before.is_some_and(|word| BEFORE.has(word) || LOOKS_UP.has(word) && is_key(&text[core.clone()]))
        || own().any(|word| PUBLIC.has(word))
}

/// Whether a name's own words end in `key`: only half of a pair of keys verifies, while a token may do it too.
fn is_key(core: &[u8]) -> bool {
    core.len() >= 3 && core[core.len() - 3..].eq_ignore_ascii_case(b"key")
}

/// How far before a name is looked for what is said of the secret instead of telling it.
const SUBJECT: usize = 32;

/// What is said of a secret instead of telling it.
static SUBJECTS: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(
        "hash sha1 sha-1 sha256 sha-256 sha512 sha-512 md5 crc32 hmac digest fingerprint checksum thumbprint length len strlen commit etag version revision \
    id uid uuid kid arn name path owner age size prefix suffix entropy accessor jti family serial",
    )
});

/// Whether a text ends in a word for what is said of a secret.
fn ends_in_subject(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let len = text.iter().rev().take(WORD).take_while(|byte| is_part(byte)).count();
    SUBJECTS.has(text[text.len() - len..].trim_ascii_start())
}

/// `API key (id): …`, `| Secret | SHA-256 | …`, `token: id=…`: what the word between a name and the value says it is.
pub(super) fn is_labelled(text: &[u8], name: &Name, value: &Range<usize>) -> bool {
    let Some(between) = text.get(name.range.end..value.start) else { return false };
    let word = between.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |at| at + 1);
    word > 0 && ends_in_subject(&between[..word])
}

/// `fingerprint of the old secret`, `commit with the token`, `checksum/secret`, `sha256(secret)`: what follows is no secret.
fn is_subject(before: &[u8]) -> bool {
    if let Some(rest) = before.strip_suffix(b"(").or_else(|| before.strip_suffix(b"/")) {
        return ends_in_subject(rest);
    }
    if !before.ends_with(b" ") {
        return false;
    }
    // The name may have an adjective: `of the old secret`.
    let said = [&b" of the "[..], b" of ", b" with the ", b" with "];
    said.iter().any(|link| {
        memchr::memmem::rfind(before, link).is_some_and(|at| {
            let rest = &before[at + link.len()..];
            let adjective = rest.iter().all(|byte| byte.is_ascii_lowercase() || b" `*_".contains(byte));
            adjective && ends_in_subject(&before[..at])
        })
    })
}

/// `arn:aws:secretsmanager:eu-west-1:1:secret:name`: the name of a resource, and what kind of one.
fn is_resource(text: &[u8], start: usize) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'/' | b'*');
    let left = text[..start].iter().rev().take(LONGEST).take_while(|byte| is_part(byte)).count();
    text[start - left..start].starts_with(b"arn:")
}

/// `--- PASS: TestLogin/case_2`, `PASS: testsuite`: what a test runner says.
fn is_test_result(text: &[u8], start: usize, end: usize) -> bool {
    // Not further than is looked for any other word.
    let near = &text[end..text.len().min(end + WORD)];
    let behind = near.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
    &text[start..end] == b"PASS"
        && behind.is_some_and(|rest| {
            text[..start].ends_with(b"--- ")
                || rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"test"))
        })
}

/// The words alone: a rule whose keyword is `pass:` matches the colon too.
fn bare(text: &[u8], core: &Range<usize>) -> Option<Range<usize>> {
    const LINKS: [&[u8]; 3] = [b" is", b" as ", b" As "];
    let words = &text[core.clone()];
    let words = LINKS.iter().find_map(|link| words.strip_suffix(*link)).unwrap_or(words);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let start = words.iter().position(is_part)?;
    let len = words.iter().rposition(|byte| is_part(byte) && *byte != b'_')? + 1;
    Some(core.start + start.min(len)..core.start + len)
}

/// The word behind a blank: `password policy`.
fn next_word(text: &[u8], end: usize) -> Option<&[u8]> {
    let rest = text.get(end..)?.strip_prefix(b" ")?;
    let len = rest.iter().take(WORD).take_while(|byte| byte.is_ascii_alphabetic()).count();
    (len > 2 || rest[..len].eq_ignore_ascii_case(b"id")).then(|| &rest[..len])
}

/// The word before a blank: `next token`.
fn word_before(text: &[u8], start: usize) -> Option<&[u8]> {
    let left = text[..start].strip_suffix(b" ")?;
    let len = left.iter().rev().take(WORD).take_while(|byte| byte.is_ascii_alphabetic()).count();
    (len > 0).then(|| &left[left.len() - len..])
}

/// The words of `_HASH`, `ResetUrl`, `-file2`.
fn words(rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    rest.split(|byte| !byte.is_ascii_alphabetic()).flat_map(|part| {
        part.chunk_by(|before, after| !(before.is_ascii_lowercase() && after.is_ascii_uppercase()))
    })
}
