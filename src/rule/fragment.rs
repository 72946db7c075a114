//! Named pieces of patterns: `{{gap}}` in a rule file stands for the same regular expression everywhere.
//!
//! What stands between a name and its value differs little from rule to rule, and is hard to get right.
//! `build.rs` compiles this file too. Each piece says here what it is for.

use super::form::Rule;

/// The pieces, by name; one may hold others.
const FRAGMENTS: [(&str, &str); 12] = [
    ("gap", GAP),
    ("keyed", KEYED),
    ("beside", BESIDE),
    ("said", SAID),
    ("direct", DIRECT),
    ("end", r"(?:[^\w\-]|\z)"),
    ("near", NEAR),
    ("given", GIVEN),
    ("to", TO),
    ("value", VALUE),
    ("phrase", PHRASE),
    ("code", CODE),
];

/// From a provider's name to its token: the rest of a variable's name and an assignment, or an argument's default.
const GAP: &str = concat!(
    r#"[\w .\-]{0,24}\\?["'\x60]?[\])]?"#,
    r#"(?:[ \t]{0,8}(?:=>|:=|=|:|\|)[ \t]{0,8}\\?["'\x60]?|[ ]?(?:,|\|\||\?\?)[ ]?\\?["'\x60])"#
);

/// From a provider's name to its key when something calls it one: on the same line (a variable, a call, a header, a
/// parameter of a URL, an XML element), or indented under the name. For keys that look like any hash or UUID.
const KEYED: &str = r"(?:{{direct}}|[^\n]{0,60}?(?:\n[ \t]{1,24}[^\n]{0,60}?){0,3}?{{said}})";

/// The same where no form tells the key either: under the name only if that is all that its line says.
const BESIDE: &str = concat!(
    r#"(?:{{direct}}|(?:[^\n]{0,60}?|["'\]]{0,2}[ ]?[:=]?[ ]?[\[{]?\r?\n(?:[ \t]{1,24}[^\n]{0,60}\n){0,2}?[ \t]{1,24}[^\n]{0,30}?)"#,
    "{{said}})"
);

/// What calls a value a key, up to the value.
const SAID: &str = concat!(
    r"(?i:key|token|secret|bearer|passw|pwd|credential|app_?id|(?:[_\-]|\b)(?:auth|pat)(?:[_\-]|\b))[\w\-]{0,12}",
    r"(?:(?:[ ](?:is|was|to|as|string|String)|:[ ]?[&'\w]{2,12}[ ])?[^\w\n/.#]{1,10}",
    // the next cell of an HTML table, and name and value as two fields of one entry
    r"|(?:</\w{1,6}>\s{0,20}){1,2}(?:<\w{1,6}[^>\n]{0,40}>\s{0,20}){1,2}",
    r#"|["']?,?\s{1,30}["']?(?i:value)["']?[ ]?[:=][ ]?["']?)"#
);

/// From a provider's name to its key when nothing calls it one, and nothing stands between the two either: the name is the
/// variable's, or that of the class or package whose constructor takes the key.
const DIRECT: &str = concat!(
    // `provider = "…"`, `"provider": "…"`, `providerAuth=…`
    r"(?:(?i:[_\-.]?(?:io|api|sdk|client|auth|creds?|pat)){0,2}",
    r#"(?:\\{0,2}["'\x60]?[\])]?[ \t]{0,4}(?:=>|:=|->|=|:)[ \t]{0,4}\\{0,2}["'\x60]?"#,
    // `new Provider("…")`, `provider.NewClient("…")`, `Provider::Client.new(key: '…')`
    r"|\w{0,12}(?:(?:\.|::|->)(?i:new|init|create|client|api|sdk|config|setup|connect|auth|login|set|use|with|v\d)\w{0,12}){0,2}",
    r#"\(\s{0,8}(?:\{\s{0,8})?(?:\w{1,12}[ ]?[:=][ ]?)?["'\x60]))"#
);

/// From a provider's name to its key when something calls it one, on the same line or the next two, up to the value.
const NEAR: &str = concat!(
    r"(?:{{direct}}|(?:[^\n]{0,48}\n){0,2}?[^\n]{0,64}?(?i:key|token|secret|passw|pat\b|auth|cred)[\w\-]{0,16}?",
    "{{given}})"
);

/// From a name to its value: an assignment, or no more than a blank, and the scheme of a header.
const GIVEN: &str = r#"(?:{{to}}|[ \t]{1,4}["'\x60]?)(?:(?i:bearer|token|basic|apikey)[ ])?"#;

