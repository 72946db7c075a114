"""The hardening of a table of sessions under traffic: how long it takes, whether a statement of the application fails,
and the longest that one was blocked. Then, if asked for, how long a token is looked up among many.

The traffic is pgbench: logins, uses and look-ups by several clients at a bounded rate, each transaction logged. The
longest of a quiet minute before is told as well, since a busy machine makes everybody wait. Run by benches/schema/run.
"""

import argparse
import json
import os
import signal
import subprocess
import time
from pathlib import Path

TABLE = """
DROP TABLE IF EXISTS auth_sessions, users CASCADE;
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL);
INSERT INTO users (email) SELECT 'u' || n || '@example.org' FROM generate_series(1, 1000) n;
CREATE TABLE auth_sessions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id bigint NOT NULL REFERENCES users (id),
  refresh_token_hash varchar(64) NOT NULL, family_id uuid, user_agent text, ip inet,
  created_at timestamptz NOT NULL DEFAULT now(), last_used_at timestamptz, expires_at timestamptz NOT NULL, revoked_at timestamptz);
INSERT INTO auth_sessions (user_id, refresh_token_hash, user_agent, ip, created_at, expires_at)
  SELECT 1 + n % 1000, md5(n::text) || md5((-n)::text), 'Agent/' || n % 500, '10.0.0.0'::inet + n % 16000000,
    now() - n % 2592000 * interval '1 s', now() + interval '30 days' FROM generate_series(1, {rows}) AS n;
CREATE INDEX ON auth_sessions (refresh_token_hash);
VACUUM ANALYZE auth_sessions;
CHECKPOINT;
"""
TRAFFIC = {
    "login": "\\set n random(1, 1000)\nINSERT INTO auth_sessions (user_id, refresh_token_hash, user_agent, ip, expires_at) "
    "VALUES (:n, md5(random()::text), 'Agent/new', '10.9.9.9', now() + interval '1 day');\n",
    "use": "\\set n random(1, {rows})\nUPDATE auth_sessions SET last_used_at = now() WHERE refresh_token_hash = md5(:n::text) || md5((-:n)::text);\n",
    "look": "\\set n random(1, {rows})\nSELECT user_id, expires_at, revoked_at FROM auth_sessions WHERE refresh_token_hash = md5(:n::text) || md5((-:n)::text);\n",
}


def psql(server, *commands):
    # From standard input, each statement is a transaction of its own.
    args = ["psql", "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", server]
    text = ";\n".join(command.strip().rstrip(";") for command in commands) + ";\n"
    return subprocess.run(args, check=True, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


class Traffic:
    """pgbench in the background: one transaction a line of its logs."""

    def __init__(self, server, scratch, rows, rate):
        self.scratch = scratch / f"traffic-{time.monotonic_ns()}"
        self.scratch.mkdir()
        args = ["pgbench", "-n", "-c", "8", "-j", "2", "-R", str(rate), "-T", "36000", "--log", "--max-tries=1"]
        for name, text in TRAFFIC.items():
            (self.scratch / name).write_text(text.replace("{rows}", str(rows)))
            args += ["-f", f"{name}@{ {'login': 1, 'use': 4, 'look': 5}[name] }"]
        self.out = open(self.scratch / "out", "w", encoding="utf-8")
        self.process = subprocess.Popen([*args, server], cwd=self.scratch, stdout=self.out, stderr=subprocess.STDOUT)
        time.sleep(2)

    def end(self):
        """The number of transactions, the longest and the 99.9th of a hundred in ms, and what failed."""
        time.sleep(2)
        alive = self.process.poll() is None
        self.process.terminate()
        self.process.wait()
        self.out.close()
        lines = [line.split() for log in self.scratch.glob("pgbench_log.*") for line in log.read_text().splitlines()]
        # client, number, time in microseconds, script, second, microsecond, lag of the schedule: that is no waiting
        whole = [line for line in lines if len(line) >= 7]
        times = sorted((int(line[2]) - int(line[6])) / 1000 for line in whole if line[2].isdigit())
        failed = sum(not line[2].isdigit() for line in whole)
        said = [line for line in (self.scratch / "out").read_text().splitlines() if "error" in line.lower() or "abort" in line.lower()]
        if not alive:
            said.append("pgbench ended by itself")
        return {"transactions": len(times), "longest_ms": round(times[-1], 1), "p999_ms": round(times[int(len(times) * 0.999)], 1),
                "failed": failed, "errors": said[:5]}


def run(args, command, state, *more):
    env = {**os.environ, "HOME": str(args.scratch), "BENCH_STORE": args.server}
    started = time.monotonic()
    done = subprocess.run([args.unleak, "schema", command, "--store-from", "env:BENCH_STORE", "--state", state,
                           *(["--yes"] if command in ("apply", "rollback") else []), *more, "--format", "json"],
                          env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - started
    waits = done.stderr.count("others hold the lock")
    print(f"{command}: exit {done.returncode}, {seconds:.1f} s, a lock was tried again {waits} times", flush=True)
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:])
    return json.loads(done.stdout) if done.stdout else {}


