#!/bin/sh
# Starts redis-server for tests/client_library/bench.c and stops it: bench.sh PROGRAM [ROUNDS [SECONDS]]. QCACHE_SERVER names
# another server.
set -eu
program=$1
shift
directory=$(mktemp -d)
port=$((20000 + $$ % 10000))
server=${QCACHE_SERVER:-redis-server}
"$server" --port $port --dir "$directory" --save '' --appendonly no >"$directory/log" 2>&1 &
pid=$!
trap 'kill $pid; wait $pid || true; rm -r "$directory"' EXIT
until grep -q 'eady to accept connections' "$directory/log"; do
	kill -0 $pid
	sleep 0.05
done
"$program" $port "$@"
