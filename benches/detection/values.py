"""Random values by template: `<36:a>` is 36 letters and digits; and the check digits that real tokens carry."""

import base64
import json
import re
import string
import uuid
import zlib

ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": string.digits,
    "b": string.ascii_letters + string.digits + "-_",
    "s": string.ascii_letters + string.digits + "+/",
    "z": string.ascii_lowercase,
    "A": string.ascii_letters,
    "T": string.ascii_uppercase + "234567",
    "L": string.ascii_uppercase,
}
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def text(rng, size, alphabet):
    return "".join(rng.choice(alphabet) for _ in range(size))


def fill(rng, template):
    """Replaces every `<n:alphabet>`, `<n-m:alphabet>`, `<b64:n>` (of n bytes) and `<uuid>`."""
    template = re.sub("<uuid>", lambda _: identifier(rng), template)
    template = re.sub(r"<b64:(\d+)>", lambda m: base64.b64encode(raw(rng, int(m.group(1)))).decode(), template)

    def one(match):
        low, high, name = match.groups()
        return text(rng, rng.randint(int(low), int(high or low)), ALPHABETS[name])

    return re.sub(r"<(\d+)(?:-(\d+))?:(\w)>", one, template)


def identifier(rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def raw(rng, size):
    return rng.getrandbits(8 * size).to_bytes(size, "big")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def base62(value, size):
    digits = ""
    while value:
        value, rest = divmod(value, 62)
        digits = BASE62[rest] + digits
    return digits.rjust(size, "0")


def checked(rng, prefix, size):
    """A token of GitHub's or npm's kind: the last six characters are a CRC-32 of those before them."""
    body = text(rng, size - 6, ALPHABETS["a"])
    return prefix + body + base62(zlib.crc32(body.encode()), 6)


def grafana(rng):
    body = "glsa_" + text(rng, 32, ALPHABETS["a"])
    return body + "_" + zlib.crc32(body.encode()).to_bytes(4, "little").hex()


def compact(claims):
    return base64url(json.dumps(claims, separators=(",", ":")).encode())


def grafana_cloud(rng):
    key = {"o": str(rng.randrange(10**6)), "n": "stack-api", "k": text(rng, 24, ALPHABETS["a"]), "m": {"r": "eu"}}
    return "glc_" + base64.b64encode(json.dumps(key, separators=(",", ":")).encode()).decode()


def mapbox(rng):
    return (
        "sk."
        + compact({"u": "acme-maps", "a": "cl" + text(rng, 22, ALPHABETS["l"])})
        + "."
        + text(rng, 22, ALPHABETS["b"])
    )


def jwt(rng):
    claims = {"sub": str(rng.randrange(10**9)), "role": "admin", "iat": 1700000000 + rng.randrange(10**7)}
    return f"{compact({'alg': 'HS256', 'typ': 'JWT'})}.{compact(claims)}.{base64url(raw(rng, 32))}"


def age(rng):
    """An age identity: Bech32 with its checksum, in capitals."""
    charset, human = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "age-secret-key-"
    bits = "".join(f"{byte:08b}" for byte in raw(rng, 32)) + "0000"
    data = [int(bits[i : i + 5], 2) for i in range(0, 260, 5)]
    expanded = [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human]
    state = 1
    for value in expanded + data + [0] * 6:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= term if top >> i & 1 else 0
    sums = [(state ^ 1) >> 5 * (5 - i) & 31 for i in range(6)]
    return (human + "1" + "".join(charset[value] for value in data + sums)).upper()