/// From the complete name of a secret to its value, wherever people write both down.
const TO: &str = concat!(
    "(?:",
    // assignments of code, shells and configuration, with an optional type, and `**Name:** value`
    r#"\\{0,2}["'\x60*_]{0,4}[\])]{0,2}(?::[ ]?[&'\w\[\]<>]{1,24}[ ])?[ \t]{0,8}(?:=>|:=|:-|\?=|=|:)[*_]{0,3}"#,
    r#"[ \t]{0,8}(?:[bru]?\\{0,2}["'\x60*]{1,3})?"#,
    // defaults: env("NAME", "value"), env.NAME || 'value'
    r#"|["'\x60]?[\])]{0,2}[ ]?(?:\|\||\?\?|,|or)[ ]?[bru]?\\?["'\x60]"#,
    // prose: NAME was set to `value`
    r#"|["'\x60*_)]{0,3}[ ](?:\w{2,12}[ ]){0,3}?(?:is|was|to|as)(?:[ ]now)?:?[ ]["'\x60*]{0,3}"#,
    // a cell of a Markdown table, the next line of a fence, the next cell of an HTML table
    r#"|["'\x60*_]{0,3}[ \t]{0,40}\|[ \t]{0,8}["'\x60*_]{0,3}"#,
    r#"|["'\x60*_]{0,4}:[*_]{0,3}\s{0,4}\x60{3}\w{0,10}\r?\n[ \t]{0,8}"#,
    r"|(?:</(?:code|b|strong|td|th|dt|kbd)>\s{0,20}){1,3}(?:<(?:td|dd|code|kbd|b|strong)[^>\n]{0,60}>\s{0,20}){1,3}",
    // name and value as two fields of one entry: Kubernetes, ECS, Terraform, XML; and an XML element
    r#"|["']?,?\s{1,30}["']?(?i:value)["']?[ \t]{0,4}[:=][ \t]{0,4}["']?|>"#,
    ")"
);

/// The value of a named secret, up to what ends it. Brackets never belong to it: they are placeholders and code.
const VALUE: &str = concat!(
    r"(?P<secret>[!#-&(-+\-./0-9:?@A-Z^_a-z~][!#-&(-+\-./0-9:=?@A-Z^_a-z~]{7,511})",
    r#"(?:["'\x60<>|\\,;\s)\]}*]|\z)"#
);

/// A quoted passphrase of three words or more.
const PHRASE: &str = r#"["'\x60](?P<secret>[!#-&(-+\-.0-9:?@A-Z^_a-z~]{1,40}(?:[ ][!#-&(-+\-.,0-9:?@A-Z^_a-z~]{1,40}){2,15})["'\x60]"#;

/// Values that are code, references or plain words, and no secrets.
const CODE: &str = concat!(
    r"^(?:process\.env|os\.(?:environ|getenv)|import\.meta|env[.:(]|ENV\b|config[.(]|settings\.|secrets?\.|vault[:.]",
    r"|arn:aws|op://|ssm:|sm://|file:|https?://|ref\+|\$[{(A-Za-z_]{2}|%\w{0,8}[({]|%[A-Z_]{2}|@Microsoft|!(?:Ref|Sub|Get|Import))",
    // calls, paths of identifiers, constants, words in every casing, file names
    r"|^[A-Za-z_&][\w.:]*\([\w.():&?!*+=]*$",
    r"|^[A-Za-z_]+\d?(?:(?:\.|->|::|\?\.)[A-Za-z_]+\d?)+[.)\]}]{0,4}$|^\)+[.;]\w|^:[A-Za-z_]|^\(\w+(?::|\(\w*\))|^\.\$\w|^\.[a-z_]\w*\(",
    r"|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$",
    r"|^[a-z]+(?:[A-Z][a-z]+)+\d?$|^[a-z]+(?:[A-Z][a-z]{2,20}(?:[A-Z]?\d)*)+$",
    r"|^[A-Za-z]+(?:[_-][A-Za-z]+)+[.!?:)]{0,2}$|^[A-Za-z\x80-\xff]{1,15}[.!?:;,)\]}]{0,4}$|^[a-z][a-z-]*:\d{1,5}$",
    r"|^(?:\.{0,2}|~)/[a-z_./-]+$|^\.{1,2}/[\w./-]+(?:#[\w-]*)?$|^[a-z]+(?:/[a-z]+)+$|^\d{1,19}$|^[A-Za-z_]\w*-$|^\.\*",
    // what templates say instead of a value
    r"|(?i:at[_\-. ]?least|characters|change[_\-. ]?(?:me|this|in)|replace[_\-. ]|placeholder|insert[_\-. ]|redacted|goes[_\-. ]?here)"
);

/// A name between double braces that is none of the fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown(String);

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no pattern fragment `{{{{{}}}}}`; there are", self.0)?;
        FRAGMENTS.iter().try_for_each(|(name, _)| write!(f, " {name}"))
    }
}

/// A pattern with its fragments written out; one that has none, or an unknown one, as it is.
pub fn expanded(pattern: &str) -> String {
    expand(pattern).unwrap_or_else(|_| pattern.to_owned())
}

/// Replaces the fragments in a rule's pattern and in what its values must not be.
pub(super) fn expand_rule(rule: &mut Rule) -> Result<(), Unknown> {
    for pattern in std::iter::once(&mut rule.pattern).chain(&mut rule.filters.not) {
        *pattern = expand(pattern)?.into();
    }
    Ok(())
}

fn expand(pattern: &str) -> Result<String, Unknown> {
    let mut out = String::new();
    let mut rest = pattern;
    // `{{` cannot stand in a regular expression otherwise: a repetition needs something to repeat.
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let (_, piece) =
            FRAGMENTS.iter().find(|(known, _)| *known == name).ok_or_else(|| Unknown(name.to_owned()))?;
        out.push_str(before);
        out.push_str(&expand(piece)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_replaced_and_an_unknown_one_named() {
        assert_eq!(expand("a{{end}}b").unwrap(), r"a(?:[^\w\-]|\z)b");
        assert_eq!(expand(r"\{x{2}").unwrap(), r"\{x{2}");
        assert!(expand("a{{nope}}").unwrap_err().to_string().contains("{{nope}}"));
        assert!(expand("a{{end").is_ok());
        let given = expand("{{given}}").unwrap();
        assert!(given.contains(TO) && expand("{{near}}").unwrap().contains(&given));
    }
}
