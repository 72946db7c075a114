# shellcheck shell=bash
# What makes a network of its own for a test that needs another machine's address. Sourced by tests/run.

network_find() {
  # Debian keeps it out of the PATH of ordinary users.
  PATH=$PATH:/usr/sbin:/sbin
  command -v ip >/dev/null || packages_install 'ip' iproute2
  unshare --map-root-user --net ip link set lo up ||
    die 'no network of its own can be made here: allow user namespaces, then try again'
}
