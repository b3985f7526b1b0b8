#!/bin/sh
# Starts PostgreSQL on PGDATA, made on first start. Each start gives the superuser and the role
# `airflow` the passwords of the files named by ADMIN_USERNAME_FILE, ADMIN_PASSWORD_FILE and
# AIRFLOW_PASSWORD_FILE, so the Secrets that are mounted there always hold.
set -eu

username=$(cat "$ADMIN_USERNAME_FILE")
socket=/tmp

if [ ! -d "$PGDATA" ]; then
    # Renamed when whole: a start that was killed halfway begins anew.
    rm -rf "$PGDATA.new"
    initdb --pgdata="$PGDATA.new" --username="$username" --pwfile="$ADMIN_PASSWORD_FILE" \
        --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256
    echo "host all all all scram-sha-256" >> "$PGDATA.new/pg_hba.conf"
    mv "$PGDATA.new" "$PGDATA"
fi

# A server for this container only; it must not log a statement that holds a password.
pg_ctl --silent --wait --pgdata="$PGDATA" start \
    -o "-c listen_addresses='' -c unix_socket_directories=$socket -c log_min_error_statement=panic"
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --host="$socket" --username="$username" \
    --dbname=postgres --file=/opt/postgresql/roles.sql
pg_ctl --silent --wait --pgdata="$PGDATA" --mode=fast stop

exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories="$socket" -c jit=off "$@"
