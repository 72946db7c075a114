# shellcheck shell=bash
# The proxies in front of forward-auth. Sourced by tests/run; sets UNLEAK_TEST_NGINX and UNLEAK_TEST_CADDY to the
# programs, which the tests start themselves, each on a port and in a folder of its own.

proxies_find() {
  # Debian keeps nginx out of the PATH of ordinary users.
  PATH=$PATH:/usr/sbin
  if ! command -v nginx >/dev/null || ! command -v caddy >/dev/null; then
    packages_install 'nginx and Caddy' nginx-light caddy
  fi
  for proxy in nginx caddy; do
    command -v "$proxy" >/dev/null || die "$proxy was installed but is not in PATH"
  done
  UNLEAK_TEST_NGINX=$(command -v nginx)
  UNLEAK_TEST_CADDY=$(command -v caddy)
  export UNLEAK_TEST_NGINX UNLEAK_TEST_CADDY
}
