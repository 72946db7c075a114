"""The files of a leaky repository, filled with random values, every line at risk labelled."""

import base64
import re

import credentials
import keys
import values
from corpus import Corpus
from leaky_files import FILES, HASHES
from template import mark

KEYS = {
    "rsa": keys.rsa,
    "openssh": keys.openssh,
    "putty": keys.putty,
    "pkcs8": keys.pkcs8,
    "ec": keys.ec,
    "jwt": values.jwt,
}
NOT_AT_RISK = "certificate"


def salt(rng):
    return values.text(rng, 64, values.ALPHABETS["a"] + "!@#$%^&*()-_[]{}<>~`+=,.;:/?| ")


def secret(rng, wanted):
    """The text behind `[[wanted]]`."""
    if wanted in KEYS:
        return KEYS[wanted](rng)
    if wanted == "p":
        return credentials.generated(rng, rng.randint(10, 18))
    if wanted == "h":
        return credentials.human(rng)
    if wanted == "salt":
        return salt(rng)
    if wanted in ("ghp", "gho"):
        return values.checked(rng, wanted + "_", 36)
    if wanted == "npm":
        return values.checked(rng, "npm_", 36)
    if wanted == "sk_live":
        return values.fill(rng, "sk_" + "live_<24:a>")
    if wanted == "jsonrsa":
        return keys.pkcs8(rng).replace("\n", "\\n") + "\\n"
    if wanted == "b64rsa":
        return base64.b64encode(keys.rsa(rng).encode()).decode()
    if wanted.startswith("b64:"):
        return base64.b64encode((wanted[4:] + credentials.human(rng)).encode()).decode()
    return values.fill(rng, HASHES.get(wanted, wanted))


def generate(rng):
    corpus = Corpus(rng)
    for file, text in FILES.items():

        def at_risk(match, file=file):
            if match.group(1) == NOT_AT_RISK:
                return keys.certificate(rng)
            value = secret(rng, match.group(1))
            number = corpus.label(planted=True, form=file, kind=match.group(1), group="leaky", values=[value])
            return mark(number, value)

        filled = re.sub(r"\[\[(.*?)\]\]", at_risk, text)
        harmless = re.sub(r"<(?:\d+(?:-\d+)?:\w|b64:\d+|uuid)>", lambda match: values.fill(rng, match.group()), filled)
        corpus.add(file, harmless if text.strip() != NOT_AT_RISK else keys.certificate(rng) + "\n")
    return corpus
