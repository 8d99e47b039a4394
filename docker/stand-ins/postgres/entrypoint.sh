#!/bin/bash
# The first start makes the database POSTGRES_DB of POSTGRES_USER with POSTGRES_PASSWORD.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -U "$POSTGRES_USER" --auth-host=scram-sha-256 --auth-local=peer --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\";" | postgres --single -j postgres >/dev/null
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
