"""Templates of forms: `«v»` is the secret, marked so that its place in the finished document is known.

`«NAME»`, `«camel»`, `«noun»`, `«user»`, `«host»` … are its surroundings; `«b64:{user}:{v}»` encodes a text that holds
it; `«half1»` and `«half2»` are its pieces, `«wrap:40»` is it in lines of forty characters.
"""

import base64
import gzip
import html
import json
import quopri
import re
import urllib.parse
from dataclasses import dataclass

import values
import words

OPEN, MIDDLE, CLOSE = "\ue000", "\ue002", "\ue001"


@dataclass
class Form:
    """A way in which a secret stands in a document."""

    name: str
    accepts: str  # T tokens and keys, P passwords, S passwords with spaces, M private keys; or kind:…,…
    place: str  # code: a fence or a file; prose: text of a document; file: a file alone; rst, adoc, html: its document
    language: str
    file: str  # the name of a file that holds it
    templates: tuple


def code(name, accepts, language, file, *templates):
    return Form(name, accepts, "code", language, file, templates)


def prose(name, accepts, *templates):
    return Form(name, accepts, "prose", "", "", templates)


def whole(name, accepts, file, *templates):
    return Form(name, accepts, "file", "", file, templates)


def document(name, accepts, place, *templates):
    return Form(name, accepts, place, "", "", templates)


def of(*kinds):
    """What a form accepts that is made for these kinds only."""
    return "kind:" + ",".join(kinds)


def mark(number, text):
    return f"{OPEN}{number}{MIDDLE}{text}{CLOSE}"


def camel(name):
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


ENCODINGS = {
    "b64": lambda text: base64.b64encode(text.encode()).decode(),
    "b64url": lambda text: values.base64url(text.encode()),
    "b64b64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "mime": lambda text: base64.encodebytes(text.encode()).decode().strip(),
    "gzip": lambda text: base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode(),
    "ps": lambda text: base64.b64encode(text.encode("utf-16le")).decode(),
    "hex": lambda text: text.encode().hex(),
    "hexdump": lambda text: " ".join(f"{byte:02x}" for byte in text.encode()),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "allpercent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "unicode": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "xhex": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "entity": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hexentity": lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    "qp": lambda text: quopri.encodestring(text.encode(), quotetabs=False).decode(),
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json2": lambda text: json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1],
    "xml": lambda text: html.escape(text, quote=True),
    "sql": lambda text: text.replace("'", "''"),
    "spaced": " ".join,
}


def surroundings(rng, credential):
    """What a template may name besides the secret."""
    name, person = credential.name, rng.choice(words.PEOPLE)
    password = credential.group in ("password", "human")
    language = rng.choice(list(words.FLAT))
    return {
        "NAME": name,
        "name": name.lower(),
        "camel": camel(name),
        "kebab": name.lower().replace("_", "-"),
        "Camel": camel(name)[0].upper() + camel(name)[1:],
        "dot": name.lower().replace("_", "."),
        "noun": credential.noun,
        "Noun": credential.noun[0].upper() + credential.noun[1:],
        "Title": name.replace("_", " ").title(),
        "word": rng.choice(
            ["password", "password", "passwd", "pass", "pwd"] if password else ["token", "secret", "api_key", "key"]
        ),
        "Word": rng.choice(
            ["Password", "Passwort", "PW", "Pass"] if password else ["Token", "API key", "Secret", "Key"]
        ),
        "foreign": words.FLAT[language][0 if password else 1],
        "user": rng.choice(words.ACCOUNTS),
        "person": person,
        "host": words.host(rng),
        "db": rng.choice(words.DATABASES),
        "svc": rng.choice(words.SERVICES),
        "domain": rng.choice(words.DOMAINS),
        "n": str(rng.randint(2, 97)),
        "ip": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randint(2, 250)}",
        "date": f"{rng.randint(2021, 2026)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "time": f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}",
        "sha": values.raw(rng, 4).hex(),
        "id": str(rng.randint(1000, 99999)),
        "uuid": values.identifier(rng),
    }


def expand(rng, form, credential, number):
    """One snippet: the text of a template around the marked secret."""
    return apply(rng, values.fill(rng, rng.choice(form.templates)), credential, number)


def apply(rng, template, credential, number):
    around = surroundings(rng, credential)
    secret, half = credential.value, len(credential.value) // 2
    third = len(secret) // 3
    pieces = {
        "v": secret,
        "half1": secret[:half],
        "half2": secret[half:],
        "third1": secret[:third],
        "third2": secret[third : 2 * third],
        "third3": secret[2 * third :],
    }

    def one(match):
        field, _, inner = match.group(1).partition(":")
        if field in pieces:
            text = mark(number, pieces[field])
        elif field == "wrap":
            text = mark(number, "\n".join(secret[i : i + int(inner)] for i in range(0, len(secret), int(inner))))
        elif field in ENCODINGS:
            plain = re.sub(r"\{(\w+)\}", lambda m: secret if m.group(1) == "v" else around[m.group(1)], inner or "{v}")
            text = mark(number, ENCODINGS[field](plain))
        else:
            text = around[field]
        start = match.string.rfind("\n", 0, match.start()) + 1
        prefix = match.string[start : match.start()]
        return text.replace("\n", "\n" + prefix) if not prefix.strip(" \t>#/*|") else text

    return re.sub(r"«([^»]+)»", one, template)
