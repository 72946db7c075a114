# shellcheck shell=bash
# Redis servers of this run's own on loopback: a single one with a password, and a cluster of three primaries. Sourced by
# tests/run; sets UNLEAK_TEST_REDIS and UNLEAK_TEST_REDIS_CLUSTER. A server that the machine already runs is never touched.

: "${scratch:?}"
redis_program=''
redis_pids=()

redis_find() {
  local name
  for name in redis-server valkey-server; do
    if command -v "$name" >/dev/null; then redis_program=$name; fi
  done
  [ -n "$redis_program" ]
}

# redis_one NAME OPTION...: starts a server in its own folder and sets redis_port. Nothing is ever saved.
redis_one() {
  local name=$1 folder=$scratch/redis-$1 try
  shift
  mkdir "$folder"
  # Passwords stand in a file and not in argv, which everybody can read.
  (umask 077 && printf '%s\n' "${redis_conf:-}" >"$folder/conf")
  # A port cannot be asked for beforehand, so a few are tried; 10000 above it is the bus of a cluster.
  for try in 1 2 3 4 5; do
    redis_port=$((20000 + RANDOM % 12000))
    "$redis_program" "$folder/conf" --port "$redis_port" --bind 127.0.0.1 --dir "$folder" --save '' --appendonly no --daemonize no \
      "$@" >"$folder/log" 2>&1 &
    redis_pids+=($!)
    if redis_waits "$folder/log" $!; then return; fi
    say "$redis_program did not start on port $redis_port (try $try of 5)"
  done
  cat "$folder/log" >&2
  die "$redis_program did not start ($name)"
}

redis_waits() {
  local _
  for _ in $(seq 100); do
    if grep -q 'Ready to accept connections' "$1"; then return; fi
    kill -0 "$2" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

redis_start() {
  # RUNLEVEL: Debian's package would start a server of its own.
  redis_find || { RUNLEVEL=1 packages_install 'Redis or Valkey (redis-server, redis-cli)' redis-server redis-tools && redis_find; } ||
    die 'Redis was installed but redis-server is not in PATH'
  local password nodes=() cli=redis-cli
  command -v redis-cli >/dev/null || cli=valkey-cli
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  redis_conf="requirepass $password" redis_one single --databases 200 # one for each test
  export UNLEAK_TEST_REDIS="redis://:$password@127.0.0.1:$redis_port"
  for _ in 1 2 3; do
    redis_one "cluster-${#nodes[@]}" --cluster-enabled yes --cluster-config-file nodes.conf
    nodes+=("127.0.0.1:$redis_port")
  done
  "$cli" --cluster create "${nodes[@]}" --cluster-yes >"$scratch/redis-cluster.log" 2>&1 ||
    { cat "$scratch/redis-cluster.log" >&2; die 'the Redis cluster was not formed'; }
  export UNLEAK_TEST_REDIS_CLUSTER="redis://${nodes[0]},${nodes[1]}"
  say "$("$redis_program" --version | cut -c1-30) listens on loopback, alone and as a cluster"
}

redis_stop() {
  [ ${#redis_pids[@]} -eq 0 ] || kill "${redis_pids[@]}" 2>/dev/null || true
}
