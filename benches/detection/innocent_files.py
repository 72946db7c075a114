"""Whole files without a secret, full of what looks like some: lock files, digests, vectors, translations, bundles.

A file is a head, an entry that is repeated with other random values, and a foot. `#` is the number of the entry.
"""

import values
import words

FILES = {
    "package-lock.json": (
        '{\n  "lockfileVersion": 3,\n  "packages": {\n',
        '    "node_modules/@word-@word": {\n      "version": "<1:d>.<2:d>.<1:d>",\n      "resolved": "https://artifacts.example.com/@word-@word-<1:d>.<1:d>.0.tgz",\n      "integrity": "sha512-<b64:64>",\n      "license": "MIT"\n    },\n',
        '    "": {}\n  }\n}\n',
    ),
    "yarn.lock": (
        "# yarn lockfile v1\n\n",
        '"@word-@word@^<1:d>.<1:d>.0":\n  version "<1:d>.<1:d>.0"\n  resolved "https://artifacts.example.com/@word.tgz#<40:h>"\n  integrity sha512-<b64:64>\n\n',
        "",
    ),
    "pnpm-lock.yaml": (
        "lockfileVersion: '9.0'\npackages:\n",
        "  '@word-@word@<1:d>.<1:d>.0':\n    resolution: {integrity: sha512-<b64:64>}\n    engines: {node: '>=18'}\n",
        "",
    ),
    "go.sum": (
        "",
        "example.com/@word/@word v<1:d>.<2:d>.0 h1:<b64:32>\nexample.com/@word/@word v<1:d>.<2:d>.0/go.mod h1:<b64:32>\n",
        "",
    ),
    "Cargo.lock": (
        "version = 4\n\n",
        '[[package]]\nname = "@word-@word"\nversion = "0.<1:d>.<1:d>"\nchecksum = "<64:h>"\n\n',
        "",
    ),
    "poetry.lock": (
        "",
        '[[package]]\nname = "@word"\nversion = "<1:d>.<1:d>"\nfiles = [\n    {file = "@word-<1:d>.0-py3-none-any.whl", hash = "sha256:<64:h>"},\n]\n\n',
        '[metadata]\ncontent-hash = "<64:h>"\n',
    ),
    "composer.lock": (
        '{"packages": [\n',
        '{"name": "@word/@word", "version": "v<1:d>.<1:d>.0", "dist": {"type": "zip", "reference": "<40:h>", "shasum": "<40:h>"}},\n',
        "{}]}\n",
    ),
    "flake.lock": (
        '{"nodes": {\n',
        '"@word": {"locked": {"lastModified": <10:d>, "narHash": "sha256-<b64:32>", "rev": "<40:h>", "type": "github"}},\n',
        '"root": {}}, "version": 7}\n',
    ),
    ".terraform.lock.hcl": (
        "",
        'provider "terraform.example.com/acme/@word" {\n  version = "5.<1:d>.0"\n  hashes = [\n    "h1:<b64:32>",\n    "zh:<64:h>",\n    "zh:<64:h>",\n  ]\n}\n\n',
        "",
    ),
    "verification-metadata.xml": (
        "<verification-metadata><components>\n",
        '<component group="org.@word" name="@word" version="<1:d>.<1:d>"><artifact name="@word.jar"><sha256 value="<64:h>" origin="Generated"/></artifact></component>\n',
        "</components></verification-metadata>\n",
    ),
    "sbom.json": (
        '{"bomFormat": "CycloneDX", "components": [\n',
        '{"type": "library", "bom-ref": "<uuid>", "name": "@word", "hashes": [{"alg": "SHA-256", "content": "<64:h>"}, {"alg": "MD5", "content": "<32:h>"}]},\n',
        "{}]}\n",
    ),
    "SHA512SUMS": ("", "<128:h>  @word-<1:d>.<1:d>.tar.xz\n", ""),
    "git-log.txt": (
        "",
        "commit <40:h>\nAuthor: @word <@word@example.com>\nDate:   Mon Mar 4 11:02:33 2024 +0100\n\n    @word: store the password hash, not the token\n\n",
        "",
    ),
    "CHANGELOG.md": (
        "# Changelog\n\n",
        "- @word: rotate the session secret ([<7:h>](https://git.example.com/acme/app/commit/<40:h>))\n- @word: password reset tokens expire ([#<4:d>](https://git.example.com/acme/app/pull/<4:d>))\n",
        "",
    ),
    "locales/de.json": (
        "{\n",
        '  "@word.password": "Passwort",\n  "@word.passwordHint": "Mindestens zwölf Zeichen, Ziffern und Sonderzeichen",\n  "@word.token": "Zugangstoken eingeben",\n  "@word.secret": "Geheimer Schlüssel",\n',
        '  "end": ""\n}\n',
    ),
    "locales/fr.yml": (
        "fr:\n",
        "  @word:\n    password: Mot de passe\n    password_confirmation: Confirmez le mot de passe\n    api_key: Clé d’API\n    token_expired: Votre jeton a expiré, veuillez vous reconnecter\n",
        "",
    ),
    "messages.po": (
        'msgid ""\nmsgstr ""\n\n',
        'msgid "@word password"\nmsgstr "Hasło użytkownika @word"\n\nmsgid "Invalid token"\nmsgstr "Nieprawidłowy token"\n\n',
        "",
    ),
    "schema.sql": (
        "",
        "CREATE TABLE @word (\n  id uuid DEFAULT gen_random_uuid() PRIMARY KEY,\n  password_hash character varying(255) NOT NULL,\n  api_token character varying(64),\n  secret_key bytea,\n  CONSTRAINT @word_token_key UNIQUE (api_token)\n);\n\n",
        "",
    ),
    "openapi.yaml": (
        "openapi: 3.1.0\npaths:\n",
        "  /@word/token:\n    post:\n      operationId: create@wordToken\n      parameters:\n        - {name: X-Api-Key, in: header, required: true, schema: {type: string}}\n      requestBody: {content: {application/json: {schema: {properties: {password: {type: string, format: password}, client_secret: {type: string}}}}}}\n",
        "",
    ),
    "events.jsonl": (
        "",
        '{"id":"<uuid>","trace_id":"<32:h>","span_id":"<16:h>","user":"usr_<14:a>","type":"password.changed","ts":<13:d>}\n',
        "",
    ),
    "access.log": (
        "",
        '10.1.2.3 - - [04/Mar/2024:11:02:33 +0000] "GET /assets/@word-<20:h>.js?v=<10:h> HTTP/1.1" 200 <4:d> "-" "Mozilla/5.0"\n10.1.2.3 - - [04/Mar/2024:11:02:34 +0000] "POST /password/reset HTTP/1.1" 302 0 "-" "Mozilla/5.0"\n',
        "",
    ),
    "app.log": (
        "",
        "2024-03-04 11:02:33,<3:d> INFO [@word] request_id=<uuid> user=<5:d> token accepted\n2024-03-04 11:02:34,<3:d> WARN [@word] password check failed for <uuid>\n",
        "",
    ),
    "bundle.min.js": (
        '!function(){"use strict";',
        'var <1:z><1:z>=function(e,t){return e.password===t.password&&e.token!==null?"<6:a>":t.key||"@word"};n.d(t,"<4:a>",function(){return <1:z><1:z>});',
        "}();\n//# sourceMappingURL=bundle.min.js.map\n",
    ),
    "bundle.min.js.map": (
        '{"version":3,"sources":["app.ts"],"names":["password","token"],"mappings":"',
        "AAAA,<3:A>,<4:A>,<4:A>;<4:A>,SAAS,<5:A>,CAAC,",
        '"}\n',
    ),
    "icons.svg": (
        '<svg xmlns="http://www.w3.org/2000/svg">\n',
        '<symbol id="key-@word" viewBox="0 0 24 24"><path d="M<2:d>.<2:d> <1:d>.<3:d>c-<1:d>.<2:d> 0-<1:d>.<2:d>.<2:d>-<1:d>.<2:d> <1:d>.<2:d>z"/></symbol>\n',
        "</svg>\n",
    ),
    "fonts.css": (
        "",
        "@font-face{font-family:@word;src:url(data:font/woff2;base64,d09GMgABAAAA<600:s>) format('woff2')}\n.token-@word{color:#<6:h>}\n",
        "",
    ),
    "vectors.json": (
        '{"algorithm": "AES-GCM", "testGroups": [\n',
        '{"tcId": #, "comment": "", "key": "<32:h>", "iv": "<24:h>", "aad": "", "msg": "<32:h>", "ct": "<32:h>", "tag": "<32:h>", "result": "valid"},\n',
        "{}]}\n",
    ),
    "test_hash.c": (
        "static const struct vector {\n  const char *key, *data, *digest;\n} vectors[] = {\n",
        '  { "<40:h>", "<32:h>", "<64:h>" },\n',
        "};\n",
    ),
    "known_hosts": (
        "",
        "@word.example.net ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI<43:s>\n@word.example.net ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC<344:s>\n",
        "",
    ),
    "notebook.ipynb": (
        '{"cells": [{"cell_type": "code", "outputs": [\n',
        '{"data": {"image/png": "iVBORw0KGgoAAAANSUhEUgAA<900:s>"}, "output_type": "display_data"},\n',
        '{}], "source": ["plot()"]}], "nbformat": 4}\n',
    ),
    "sealed-secret.yaml": ("kind: SealedSecret\nspec:\n  encryptedData:\n", "    @word-password: AgB<680:s>==\n", ""),
    "secrets.enc.yaml": (
        "",
        "@word_password: ENC[AES256_GCM,data:<20:s>,iv:<b64:32>,tag:<b64:16>,type:str]\n",
        "sops:\n  version: 3.8.1\n",
    ),
    "values.yaml": (
        "",
        '@word:\n  existingSecret: @word-credentials\n  secretKeys:\n    adminPasswordKey: postgres-password\n    userPasswordKey: password\n  image:\n    digest: sha256:<64:h>\n  password: ""\n',
        "",
    ),
    "main.tf": (
        "",
        'resource "random_password" "@word" {\n  length  = 32\n  special = true\n}\n\nresource "aws_db_instance" "@word" {\n  username            = "app"\n  password            = random_password.@word.result\n  kms_key_id          = "arn:aws:kms:eu-west-1:<12:d>:key/<uuid>"\n  snapshot_identifier = "snap-<17:h>"\n}\n\n',
        "",
    ),
    ".env.example": (
        "APP_ENV=local\n",
        "@WORD_API_KEY=\n@WORD_PASSWORD=changeme\n@WORD_SECRET=your-@word-secret\n@WORD_URL=https://@word.example.com\n",
        "",
    ),
    "users.csv": ("id,login,email,created_at,avatar_hash\n", "<uuid>,@word,@word@example.com,2024-03-04,<32:h>\n", ""),
    "model.safetensors.index.json": (
        '{"metadata": {"total_size": 13476831232}, "weight_map": {\n',
        '"model.layers.#.self_attn.key_proj.weight": "model-0000<1:d>-of-00009.safetensors",\n"model.layers.#.token_mixer.weight": "model-0000<1:d>-of-00009.safetensors",\n',
        '"lm_head": ""}}\n',
    ),
    "tokenizer.json": (
        '{"model": {"type": "BPE", "vocab": {\n',
        '"Ġ@word": <5:d>, "@word<3:a>": <5:d>, "Ġpassword": <5:d>, "Ġ<6:a>": <5:d>,\n',
        '"<unk>": 0}}}\n',
    ),
    "auth.service.spec.ts": (
        "describe('AuthService', () => {\n",
        "  it('rejects a wrong password for @word', async () => {\n    const token = await service.createToken({ id: '<uuid>' });\n    await expect(service.login('@word', wrongPassword)).rejects.toThrow('Invalid password');\n    expect(token).toHaveLength(64);\n  });\n",
        "});\n",
    ),
    "PasswordService.java": (
        "package com.acme.auth;\n\npublic class PasswordService {\n",
        '    private final @wordTokenProvider @wordTokenProvider;\n    private static final String @WORD_PASSWORD_PROPERTY = "acme.@word.password";\n\n    public boolean verify@word(String password, String passwordHash) {\n        return encoder.matches(password, passwordHash);\n    }\n\n',
        "}\n",
    ),
    "apt-packages.txt": (
        "",
        "Package: lib@word\nVersion: 1:<1:d>.<1:d>.<1:d>-<1:d>\nFilename: pool/main/l/lib@word_<1:d>.deb\nMD5sum: <32:h>\nSHA256: <64:h>\nDescription-md5: <32:h>\n\n",
        "",
    ),
}


def build(rng, name):
    head, entry, foot = FILES[name]

    def one(number):
        text = entry.replace("#", str(number)) if "#" in entry and name.endswith(".json") else entry
        while "@word" in text or "@WORD" in text:
            word = rng.choice(words.ENGLISH)
            text = text.replace("@WORD", word.upper(), 1) if "@word" not in text else text.replace("@word", word, 1)
        return values.fill(rng, text)

    entries = "".join(one(number) for number in range(rng.randint(8, 40)))
    return head + entries + values.fill(rng, foot)
