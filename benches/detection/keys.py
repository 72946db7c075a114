"""Private keys with the structure of real ones (DER, OpenSSH, PGP, PuTTY, JWK) around random numbers."""

import base64
import json
import struct

from values import base64url, raw


def wrap(data, width=64):
    text = base64.b64encode(data).decode()
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


def armour(label, body, headers=""):
    return f"-----BEGIN {label}-----\n{headers}{body}\n-----END {label}-----"


def der(tag, body):
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def number(rng, size):
    return der(2, b"\0" + bytes([0x80 | rng.randrange(128)]) + raw(rng, size - 1))


def rsa_der(rng, size=256):
    half = size // 2
    parts = [der(2, b"\0"), number(rng, size), der(2, b"\1\0\1"), number(rng, size)]
    return der(0x30, b"".join(parts + [number(rng, half) for _ in range(5)]))


def rsa(rng):
    return armour("RSA PRIVATE KEY", wrap(rsa_der(rng, rng.choice([128, 256]))))


def pkcs8(rng):
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return armour("PRIVATE KEY", wrap(der(0x30, der(2, b"\0") + algorithm + der(4, rsa_der(rng)))))


def ec(rng):
    curve = der(0xA0, bytes.fromhex("06082a8648ce3d030107"))
    public = der(0xA1, der(3, b"\0\4" + raw(rng, 64)))
    return armour("EC PRIVATE KEY", wrap(der(0x30, der(2, b"\1") + der(4, raw(rng, 32)) + curve + public)))


def ed25519(rng):
    return armour("PRIVATE KEY", wrap(bytes.fromhex("302e020100300506032b657004220420") + raw(rng, 32)))


def openssh(rng):
    def field(data):
        return struct.pack(">I", len(data)) + data

    public = field(b"ssh-ed25519") + field(raw(rng, 32))
    check = raw(rng, 4)
    private = check + check + public + field(raw(rng, 64)) + field(b"deploy@example") + b"\1\2\3\4"
    data = b"openssh-key-v1\0" + field(b"none") + field(b"none") + field(b"") + struct.pack(">I", 1)
    return armour("OPENSSH PRIVATE KEY", wrap(data + field(public) + field(private), 70))


def legacy_encrypted(rng):
    headers = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{raw(rng, 16).hex().upper()}\n\n"
    return armour("RSA PRIVATE KEY", wrap(raw(rng, 1200)), headers)


def pgp(rng):
    body = wrap(b"\x95\x01\xd8\x04" + raw(rng, 900)) + "\n=" + base64.b64encode(raw(rng, 3)).decode()
    return armour("PGP PRIVATE KEY BLOCK", body, "\n")


def putty(rng):
    public, private = wrap(b"\0\0\0\x07ssh-rsa" + raw(rng, 270)), wrap(raw(rng, 450))
    return (
        f"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: imported-openssh-key\n"
        f"Public-Lines: {public.count(chr(10)) + 1}\n{public}\nPrivate-Lines: {private.count(chr(10)) + 1}\n"
        f"{private}\nPrivate-MAC: {raw(rng, 20).hex()}"
    )


def jwk(rng):
    key = {
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "kid": raw(rng, 4).hex(),
        "x": base64url(raw(rng, 32)),
        "y": base64url(raw(rng, 32)),
        "d": base64url(raw(rng, 32)),
    }
    return json.dumps(key, indent=2)


def certificate(rng):
    return armour("CERTIFICATE", wrap(der(0x30, der(0x30, raw(rng, 700)) + raw(rng, 270))))


def public(rng):
    head = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f00")
    return armour("PUBLIC KEY", wrap(head + number(rng, 256) + der(2, b"\1\0\1")))