def look_up(args, rows):
    """How the server finds a token among many in a table that unleak hardened, and in what time: its own words.

    Tokens are given to sessions as they are used. Here all get theirs at once, while no index has to be kept up: the
    apply is asked to stop where the first index is built, and goes on afterwards.
    """
    state = str(args.scratch / "state-look-up")
    psql(args.server, TABLE.replace("{rows}", str(rows)))
    stopped(args, state, "create index")
    psql(args.server, "UPDATE auth_sessions SET current_jti = gen_random_uuid()", "VACUUM ANALYZE auth_sessions")
    run(args, "apply", state, "--no-backup")
    psql(args.server, "VACUUM ANALYZE auth_sessions")
    run(args, "verify", state)
    jti = psql(args.server, "SELECT current_jti FROM auth_sessions OFFSET 5000 LIMIT 1").strip()
    query = f"SELECT user_id, family_id FROM auth_sessions WHERE current_jti = '{jti}' AND revoked_at IS NULL"
    for _ in range(3):
        plan = psql(args.server, f"EXPLAIN (ANALYZE, BUFFERS) {query}")
    print(f"a token among {rows}:\n{plan}")
    # What an operator asks in an incident.
    run(args, "status", state)


def stopped(args, state, at):
    """An apply that is asked to stop, as a terminal does it, once it comes to a step."""
    env = {**os.environ, "HOME": str(args.scratch), "BENCH_STORE": args.server}
    process = subprocess.Popen([args.unleak, "schema", "apply", "--store-from", "env:BENCH_STORE", "--state", state, "--yes", "--no-backup"],
                               env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    started = time.monotonic()
    for line in process.stderr:
        # A step is told as `7/30 create ...`, after the plan that names it as well.
        if at in line and "/" in line.split(at)[0]:
            process.send_signal(signal.SIGINT)
            asked = time.monotonic()
            break
    said = process.stderr.read()
    exit_code = process.wait()
    print(f"apply, stopped at `{at}`: exit {exit_code}, {time.monotonic() - started:.1f} s, {time.monotonic() - asked:.1f} s after Ctrl-C", flush=True)
    print(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--look-up", type=int, default=0, help="rows among which a token is looked up")
    parser.add_argument("--rate", type=int, default=300, help="transactions a second")
    parser.add_argument("--quiet", type=int, default=30, help="seconds of traffic before")
    parser.add_argument("--unleak", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    args = parser.parse_args()
    if args.rows:
        psql(args.server, TABLE.replace("{rows}", str(args.rows)))
        traffic = Traffic(args.server, args.scratch, args.rows, args.rate)
        time.sleep(args.quiet)
        print("before:", traffic.end(), flush=True)
        for command in ["apply", "verify", "rollback"]:
            traffic = Traffic(args.server, args.scratch, args.rows, args.rate)
            done = run(args, command, str(args.scratch / "state"))
            if command == "apply" and done:
                print("rows filled:", done["applied"]["rows_filled"])
            print(f"meanwhile: {traffic.end()}", flush=True)
    if args.look_up:
        look_up(args, args.look_up)


main()
