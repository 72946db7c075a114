"""A rotation with many sessions on PostgreSQL against a person with psql, on one server and in one run.

By hand is what an operator types, in one transaction: count, copy the table to a file, delete, count. Whoever logs in
between copy and delete is in neither, so there is the correct way too: count, `\\copy (DELETE … RETURNING *)`, count. In the
last round, of each way, one writer logs users in all the time and another touches the sessions that are there, as an
application does with every request: what each waited longest is how long others were blocked. unleak may block nobody for
more than a second, or this ends with a failure. Run by benches/rotation/run.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import resource
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TABLE = """
DROP TABLE IF EXISTS session;
CREATE TABLE session (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
CREATE INDEX "IDX_session_expire" ON session (expire);
INSERT INTO session SELECT md5(n::text) || substr(md5((n * 7)::text), 1, 8),
  json_build_object('cookie', json_build_object('originalMaxAge', 86400000, 'httpOnly', true, 'path', '/'),
    'userId', n, 'csrf', md5((n * 3)::text), 'seen', repeat('x', 120)), now() + interval '1 day'
  FROM generate_series(1, {rows}) AS n;
VACUUM ANALYZE session;
CHECKPOINT;
"""
WRITES = {
    "login": "INSERT INTO session VALUES (md5(random()::text || clock_timestamp()::text), '{}', now() + interval '1 day');\n",
    "touch": """\\set n random(1, :rows)
UPDATE session SET expire = now() + interval '1 day' WHERE sid = md5((:n)::text) || substr(md5((:n * 7)::text), 1, 8);
""",
}
LONGEST_WAIT_MS = 1000


def psql(server, *commands):
    args = ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", server]
    for command in commands:
        args += ["-c", command]
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)


class Writer:
    """Writes every 10 ms until it is told to end; `worst` is the longest time that one write took, in ms."""

    def __init__(self, server, scratch, kind, rows):
        self.scratch = scratch / f"writer-{kind}-{time.monotonic_ns()}"
        self.scratch.mkdir()
        (self.scratch / "write.sql").write_text(WRITES[kind])
        args = ["pgbench", "-n", "-c", "1", "-R", "100", "-T", "600", "-D", f"rows={rows}", "-f", "write.sql", "--log", server]
        self.process = subprocess.Popen(args, cwd=self.scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)

    def worst(self):
        # What waits at this moment counts too, and the log is written some seconds later.
        time.sleep(3)
        self.process.terminate()
        self.process.wait()
        [log] = self.scratch.glob("pgbench_log.*")
        times = [int(line.split()[2]) for line in log.read_text().splitlines() if line.count(" ") >= 5]
        return max(times) / 1000, len(times)


def by_hand(server, scratch, correct):
    started = time.monotonic()
    backup = scratch / "backup"
    delete = f"\\copy (DELETE FROM session RETURNING *) TO '{backup}'" if correct else f"\\copy session TO '{backup}'\nDELETE FROM session;"
    script = f"BEGIN;\nSELECT count(*) FROM session;\n{delete}\nSELECT count(*) FROM session;\nCOMMIT;\n"
    subprocess.run(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", server], input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    backup.unlink()
    return seconds


def signed(secret, sid):
    mac = base64.b64encode(hmac.digest(secret.encode(), sid.encode(), hashlib.sha256)).decode().rstrip("=")
    return f"s:{sid}.{mac}"


class App(BaseHTTPRequestHandler):
    """Reads its secret at every request: an application that restarts at once."""

    env = None

    def do_GET(self):
        secret = self.env.read_text().strip().split("=", 1)[1]
        cookie = self.headers.get("cookie", "").partition("connect.sid=")[2]
        known = cookie and cookie == signed(secret, cookie[2:].partition(".")[0])
        self.send_response(200 if self.path == "/health" or known else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def by_unleak(server, scratch, unleak):
    App.env = scratch / ".env"
    secret = hashlib.sha512(os.urandom(32)).hexdigest()
    App.env.write_text(f"SESSION_SECRET={secret}\n")
    (scratch / "cookie").write_text(f"connect.sid={signed(secret, 'known-session')}")
    app = ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{app.server_port}"
    state = scratch / f"state-{time.monotonic_ns()}"
    args = [unleak, "--state", state, "rotate", "--yes", "--target", f"env:{App.env}#SESSION_SECRET", "--reload", "true"]
    args += ["--health", f"{url}/health", "--probe", f"{url}/me", "--probe-cookie-from", f"file:{scratch}/cookie"]
    args += ["--store-from", "env:STORE", "--format", "json"]
    started = time.monotonic()
    done = subprocess.run(args, env={**os.environ, "STORE": server}, capture_output=True, text=True)
    seconds = time.monotonic() - started
    app.shutdown()
    if done.returncode not in (0, 6):
        raise SystemExit(f"unleak ended with {done.returncode}:\n{done.stderr}")
    report = json.loads(done.stdout)
    steps = {line["step"]: line["ms"] for line in report["timeline"] if line["event"] == "done" and line.get("step")}
    return seconds, report, steps, done.returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--unleak", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    times, blocked = {"by hand": [], "correct": [], "unleak": []}, []
    for writes in [False] * given.rounds + [True]:
        for name, taken in times.items():
            psql(given.server, *filter(None, (part.strip() for part in TABLE.format(rows=given.rows).split(";"))))
            writers = {kind: Writer(given.server, given.scratch, kind, given.rows) for kind in WRITES if writes}
            if name != "unleak":
                seconds = by_hand(given.server, given.scratch, name == "correct")
                more = ""
            else:
                seconds, report, steps, code = by_unleak(given.server, given.scratch, given.unleak)
                more = f" exit {code}, purged {[r['deleted'] for r in report['purges']]}, done at {steps}"
            for kind, writer in writers.items():
                worst, count = writer.worst()
                more += f" | longest {kind} {worst:.0f} ms of {count}"
                if name == "unleak" and worst > LONGEST_WAIT_MS:
                    blocked.append(f"{kind} waited {worst:.0f} ms")
            if not writers:
                taken.append(seconds)
            print(f"{name:8} {seconds:7.2f} s{more}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    best = {name: min(taken) for name, taken in times.items()}
    ratios = " and ".join(f"{best['unleak'] / best[name]:.2f} of {name}" for name in ["by hand", "correct"])
    print(f"ratio {ratios} (limit 1.5), largest child {peak:.0f} MiB (unleak, psql)")
    if blocked:
        raise SystemExit(f"unleak kept writers waiting for more than {LONGEST_WAIT_MS} ms: {', '.join(blocked)}")


main()
