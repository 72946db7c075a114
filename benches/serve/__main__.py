"""What forward-auth adds to a request, what a crowd of clients does, and the first view of the page, with many sessions on
PostgreSQL.

wrk asks one nginx for a page of an application that answers at once, by turns with auth_request to unleak and without, each of
its connections so often that the rate is the wanted one. What is added is the difference of one turn to the turn before: of the
medians, and of the 99th percentiles. The crowd asks unleak itself. Run by benches/serve/run.
"""

import argparse
import os
import re
import socket
import statistics
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
  now() + interval '31 days' - n % 2592000 * interval '1 s', now() - n % 2592000 * interval '1 s' FROM generate_series(1, {rows}) n;
CREATE UNIQUE INDEX ON sessions ("sessionToken");
CREATE INDEX ON sessions ("userId");
CREATE INDEX ON sessions (expires);
"""
LOAD = """
local tokens = {{}}
for line in io.lines("{tokens}") do tokens[#tokens + 1] = line end
function init(args) math.randomseed(os.time()) end
function request()
  return wrk.format("GET", "{path}", {{ cookie = "authjs.session-token=" .. tokens[math.random(#tokens)] }})
end
-- Each connection waits, so that all of them together ask at the wanted rate.
function delay() return math.random(0, {between}) end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.0f %.0f %.0f %d %d\\n", latency:percentile(50), latency:percentile(99), latency.max,
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 10000000; {temporary}
  upstream application {{ server 127.0.0.1:{application}; keepalive 64; keepalive_requests 10000000; }}
  upstream unleak {{ server 127.0.0.1:{unleak}; keepalive 64; keepalive_requests 10000000; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{ listen 127.0.0.1:{application}; location / {{ return 204; }} }}
  server {{
    listen 127.0.0.1:{port};
    location /without {{ proxy_pass http://application; }}
    location /with {{
      auth_request /_session; auth_request_set $user $upstream_http_x_session_user;
      # Where one header is set, none is inherited.
      proxy_set_header Connection ""; proxy_set_header X-Session-User $user; proxy_pass http://application;
    }}
    location = /_session {{
      internal; proxy_pass http://unleak/verify?mode=nginx; proxy_pass_request_body off;
      proxy_set_header Connection ""; proxy_set_header Content-Length "";
    }}
  }}
}}
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


class Load:
    """What one turn of wrk told, in milliseconds."""

    def __init__(self, args, port, path, connections, seconds):
        script = args.scratch / "load.lua"
        between = round(2000 * connections / args.rate)
        script.write_text(LOAD.format(tokens=args.scratch / "tokens", path=path, between=between), encoding="utf-8")
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        median, p99, longest, requests, self.errors = map(int, re.search(r"RESULT (.+)", out).group(1).split())
        self.median, self.p99, self.longest, self.rate = median / 1000, p99 / 1000, longest / 1000, requests / seconds

    def __str__(self):
        return f"{self.rate:.0f} requests/s, median {self.median:.2f} ms, p99 {self.p99:.2f} ms, {self.errors} errors"


def used(args, server, work):
    """What work gives, with the memory of the server in MB: before, after, and at most meanwhile; and its share of a core."""
    Path(f"/proc/{server.pid}/clear_refs").write_text("5", encoding="utf-8")
    before, _, cpu = process(server.pid)
    begun = time.monotonic()
    result = work()
    share = (process(server.pid)[2] - cpu) / (time.monotonic() - begun) * 100
    after, most, _ = process(server.pid)
    return result, f"memory {before:.0f} -> {after:.0f} MB (at most {most:.0f}), {share:.0f} % of a core"


def added(args, port, server, cache):
    """By turns without and with unleak."""
    pairs, told = [], ""
    for _ in range(args.turns):
        without = Load(args, port, "/without", args.connections, args.seconds)
        with_, told = used(args, server, lambda: Load(args, port, "/with", args.connections, args.seconds))
        print(f"--cache {cache}, {args.connections} connections: without {without}", flush=True)
        print(f"--cache {cache}, {args.connections} connections: with    {with_}; {told}", flush=True)
        if without.errors + with_.errors:
            raise SystemExit("requests failed")
        pairs.append((with_.median - without.median, with_.p99 - without.p99))
    median, p99 = (statistics.median(column) for column in zip(*pairs))
    print(f"--cache {cache}: adds {median:.2f} ms to the median and {p99:.2f} ms to the p99", flush=True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


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
    parser.add_argument("--seconds", type=int, default=15, help="of one turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--crowd", type=int, default=1000, help="clients that ask unleak itself, for a minute")
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
        nginx_port, application = free_ports(2)
        temporary = "".join(f"{kind}_temp_path {args.scratch}/{kind}; " for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        config = args.scratch / "nginx.conf"
        config.write_text(NGINX.format(folder=args.scratch, port=nginx_port, application=application, unleak=port, temporary=temporary),
                          encoding="utf-8")
        nginx = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(config), "-p", str(args.scratch)])
        time.sleep(1)
        Load(args, nginx_port, "/with", args.connections, 5)
        added(args, nginx_port, server, cache)
        if args.crowd:
            crowd, told = used(args, server, lambda: Load(args, port, "/verify?mode=nginx", args.crowd, 60))
            print(f"--cache {cache}, {args.crowd} clients of unleak itself: {crowd}, longest {crowd.longest:.0f} ms; {told}", flush=True)
        for one in [nginx, server]:
            one.terminate()
            one.wait()


main()
