"""One look at very many sessions on PostgreSQL: a plan, a purge beside a writer, and every backup back again.

The writer does what applications do all the while: it touches sessions that are there, and lets somebody log in now and
then. Told is what it waited longest; it has a pause between two statements, so that it is a user and no load of its own.
"""

import os
import random
import subprocess
import threading
import time


class Writer(threading.Thread):
    """Touches and makes sessions until it is told to end."""

    def __init__(self, address, rows):
        super().__init__(daemon=True)
        self.rows, self.longest, self.asked, self.ended = rows, 0.0, 0, threading.Event()
        args = ["psql", "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", address]
        self.psql = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self):
        choose = random.Random(1)
        while not self.ended.is_set():
            self.asked += 1
            if self.asked % 10:
                sql = f"UPDATE session SET expires_at = expires_at + interval '1 s' WHERE id = {choose.randint(1, self.rows)};"
            else:
                sql = f"INSERT INTO session VALUES ({self.rows + self.asked}, 'login-{self.asked}', 1, now() + interval '1 day', 'x');"
            started = time.monotonic()
            self.psql.stdin.write(f"{sql} SELECT 1;\n")
            self.psql.stdin.flush()
            if not self.psql.stdout.readline():
                raise SystemExit("the writer's psql ended")
            self.longest = max(self.longest, time.monotonic() - started)
            time.sleep(0.005)

    def end(self):
        self.ended.set()
        self.join()
        self.psql.stdin.close()
        self.psql.wait()


def once(given, store, measured):
    store.fill()
    address, state = store.template, given.scratch / "state"
    env = {**os.environ, "HOME": str(given.scratch), "BENCH_STORE": address}
    before = int(store.sql(address, "SELECT count(*) FROM session;"))
    size = store.sql(address, "SELECT pg_size_pretty(pg_total_relation_size('session'));").strip()
    print(f"{before} sessions, {size} with indexes", flush=True)

    def unleak(what, *args, beside=False):
        writer = Writer(address, given.rows)
        if beside:
            writer.start()
        command = [given.unleak, "--state", str(state), "sessions", *args, "--store-from", "env:BENCH_STORE", *store.options]
        # 6: sessions arrived meanwhile, as they should.
        done = measured(command, store.pid, env=env, out=given.scratch / "said", fine=(0, 6) if beside else (0,))
        if beside:
            writer.end()
            done["waited"] = f", the writer waited {writer.longest * 1000:.0f} ms at most ({writer.asked} statements)"
        tell(what, done)
        return done

    unleak("purge --dry-run", "purge", "--dry-run")
    unleak("purge", "purge", "--yes", beside=True)
    left = int(store.sql(address, "SELECT count(*) FROM session;"))
    backups = sorted((state / "backups").glob("*.backup"))
    held = sum(path.stat().st_size for path in backups)
    print(f"  {left} left, all of which logged in meanwhile; {len(backups)} backups, {held >> 20} MiB", flush=True)
    store.sql(address, f"DELETE FROM session WHERE id > {given.rows};")
    args = [given.unleak, "--state", str(state), "sessions", "restore", *map(str, backups), "--yes", "--revive"]
    tell("restore", measured([*args, "--store-from", "env:BENCH_STORE", *store.options], store.pid, env=env))
    after = int(store.sql(address, f"SELECT count(*) FROM session WHERE id <= {given.rows};"))
    print(f"  {after} sessions are back" + ("" if after == before else f", of {before}"))
    store.sql(store.main, "DROP DATABASE filled WITH (FORCE);")


def tell(what, done):
    print(
        f"{what:16}{done['s']:8.1f} s, CPU {done['client']:.1f} s + server {done['server']:.1f} s, "
        f"peak {done['peak']:.0f} MiB{done.get('waited', '')}",
        flush=True,
    )
