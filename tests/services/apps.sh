# shellcheck shell=bash
# The packages of the applications in fixtures/, as their lockfiles and requirements say. Sourced by tests/run; sets
# UNLEAK_TEST_APPS to a folder with one folder an application, each with its node_modules, and UNLEAK_TEST_APPS_PYTHON
# to a Python with the packages of all others.

: "${cache:?}" "${scratch:?}"

apps_node_fits() {
  command -v npm >/dev/null && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(major >= 22 || (major === 20 && minor >= 9) || (major === 18 && minor >= 18) ? 0 : 1)' 2>/dev/null
}

apps_install() {
  apps_node
  apps_python
}

apps_python() {
  local folder own
  folder=$cache/apps-python-$(cat fixtures/*/requirements.txt | cksum | tr ' ' '-')
  export UNLEAK_TEST_APPS_PYTHON=$folder/bin/python3
  [ -d "$folder" ] && return
  command -v python3 >/dev/null || packages_install 'Python 3' python3 python3-venv
  say 'installing the Python packages of the applications'
  # As for the stores: made where it stays, and the link under the name that is looked for says that it is complete.
  own=$(mktemp -d "$folder.XXXXXX") || die "cannot keep Python packages in $cache"
  python3 -m venv "$own" >&2 || die 'python3 -m venv failed: on Debian, install python3-venv'
  cat fixtures/*/requirements.txt >"$own/requirements.txt"
  "$own/bin/pip" install --quiet --disable-pip-version-check --requirement "$own/requirements.txt" >&2 ||
    die 'pip could not install the packages of the applications'
  if ! ln -sn "$own" "$folder" 2>/dev/null; then
    rm -rf "$own"
    [ -d "$folder" ] || die "cannot keep Python packages in $cache"
  fi
}

apps_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    packages_install 'Node.js with npm' nodejs npm
  fi
  apps_node_fits || die "Node.js 18.18, 20.9 or 22 and newer is needed, this is $(node --version): install one of them"

  local key app name
  # One folder for each state of the lockfiles, so that a change never meets the packages of another branch.
  key=$(cat fixtures/*/package-lock.json | cksum | tr ' ' '-')
  export UNLEAK_TEST_APPS=$cache/apps-$key
  [ -d "$UNLEAK_TEST_APPS" ] && return
  mkdir "$scratch/apps"
  for app in fixtures/*/package-lock.json; do
    app=$(dirname "$app") name=$(basename "$app")
    say "installing the npm packages of $name"
    mkdir "$scratch/apps/$name"
    cp "$app/package.json" "$app/package-lock.json" "$app/.npmrc" "$scratch/apps/$name/"
    (cd "$scratch/apps/$name" && npm ci --omit=dev --loglevel=error >&2) || die "npm could not install the packages of $name"
  done
  # Renamed when complete: an interrupted run leaves nothing half-made. Another run may have been faster.
  [ -d "$UNLEAK_TEST_APPS" ] || mv "$scratch/apps" "$UNLEAK_TEST_APPS" || die "cannot keep npm packages in $cache"
}
