# shellcheck shell=bash
# A MariaDB server of this run's own: a fresh data folder, a private port on loopback, a random password. Sourced by
# tests/run; sets UNLEAK_TEST_MYSQL. A server that the machine already runs is never touched.

: "${scratch:?}"
mariadb_pid=''

mariadb_find() {
  command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null
}

mariadb_start() {
  # The core packages bring the programs and no service.
  mariadb_find || { packages_install 'MariaDB (mariadbd, mariadb-install-db, mariadb)' mariadb-server-core mariadb-client-core && mariadb_find; } ||
    die 'MariaDB was installed but mariadbd, mariadb-install-db or mariadb is not in PATH'
  local home=$scratch/mariadb password port try as=()
  # A server that starts removes what it takes for its left-overs in the folder of temporary files: in a shared one also
  # the tables that another server is just sorting in, which fails their queries and may end that server.
  mkdir "$home" "$home/tmp"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  # It runs as root only when told so, and this data lives for minutes.
  [ "$(id -u)" -ne 0 ] || as=(--user=root)
  TMPDIR="$home/tmp" mariadb-install-db --no-defaults "${as[@]}" --datadir="$home/data" --auth-root-authentication-method=normal \
    --skip-test-db >"$home/install.log" 2>&1 || { cat "$home/install.log" >&2; die 'mariadb-install-db failed'; }
  for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    mariadbd --no-defaults "${as[@]}" --datadir="$home/data" --tmpdir="$home/tmp" --bind-address=127.0.0.1 --port="$port" \
      --socket="$home/socket" --pid-file="$home/pid" --innodb-flush-log-at-trx-commit=0 --skip-log-bin \
      --default-time-zone=+02:00 --max-connections=400 >"$home/log" 2>&1 &
    mariadb_pid=$!
    if mariadb_waits "$home"; then
      # From standard input, since argv can be read by everybody.
      printf "CREATE USER unleak@'%%' IDENTIFIED BY '%s'; GRANT ALL ON *.* TO unleak@'%%' WITH GRANT OPTION; DROP USER root@localhost;" "$password" |
        mariadb --no-defaults --socket="$home/socket" --user=root || die 'MariaDB did not take its user'
      export UNLEAK_TEST_MYSQL="mysql://unleak:$password@127.0.0.1:$port"
      say "$(mariadbd --version | sed 's/ for .*//') listens on 127.0.0.1:$port"
      return
    fi
    say "MariaDB did not start on port $port (try $try of 5)"
  done
  cat "$home/log" >&2
  die 'MariaDB did not start'
}

mariadb_waits() {
  local _
  for _ in $(seq 150); do
    if mariadb --no-defaults --socket="$1/socket" --user=root --execute='SELECT 1' >/dev/null 2>&1; then return; fi
    kill -0 "$mariadb_pid" 2>/dev/null || return 1
    sleep 0.2
  done
  return 1
}

mariadb_stop() {
  [ -n "$mariadb_pid" ] || return 0
  # One that ended by itself says why, and which statement it was at.
  kill "$mariadb_pid" 2>/dev/null || grep -A80 'got signal' "$scratch/mariadb/log" >&2 || true
}
