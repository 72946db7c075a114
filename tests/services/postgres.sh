# shellcheck shell=bash
# A PostgreSQL server of this run's own: a fresh cluster, a private port on loopback, a random password. Sourced by
# tests/run; sets UNLEAK_TEST_POSTGRES and UNLEAK_TEST_POSTGRES_BIN. A server that the machine already runs is never touched.

: "${root:?}" "${scratch:?}"
postgres_bin=''
postgres_data=''

postgres_find() {
  local folder
  # Debian keeps the server's programs out of PATH, one folder a version; the last one is the newest.
  for folder in "$(dirname "$(command -v initdb || echo /nowhere/initdb)")" /usr/lib/postgresql/*/bin; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then postgres_bin=$folder; fi
  done
  [ -n "$postgres_bin" ]
}

# PostgreSQL refuses to run as root; everybody else runs it as themselves.
postgres_as() {
  if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

postgres_start() {
  if [ -n "${UNLEAK_TEST_POSTGRES_MAJOR:-}" ]; then
    # shellcheck source=tests/services/postgres_majors.sh
    . "$root/tests/services/postgres_majors.sh"
    postgres_major "$UNLEAK_TEST_POSTGRES_MAJOR"
  fi
  [ -n "$postgres_bin" ] || postgres_find || { packages_install 'PostgreSQL (initdb, pg_ctl)' postgresql && postgres_find; } ||
    die 'PostgreSQL was installed but initdb is not in PATH nor in /usr/lib/postgresql'
  local home=$scratch/postgres password port try
  mkdir "$home"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  (umask 077 && printf '%s\n' "$password" >"$home/password")
  if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || die 'running as root needs the user "postgres", which PostgreSQL brings on Debian'
    chown -R postgres "$home"
  fi
  cd "$home" || die "$home vanished" # the user postgres may not read the folder we came from
  postgres_as "$postgres_bin/initdb" --pgdata=data --username=unleak --pwfile=password --auth=scram-sha-256 \
    --encoding=UTF8 --no-locale --no-sync >initdb.log 2>&1 || { cat initdb.log >&2; die 'initdb failed'; }
  postgres_data=$home/data
  # A port cannot be asked for beforehand, so a few are tried. fsync is off: this data lives for minutes.
  for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    if postgres_as "$postgres_bin/pg_ctl" start --pgdata=data --log=server.log --wait --silent \
      --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='$home' -c fsync=off" \
      >/dev/null 2>&1; then
      cd "$root" || die "$root vanished"
      export UNLEAK_TEST_POSTGRES_BIN=$postgres_bin
      export UNLEAK_TEST_POSTGRES="postgres://unleak:$password@127.0.0.1:$port/postgres"
      say "$("$postgres_bin/postgres" --version) listens on 127.0.0.1:$port"
      case ${UNLEAK_TEST_POSTGRES_MAJOR:-} in
        # Everybody may make things in the schema public there, which the hardening refuses; later ones are closed.
        13 | 14) psql -q "${UNLEAK_TEST_POSTGRES%/postgres}/template1" -c 'REVOKE CREATE ON SCHEMA public FROM PUBLIC' ;;
      esac
      return
    fi
    say "PostgreSQL did not start on port $port (try $try of 5)"
  done
  cat server.log >&2
  die 'PostgreSQL did not start'
}

postgres_stop() {
  [ -n "$postgres_data" ] && [ -e "$postgres_data/postmaster.pid" ] || return 0
  cd / && postgres_as "$postgres_bin/pg_ctl" stop --pgdata="$postgres_data" --mode=immediate --silent >/dev/null
}
