"""Forward-auth under a fixed load, and the first view of the page, with many sessions on PostgreSQL.

wrk asks for sessions at random, each of its clients so often that the rate is the wanted one. nginx that answers 204 at
once is asked in the same way, in turns with unleak: what remains is what unleak and the database add. Run by
benches/serve/run.
"""

import argparse
import os
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

TABLES = """
CREATE TABLE users (id integer PRIMARY KEY, name text, email text UNIQUE, deleted_at timestamptz);
INSERT INTO users SELECT n, 'User ' || n, 'u' || n || '@example.org' FROM generate_series(1, {rows} / 5) n;
CREATE TABLE sessions (id serial PRIMARY KEY, "sessionToken" varchar(255) NOT NULL, "userId" integer NOT NULL,
  expires timestamptz NOT NULL, "createdAt" timestamptz NOT NULL);
INSERT INTO sessions ("sessionToken", "userId", expires, "createdAt") SELECT md5(n::text), 1 + n % ({rows} / 5),
  now() + (1 + n % 30) * interval '1 day', now() - n % 2592000 * interval '1 s' FROM generate_series(1, {rows}) n;
CREATE UNIQUE INDEX ON sessions ("sessionToken");
CREATE INDEX ON sessions ("userId");
CREATE INDEX ON sessions (expires);
"""
LOAD = """
local tokens = {{}}
for line in io.lines("{tokens}") do tokens[#tokens + 1] = line end
function init(args) math.randomseed(os.time()) end
function request()
  return wrk.format("GET", "/verify?mode=nginx", {{ cookie = "authjs.session-token=" .. tokens[math.random(#tokens)] }})
end
-- Each client waits, so that all of them together ask at the wanted rate.
function delay() return math.random(0, {between}) end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.0f %.0f %.0f %d %d\\n", latency:percentile(50), latency:percentile(99), latency.max,
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} {temporary} }}
"""


def psql(server, text):
    args = ["psql", "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", server]
    return subprocess.run(args, check=True, input=text, stdout=subprocess.PIPE, text=True).stdout


def process(pid):
    """Memory in MB, now and at most, and CPU seconds so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kb = {name: int(re.search(rf"{name}:\s+(\d+)", status).group(1)) for name in ["VmRSS", "VmHWM"]}
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return kb["VmRSS"] / 1024, kb["VmHWM"] / 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(args, port, seconds):
    script = args.scratch / "load.lua"
    between = round(2000 * args.clients / args.rate)
    script.write_text(LOAD.format(tokens=args.scratch / "tokens", between=between), encoding="utf-8")
    command = ["wrk", "-t", "2", "-c", str(args.clients), "-d", f"{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    median, p99, longest, requests, errors = map(int, re.search(r"RESULT (.+)", out).group(1).split())
    return f"{requests / seconds:6.0f} requests/s, median {median / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms, longest {longest / 1000:.0f} ms, {errors} errors"


def first_views(args, address, token):
    """Seconds of the overview and of the table, the server just started."""
    for path in ["/", "/", "/sessions", "/sessions?userId=77", "/admin/stats"]:
        request = urllib.request.Request(f"{address}{path}", headers={"authorization": f"Bearer {token}", "accept": "text/html"})
        begun = time.monotonic()
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
        print(f"GET {path}: {(time.monotonic() - begun) * 1000:.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--unleak", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    args = parser.parse_args()
    psql(args.server, TABLES.replace("{rows}", str(args.rows)))
    psql(args.server, "VACUUM ANALYZE")
    (args.scratch / "tokens").write_text(psql(args.server, 'SELECT "sessionToken" FROM sessions TABLESAMPLE SYSTEM (10) LIMIT 50000'))
    env = {**os.environ, "HOME": str(args.scratch), "BENCH_STORE": args.server}
    state = ["--state", str(args.scratch / "state")]
    token = subprocess.run([args.unleak, *state, "serve", "token", "add", "bench", "--scope", "read"], env=env, check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    for cache in ["0", "5"]:
        server = subprocess.Popen([args.unleak, *state, "serve", "--store-from", "env:BENCH_STORE", "--listen", "127.0.0.1:0",
                                   "--sign-in", "/signin", "--cache", cache, "--log", "off"], env=env, stderr=subprocess.PIPE, text=True)
        address = re.search(r"http://\S+?:\d+", server.stderr.readline()).group(0)
        port = int(address.rsplit(":", 1)[1])
        if cache == "0":
            first_views(args, address, token)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nginx_port = free.getsockname()[1]
        temporary = "".join(f"{kind}_temp_path {args.scratch}/{kind}; " for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        config = args.scratch / "nginx.conf"
        config.write_text(NGINX.format(folder=args.scratch, port=nginx_port, temporary=temporary), encoding="utf-8")
        nginx = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(config), "-p", str(args.scratch)])
        time.sleep(1)
        load(args, port, 5)
        for turn in range(2):
            print(f"nginx alone          : {load(args, nginx_port, args.seconds // 2)}", flush=True)
            rss, _, cpu = process(server.pid)
            told = load(args, port, args.seconds // 2)
            after, most, cpu_after = process(server.pid)
            print(f"unleak, --cache {cache}, {turn}: {told}; memory {rss:.0f} -> {after:.0f} MB (at most {most:.0f}), "
                  f"{(cpu_after - cpu) / (args.seconds // 2) * 100:.0f} % of a core", flush=True)
        for one in [nginx, server]:
            one.terminate()
            one.wait()


main()
