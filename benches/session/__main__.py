"""Clean-up of many sessions against the fastest correct way by hand, on one server and in one run.

By hand is one transaction that counts, writes the deleted rows to a file, deletes them and counts again; of duplicates and
orphans it counts those too, before and after, as a written procedure asks for. Its file is plain and not synced, where
unleak's is encrypted, synced and read back. Rounds are interleaved and each begins with the
same table: what is told is the best of each, CPU seconds of client and server, and the client's memory.
Run by benches/session/run.
"""

import argparse
import os
import subprocess
import time
from pathlib import Path

from once import once
from stores import STORES

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """The CPU seconds of a server with its children, those that ended among them."""
    total = 0
    for stat in [Path(f"/proc/{pid}/stat"), *children(pid)]:
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own = stat.parent.name == str(pid)
        total += sum(int(field) for field in (fields[11:15] if own else fields[11:13]))
    return total / TICKS


def children(pid):
    try:
        return [Path(f"/proc/{child}/stat") for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def measured(args, pid, env=None, text=None, out=None, fine=(0,)):
    """Seconds, CPU seconds of the client and of the server, and the client's peak in MiB."""
    before, started = cpu_of(pid) if pid else 0, time.monotonic()
    stdin = subprocess.PIPE if text is not None else subprocess.DEVNULL
    with open(out or os.devnull, "wb") as target:
        process = subprocess.Popen(args, stdin=stdin, stdout=target, stderr=subprocess.PIPE, env=env)
        if text is not None:
            process.stdin.write(text.encode())
            process.stdin.close()
        said = process.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode not in fine:
        raise SystemExit(f"{args[0]} ended with {process.returncode}:\n{said[-2000:]}")
    server = cpu_of(pid) - before if pid else 0
    return {"s": seconds, "client": used.ru_utime + used.ru_stime, "server": server, "peak": used.ru_maxrss / 1024, "said": said}


def by_unleak(given, store, task, number):
    state = given.scratch / f"state-{number}"
    args = [given.unleak, "--state", str(state), "sessions", task, "--yes", "--store-from", "env:BENCH_STORE", *store.options]
    env = {**os.environ, "HOME": str(given.scratch), "BENCH_STORE": store.address}
    done = measured(args, store.pid, env=env, out=given.scratch / "said")
    subprocess.run(["rm", "-rf", str(state)], check=True)
    return done


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--unleak", required=True)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--mariadb", required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--pids", required=True)
    parser.add_argument("--store", default="postgres,mariadb,sqlite,redis")
    parser.add_argument("--task", default="purge,dedupe,orphans")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--unindexed", action="store_true", help="no index on the token")
    parser.add_argument("--once", action="store_true", help="only PostgreSQL: a plan, a purge beside a writer, and a restore, once")
    given = parser.parse_args()
    number = 0
    if given.once:
        once(given, STORES["postgres"](given, measured), measured)
        return
    for name in given.store.split(","):
        store = STORES[name](given, measured)
        store.fill()
        for task in given.task.split(","):
            if task not in store.tasks:
                continue
            results = {"by hand": [], "unleak": []}
            for _ in range(given.rounds):
                for way, list_ in results.items():
                    store.reset()
                    had = store.count()
                    done = store.by_hand(task) if way == "by hand" else by_unleak(given, store, task, number)
                    number += 1
                    done["deleted"] = had - store.count()
                    list_.append(done)
            tell(name, task, results)


def tell(name, task, results):
    best = {way: min(done, key=lambda one: one["s"]) for way, done in results.items()}
    for way, one in best.items():
        every = " ".join(f"{other['s']:.2f}" for other in results[way])
        print(
            f"{name:9}{task:8} {way:8}{one['s']:8.2f} s (of {every}) {one['deleted']} gone, {one['deleted'] / one['s']:.0f} a second, "
            f"CPU {one['client']:.2f} s + server {one['server']:.2f} s, peak {one['peak']:.0f} MiB"
        )
    cpu = {way: one["client"] + one["server"] for way, one in best.items()}
    if len({one["deleted"] for one in best.values()}) != 1:
        print("  the two deleted different numbers of sessions")
    print(f"  ratio {best['unleak']['s'] / best['by hand']['s']:.2f}, of CPU {cpu['unleak'] / cpu['by hand']:.2f}", flush=True)


main()
