"""The stores: how each is filled, put back, counted, and cleaned up by hand.

One table for all: a token in each row, a tenth of them held by two rows of one user, and a tenth of the rows of users
who are gone. The tables are those of the dialect better-auth, the keys those of connect-redis.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from urllib.parse import urlsplit

DUPLICATES = (
    "SELECT d.id FROM (SELECT id, CASE WHEN count(*) OVER w = 1 THEN 1 WHEN min(user_id) OVER w = max(user_id) OVER w "
    "AND count(user_id) OVER w = count(*) OVER w THEN row_number() OVER (PARTITION BY token ORDER BY expires_at DESC, id DESC) "
    "ELSE 2 END AS n FROM session WHERE token IN (SELECT token FROM session GROUP BY token HAVING count(*) > 1) "
    "WINDOW w AS (PARTITION BY token)) AS d WHERE d.n > 1"
)
# What the procedure looks for first, and must not find at the end.
LOOK = {
    "purge": "",
    "dedupe": "SELECT count(*) FROM (SELECT token FROM session GROUP BY token HAVING count(*) > 1) AS d;",
    "orphans": "SELECT count(*) FROM session WHERE user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = user_id);",
}
WHICH = {
    "purge": "",
    "dedupe": f" WHERE id IN ({DUPLICATES})",
    "orphans": " WHERE user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = user_id)",
}


class Postgres:
    tasks, options = ("purge", "dedupe", "orphans"), ["--dialect", "better-auth"]

    def __init__(self, given, measured):
        self.given, self.measured = given, measured
        self.pid = given.pids.split(",")[0]
        base = given.postgres.rpartition("/")[0]
        self.main, self.template, self.address = given.postgres, f"{base}/filled", f"{base}/bench"

    def sql(self, url, text):
        args = ["psql", "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", url]
        return subprocess.run(args, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout

    def fill(self):
        rows = self.given.rows
        self.sql(self.main, "DROP DATABASE IF EXISTS filled WITH (FORCE); CREATE DATABASE filled;".replace("; ", ";\n"))
        index = "" if self.given.unindexed else "CREATE INDEX ON session (token);"
        self.sql(
            self.template,
            f"""CREATE TABLE users (id bigint PRIMARY KEY, email text);
            INSERT INTO users SELECT n, 'u' || n || '@example.org' FROM generate_series(1, {rows // 2}) n WHERE n % 10 <> 0;
            CREATE TABLE session (id bigint PRIMARY KEY, token varchar(64) NOT NULL, user_id bigint, expires_at timestamptz NOT NULL, data text);
            INSERT INTO session SELECT n, md5((n % ({rows} - {rows} / 10))::text) || md5((n % ({rows} - {rows} / 10) * 7)::text),
              1 + n % ({rows} - {rows} / 10) % ({rows} / 2), now() + (n % 86400 + 60) * interval '1 s', repeat('x', 200) FROM generate_series(1, {rows}) n;
            {index} CREATE INDEX ON session (expires_at); VACUUM ANALYZE session; VACUUM ANALYZE users; CHECKPOINT;""".replace(";", ";\n"),
        )

    def reset(self):
        self.sql(self.main, "DROP DATABASE IF EXISTS bench WITH (FORCE);\nCREATE DATABASE bench TEMPLATE filled STRATEGY file_copy;\nCHECKPOINT;\n")

    def count(self):
        return int(self.sql(self.address, "SELECT count(*) FROM session;"))

    def by_hand(self, task):
        backup = self.given.scratch / "by-hand"
        text = f"""BEGIN;
            SELECT count(*) FROM session; {LOOK[task]}
            \\copy (DELETE FROM session{WHICH[task]} RETURNING *) TO '{backup}'
            SELECT count(*) FROM session; {LOOK[task]}
            COMMIT;
            """
        done = self.measured(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", self.address], self.pid, text=text)
        backup.unlink()
        return done


class MariaDb:
    tasks, options = ("purge", "dedupe", "orphans"), ["--dialect", "better-auth"]

    def __init__(self, given, measured):
        self.given, self.measured = given, measured
        self.pid = given.pids.split(",")[1]
        self.address = f"{given.mariadb}/bench"
        at = urlsplit(given.mariadb)
        conf = given.scratch / "mariadb.cnf"
        conf.write_text(f"[client]\nuser={at.username}\npassword={at.password}\nhost={at.hostname}\nport={at.port}\n")
        conf.chmod(0o600)
        self.client = ["mariadb", f"--defaults-file={conf}", "--quick", "--batch", "--skip-column-names"]

    def sql(self, text, *args):
        return subprocess.run([*self.client, *args], input=text, text=True, check=True, stdout=subprocess.PIPE).stdout

    def fill(self):
        rows = self.given.rows
        self.index = "" if self.given.unindexed else ", KEY (token)"
        self.table = f"""(id bigint PRIMARY KEY, token varchar(64) NOT NULL, user_id bigint, expires_at datetime NOT NULL, data text,
            KEY (expires_at){self.index}) CHARACTER SET utf8mb4"""
        self.sql(
            f"""DROP DATABASE IF EXISTS filled; CREATE DATABASE filled; USE filled;
            CREATE TABLE users (id bigint PRIMARY KEY, email varchar(99));
            INSERT INTO users SELECT seq, concat('u', seq, '@example.org') FROM seq_1_to_{rows // 2} WHERE seq % 10 <> 0;
            CREATE TABLE session {self.table};
            INSERT INTO session SELECT seq, concat(md5(seq % ({rows} - {rows} DIV 10)), md5(seq % ({rows} - {rows} DIV 10) * 7)),
              1 + seq % ({rows} - {rows} DIV 10) % ({rows} DIV 2), utc_timestamp() + INTERVAL (seq % 86400 + 60) SECOND, repeat('x', 200) FROM seq_1_to_{rows};
            """
        )

    def reset(self):
        self.sql(
            f"""DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; USE bench; CREATE TABLE session {self.table};
            CREATE TABLE users (id bigint PRIMARY KEY, email varchar(99)); INSERT INTO users SELECT * FROM filled.users;
            INSERT INTO session SELECT * FROM filled.session; ANALYZE TABLE session, users;"""
        )

    def count(self):
        return int(self.sql("SELECT count(*) FROM session;", "bench"))

    def by_hand(self, task):
        backup = self.given.scratch / "by-hand"
        # One statement where the server takes it, which reads every row once.
        text = f"""SELECT count(*) FROM session; {LOOK[task]} START TRANSACTION; DELETE FROM session{WHICH[task]} RETURNING *; COMMIT;
            SELECT count(*) FROM session; {LOOK[task]}"""
        if task == "dedupe":
            text = f"""SELECT count(*) FROM session; {LOOK[task]} START TRANSACTION; CREATE TEMPORARY TABLE gone AS {DUPLICATES};
                SELECT s.* FROM gone STRAIGHT_JOIN session AS s ON s.id = gone.id FOR UPDATE;
                DELETE s FROM gone STRAIGHT_JOIN session AS s ON s.id = gone.id; COMMIT; SELECT count(*) FROM session;
                {LOOK[task]}"""
        done = self.measured([*self.client, "bench"], self.pid, text=text, out=backup)
        backup.unlink()
        return done


class Sqlite:
    tasks, options, pid = ("purge", "dedupe", "orphans"), ["--dialect", "better-auth"], None

    def __init__(self, given, measured):
        self.given, self.measured = given, measured
        self.template, self.file = given.scratch / "filled.db", given.scratch / "bench.db"
        self.address = f"sqlite://{self.file}"

    def fill(self):
        rows = self.given.rows
        db = sqlite3.connect(self.template)
        index = "" if self.given.unindexed else "CREATE INDEX by_token ON session (token);"
        db.executescript(
            f"""PRAGMA journal_mode = WAL; CREATE TABLE users (id integer PRIMARY KEY, email text);
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT {rows // 2})
              INSERT INTO users SELECT n, 'u' || n || '@example.org' FROM n WHERE n % 10 <> 0;
            CREATE TABLE session (id integer PRIMARY KEY, token text NOT NULL, user_id integer, expires_at integer NOT NULL, data text);
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT {rows})
              INSERT INTO session SELECT n, printf('%064d', n % ({rows} - {rows} / 10) * 7919), 1 + n % ({rows} - {rows} / 10) % ({rows} / 2),
                (unixepoch() + n % 86400 + 60) * 1000, printf('%.200c', 'x') FROM n;
            {index} CREATE INDEX by_end ON session (expires_at); ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);"""
        )
        db.close()

    def reset(self):
        for end in ["", "-wal", "-shm"]:
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)
        shutil.copyfile(self.template, self.file)
        os.sync()

    def count(self):
        db = sqlite3.connect(self.file)
        [(count,)] = db.execute("SELECT count(*) FROM session")
        db.close()
        return count

    def by_hand(self, task):
        backup = self.given.scratch / "by-hand.db"
        backup.unlink(missing_ok=True)
        # The rows to delete are found once, and gone is gone by their numbers.
        delete = "" if task == "purge" else " WHERE id IN (SELECT id FROM backup.session)"
        text = f"""SELECT count(*) FROM session; {LOOK[task]} ATTACH '{backup}' AS backup; BEGIN IMMEDIATE;
            CREATE TABLE backup.session AS SELECT * FROM main.session{WHICH[task].replace("FROM session", "FROM main.session")};
            DELETE FROM main.session{delete}; COMMIT; DETACH backup; SELECT count(*) FROM session; {LOOK[task]}"""
        done = self.measured(["sqlite3", "-bail", str(self.file)], None, text=text)
        backup.unlink()
        return done


class Redis:
    tasks = ("purge",)
    options = ["--dialect", "connect-redis"]

    def __init__(self, given, measured):
        self.given, self.measured = given, measured
        self.pid = given.pids.split(",")[2]
        self.address = f"{given.redis}/1"
        at = urlsplit(given.redis)
        self.env = {**os.environ, "REDISCLI_AUTH": at.password}
        self.cli = ["redis-cli", "-h", at.hostname, "-p", str(at.port), "-n", "1"]

    def fill(self):
        pass

    def reset(self):
        subprocess.run([*self.cli, "FLUSHDB"], check=True, env=self.env, stdout=subprocess.DEVNULL)
        cli = subprocess.Popen([*self.cli, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=self.env)
        for n in range(self.given.rows):
            payload = json.dumps({"cookie": {"originalMaxAge": 86400000, "httpOnly": True, "path": "/"}, "userId": n, "seen": "x" * 200})
            key = f"sess:{n * 2654435761 % 2**64:032x}"
            cli.stdin.write(f"*5\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${len(payload)}\r\n{payload}\r\n$2\r\nPX\r\n$8\r\n86400000\r\n".encode())
        cli.stdin.close()
        cli.wait()

    def count(self):
        return int(subprocess.run([*self.cli, "DBSIZE"], check=True, env=self.env, stdout=subprocess.PIPE).stdout)

    def by_hand(self, task):
        backup = self.given.scratch / "by-hand"
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "redis_by_hand.py")
        done = self.measured(["python3", here, self.address, str(backup)], self.pid, env=self.env)
        backup.unlink()
        return done


STORES = {"postgres": Postgres, "mariadb": MariaDb, "sqlite": Sqlite, "redis": Redis}
