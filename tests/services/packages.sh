# shellcheck shell=bash
# Installs system packages where apt can, and says what is missing where it cannot. Sourced by tests/run.

: "${cache:?}"
packages_updated=

# packages_install WHAT PACKAGE...: installs Debian packages; WHAT tells people on other systems what to install.
packages_install() {
  local what=$1 as_root=()
  shift
  command -v apt-get >/dev/null || die "$what is missing and there is no apt-get here: install it, then try again"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "$what is missing: as root, run apt-get install $*"
    as_root=(sudo)
  fi
  say "installing $* with apt"
  if [ -z "$packages_updated" ]; then
    "${as_root[@]}" apt-get update -qq >&2 || die "apt-get update failed, so $what cannot be installed"
    packages_updated=1
  fi
  # In the runlevel for maintenance no package starts its service: tests start their own, on loopback.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >&2 ||
    die "apt-get install $* failed, so there is no $what"
}

# packages_python WHAT REQUIREMENT...: a Python with these packages, kept between runs; prints its folder.
packages_python() {
  local what=$1 folder own
  shift
  folder=$cache/python-$(printf '%s\n' "$@" | cksum | tr ' ' '-')
  if [ ! -d "$folder" ]; then
    command -v python3 >/dev/null || packages_install 'Python 3' python3 python3-venv
    say "installing $what with pip: $*"
    # A virtual environment holds its own path, so it is made where it stays; the link under the name that is looked for
    # says that it is complete. Of two runs at once the second to end drops its own: a link is made once, and moves nothing.
    own=$(mktemp -d "$folder.XXXXXX") || die "cannot keep Python packages in $cache"
    python3 -m venv "$own" >&2 || die 'python3 -m venv failed: on Debian, install python3-venv'
    "$own/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 || die 'pip install failed'
    if ! ln -sn "$own" "$folder" 2>/dev/null; then
      rm -rf "$own"
      [ -d "$folder" ] || die "cannot keep Python packages in $cache"
    fi
  fi
  printf '%s\n' "$folder"
}
