# shellcheck shell=bash
# Installs system packages where apt can, and says what is missing where it cannot. Sourced by tests/run.

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
