"""Forward-auth of unleak next to two that do the same: LemonLDAP::NG, which Debian brings, and an endpoint in Express as its
documentation has it (express-session, connect-pg-simple, a look at the user), in as many processes as there are cores.

One nginx asks each of them by auth_request before it answers 204. wrk asks nginx, as fast as it is answered and then at a
fixed rate, in turns with nginx that asks nobody. Sessions and users are the same rows of one PostgreSQL for unleak and
Express; LemonLDAP::NG has as many of its own there. It needs root, since that one reads fixed places. Run by
benches/serve/run --peers.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROWS = 100_000
TABLES = """
CREATE TABLE users (id integer PRIMARY KEY, name text, deleted_at timestamptz);
INSERT INTO users SELECT n, 'User ' || n FROM generate_series(1, {rows} / 5) n;
CREATE TABLE session (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
INSERT INTO session SELECT md5(n::text), json_build_object('cookie', json_build_object('originalMaxAge', 86400000,
  'expires', to_char(now() + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), 'userId', 1 + n % ({rows} / 5)),
  now() + interval '1 day' FROM generate_series(1, {rows}) n;
CREATE TABLE lemonldap (id varchar(64) PRIMARY KEY, a_session jsonb);
INSERT INTO lemonldap SELECT md5(n::text), jsonb_build_object('_session_id', md5(n::text), '_session_kind', 'SSO', '_utime',
  extract(epoch FROM now())::bigint, 'uid', 'u' || n, '_user', 'u' || n) FROM generate_series(1, {rows}) n;
VACUUM ANALYZE;
"""
EXPRESS = """
const cluster = require('node:cluster')
const { Pool } = require('pg')
if (cluster.isPrimary) { for (let n = 0; n < require('node:os').availableParallelism(); n++) cluster.fork() } else {
  const express = require('express')
  const session = require('express-session')
  const pool = new Pool({ connectionString: process.env.DATABASE_URL })
  const store = new (require('connect-pg-simple')(session))({ pool, disableTouch: true })
  const app = express()
  app.use(session({ store, secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }))
  app.get('/verify', async (req, res) => {
    const user = req.session.userId
    const found = user && await pool.query('SELECT 1 FROM users WHERE id = $1 AND deleted_at IS NULL', [user])
    if (!found || found.rowCount === 0) return res.status(401).end()
    res.set('X-Session-User', String(user)).status(204).end()
  })
  app.listen(Number(process.env.PORT), '127.0.0.1')
}
"""
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/peers.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; {temporary}
  upstream application {{ server 127.0.0.1:{application}; keepalive 64; }}
  upstream unleak {{ server 127.0.0.1:{unleak}; keepalive 64; }}
  upstream uncached {{ server 127.0.0.1:{uncached}; keepalive 64; }}
  upstream express {{ server 127.0.0.1:{express}; keepalive 64; }}
  upstream lemonldap {{ server unix:{folder}/lemonldap.sock; keepalive 64; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{ listen 127.0.0.1:{application}; location / {{ return 204; }} }}
  server {{
    listen 127.0.0.1:{nginx}; server_name 127.0.0.1; set $original_uri $request_uri;
    location / {{ proxy_pass http://application; }}
    location /unleak {{ auth_request /_unleak; {user} proxy_pass http://application; }}
    location /uncached {{ auth_request /_uncached; {user} proxy_pass http://application; }}
    location /express {{ auth_request /_express; {user} proxy_pass http://application; }}
    location /lemonldap {{
      auth_request /_lemonldap; auth_request_set $user $upstream_http_lm_remote_user;
      proxy_set_header X-Session-User $user; proxy_set_header Connection ""; proxy_pass http://application;
    }}
    location = /_unleak {{ internal; proxy_pass http://unleak/verify?mode=nginx; {asked} }}
    location = /_uncached {{ internal; proxy_pass http://uncached/verify?mode=nginx; {asked} }}
    location = /_express {{ internal; proxy_pass http://express/verify; {asked} }}
    location = /_lemonldap {{
      internal; include /etc/nginx/fastcgi_params; fastcgi_pass lemonldap; fastcgi_keep_conn on;
      fastcgi_pass_request_body off; fastcgi_param CONTENT_LENGTH ""; fastcgi_param HTTP_HOST $host;
      fastcgi_param X_ORIGINAL_URI $original_uri;
    }}
  }}
}}
"""
# Where one header is set, none is inherited.
USER = """auth_request_set $user $upstream_http_x_session_user; proxy_set_header X-Session-User $user; proxy_set_header Connection "";"""
ASKED = 'proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header Connection "";'
LOAD = """
local cookies = {{}}
for line in io.lines("{cookies}") do cookies[#cookies + 1] = line end
function init(args) math.randomseed(os.time()) end
function request() return wrk.format("GET", "/{path}", {{ cookie = cookies[math.random(#cookies)] }}) end
function delay() return math.random(0, {between}) end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.0f %.0f %d %d\\n", latency:percentile(50), latency:percentile(99), summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
NAMES = ["nginx", "unleak", "uncached", "express", "lemonldap"]


def load(args, name, seconds, clients, rate=None):
    script = args.scratch / f"{name}.lua"
    cookies = args.scratch / ("lemonldap.txt" if name == "lemonldap" else "express.txt")
    between = round(2_000_000 * clients / rate / 1000) if rate else 0
    script.write_text(LOAD.format(cookies=cookies, path="" if name == "nginx" else name, between=between), encoding="utf-8")
    command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds}s", "-s", str(script), f"http://127.0.0.1:{args.port}"]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    median, p99, requests, errors = map(int, re.search(r"RESULT (.+)", out).group(1).split())
    if errors:
        raise SystemExit(f"{name}: {errors} of {requests} requests failed")
    return requests / seconds, median / 1000, p99 / 1000


def lemonldap(args, server):
    """Its own program in a view of its fixed places that is ours alone."""
    folder = args.scratch / "lemonldap"
    for name in ["conf", "cache", "sessions"]:
        (folder / "var" / name).mkdir(parents=True)
    shutil.copytree("/etc/lemonldap-ng", folder / "etc")
    cache = {"namespace": "sessions", "cache_root": "/var/lib/lemonldap-ng/cache", "default_expires_in": 600, "cache_depth": 3}
    storage = {"DataSource": f"dbi:Pg:dbname={server.path[1:]};host={server.hostname};port={server.port}", "UserName": server.username,
               "Password": server.password, "TableName": "lemonldap", "Commit": 1}
    config = {
        "cfgNum": 1, "cfgAuthor": "bench", "cfgDate": "1600000000", "cfgVersion": "2.16.1", "cookieName": "lemonldap",
        "domain": "127.0.0.1", "portal": "http://127.0.0.1/", "securedCookie": 0, "https": 0, "timeout": 72000, "whatToTrace": "uid",
        "globalStorage": "Apache::Session::Browseable::PgJSON", "globalStorageOptions": storage,
        "localSessionStorage": "Cache::FileCache", "localSessionStorageOptions": cache,
        "locationRules": {"127.0.0.1": {"default": "accept"}}, "exportedHeaders": {"127.0.0.1": {"Auth-User": "$uid"}},
        "vhostOptions": {}, "macros": {}, "groups": {}, "key": secrets.token_hex(16),
    }
    (folder / "var/conf/lmConf-1.json").write_text(json.dumps(config), encoding="utf-8")
    subprocess.run(["chown", "-R", "www-data", folder], check=True)
    shutil.chown(args.scratch / "sockets", "www-data")
    script = 'mount --bind "$1/etc" /etc/lemonldap-ng; mount --bind "$1/var" /var/lib/lemonldap-ng; shift; exec "$@"'
    program = ["llng-fastcgi-server", "--foreground", "--user", "www-data", "--group", "www-data", "--proc", "7", "--pid",
               str(args.scratch / "sockets/pid"), "--socket", str(args.scratch / "sockets/lemonldap.sock")]
    env = {**os.environ, "LLNG_DEFAULTLOGGER": "Lemonldap::NG::Common::Logger::Std"}
    return subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", str(folder), *program], env=env,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def unleak(args, url, secret, cache):
    env = {**os.environ, "HOME": str(args.scratch), "BENCH_STORE": url, "BENCH_SECRET": secret}
    command = [args.unleak, "--state", str(args.scratch / "state"), "serve", "--store-from", "env:BENCH_STORE", "--listen", "127.0.0.1:0",
               "--sign-in", "/signin", "--cookie-secret-from", "env:BENCH_SECRET", "--cache", cache, "--log", "off"]
    server = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    return server, int(re.search(r"http://\S+?:(\d+)", server.stderr.readline()).group(1))


def cookies(args, secret):
    """As the two make them, of the same rows."""
    sessions = [hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest() for n in range(1, ROWS + 1, 10)]
    signed = []
    for sid in sessions:
        mac = base64.b64encode(hmac.new(secret.encode(), sid.encode(), hashlib.sha256).digest()).decode().rstrip("=")
        signed.append("connect.sid=" + urllib.parse.quote(f"s:{sid}.{mac}", safe=""))
    (args.scratch / "express.txt").write_text("\n".join(signed) + "\n", encoding="utf-8")
    (args.scratch / "lemonldap.txt").write_text("".join(f"lemonldap={sid}\n" for sid in sessions), encoding="utf-8")


def ready(args, name):
    """Waits until a session gets in, and checks that none does not."""
    url = f"http://127.0.0.1:{args.port}/{name}"
    cookie = (args.scratch / ("lemonldap.txt" if name == "lemonldap" else "express.txt")).read_text(encoding="utf-8").splitlines()[0]
    opener = urllib.request.build_opener(urllib.request.HTTPErrorProcessor())

    def status(headers):
        try:
            return opener.open(urllib.request.Request(url, headers=headers), timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code

    for _ in range(100):
        if status({"cookie": cookie}) == 204:
            break
        time.sleep(0.2)
    found = status({"cookie": cookie}), status({})
    if found != (204, 401):
        raise SystemExit(f"{name} does not verify: {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=100)
    for name in ["--unleak", "--server", "--packages"]:
        parser.add_argument(name, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    args = parser.parse_args()
    server, secret = urllib.parse.urlsplit(args.server), secrets.token_hex(32)
    psql = ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", args.server]
    subprocess.run(psql, check=True, input=TABLES.replace("{rows}", str(ROWS)), text=True)
    cookies(args, secret)
    (args.scratch / "sockets").mkdir()
    running = [lemonldap(args, server)]
    base = 20000 + secrets.randbelow(9000)
    args.port, application, express = base, base + 1, base + 2
    (args.scratch / "express.js").write_text(EXPRESS, encoding="utf-8")
    env = {**os.environ, "NODE_PATH": args.packages, "DATABASE_URL": args.server, "SESSION_SECRET": secret, "PORT": str(express),
           "NODE_ENV": "production"}
    running.append(subprocess.Popen(["node", str(args.scratch / "express.js")], env=env))
    one, port = unleak(args, args.server, secret, "5")
    other, uncached = unleak(args, args.server, secret, "0")
    running += [one, other]
    temporary = "".join(f"{kind}_temp_path {args.scratch}/{kind}; " for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (args.scratch / "peers.conf").write_text(NGINX.format(
        folder=args.scratch / "sockets", temporary=temporary, application=application, unleak=port, uncached=uncached, express=express,
        nginx=args.port, user=USER, asked=ASKED), encoding="utf-8")
    running.append(subprocess.Popen(["nginx", "-e", "stderr", "-c", str(args.scratch / "peers.conf"), "-p", str(args.scratch)]))
    try:
        time.sleep(1)
        for name in NAMES[1:]:
            ready(args, name)
            load(args, name, 3, 16)
        most = {name: [] for name in NAMES}
        slow = {name: [] for name in NAMES}
        for _ in range(args.rounds):
            for name in NAMES:
                most[name].append(load(args, name, args.seconds, 16)[0])
                slow[name].append(load(args, name, args.seconds, 8, args.rate)[1:])
        for name in NAMES:
            best = statistics.median(most[name])
            median, p99 = (statistics.median(column) for column in zip(*slow[name]))
            print(f"{name:10} {best:8.0f} requests/s at most ({statistics.median(most['unleak']) / best:6.2f} times as many by unleak); "
                  f"at {args.rate}/s median {median:.2f} ms, p99 {p99:.2f} ms", flush=True)
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait()


main()
