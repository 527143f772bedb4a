#!/bin/bash
# Writes .sqlx/: what the query macros need to know of the schema, so that building needs no database.
#
#   migrations/prepare-sqlx.sh            writes .sqlx/ anew
#   migrations/prepare-sqlx.sh --check    says whether .sqlx/ is what the queries and the schema ask for; exit 1 if not
#
# Works without sqlx-cli: the macros themselves write the files when they are told where to. Uses the database in DATABASE_URL
# (migrated, as its owner); without one it makes a scratch cluster and removes it again. Nothing is downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
mode=${1:-write}
[[ $mode == write || $mode == --check ]] || { echo "usage: $0 [--check]" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/trunkline-sqlx.XXXXXX")
server=()
finish() {
    if [[ -f $work/data/postmaster.pid ]]; then
        "${server[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate -w stop > /dev/null 2>&1 || true
    fi
    rm -rf "$work"
}
trap finish EXIT

# A cluster of our own, reached through a socket in its own folder.
scratch_cluster() {
    bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1)
    [[ -n $bin && -x $bin/initdb ]] || { echo "prepare-sqlx: no PostgreSQL under /usr/lib/postgresql: install it, or set DATABASE_URL" >&2; exit 1; }
    mkdir -m 700 "$work/data"
    if [[ $(id -u) == 0 ]]; then
        # PostgreSQL refuses to run as root: in a user namespace we are somebody else, and the files stay ours.
        if unshare --user --map-user=1000 --map-group=1000 -- true 2> /dev/null; then
            server=(unshare --user --map-user=1000 --map-group=1000 --)
        else
            chown -R postgres: "$work"
            server=(setpriv --reuid=postgres --regid=postgres --clear-groups --)
        fi
    fi
    "${server[@]}" "$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync > "$work/log" 2>&1 \
        || { cat "$work/log" >&2; exit 1; }
    "${server[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w -o "-F -c listen_addresses='' -k $work/data" start > "$work/log" 2>&1 \
        || { cat "$work/log" "$work/data/log" >&2; exit 1; }
    local psql=("$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/data" -o /dev/null)
    sed "s/{owner_password}/'scratch'/; s/{login_password}/'scratch'/" migrations/bootstrap.sql | "${psql[@]}" -U postgres postgres
    "${psql[@]}" -U postgres -c 'CREATE DATABASE trunkline OWNER trunkline_owner' postgres
    local step
    for step in migrations/sql/*.sql; do
        "${psql[@]}" -U trunkline_owner --single-transaction -f "$step" trunkline
    done
    DATABASE_URL="postgres://trunkline_owner@${work//\//%2F}%2Fdata/trunkline"
}
[[ -n ${DATABASE_URL:-} ]] || scratch_cluster
export DATABASE_URL

# The macros run when their crate is compiled: make cargo believe that it changed, and then take that back, so that
# nothing else is built again for it.
mapfile -t crates < <(git grep -lE 'query(_as|_scalar)?(_unchecked)?!' -- '*.rs' | sed -E 's#/(src|tests|examples|benches)/.*##' | sort -u)
[[ ${#crates[@]} -gt 0 ]] || { echo "prepare-sqlx: no crate uses the macros" >&2; exit 1; }
mapfile -t sources < <(find "${crates[@]}" -name '*.rs' -not -path '*/target/*')
mkdir "$work/queries" "$work/tmp"
touch "$work/now"
stat -c '%y %n' "${sources[@]}" > "$work/stamps"
restore() {
    local day time zone file
    while read -r day time zone file; do
        # Whoever edited a file meanwhile wants it to be built.
        if [[ ! $file -nt $work/now && ! $file -ot $work/now ]]; then
            touch -c -d "$day $time $zone" "$file"
        fi
    done < "$work/stamps"
}
trap 'restore; finish' EXIT
touch -r "$work/now" "${sources[@]}"
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$work/queries SQLX_TMP=$work/tmp \
    cargo check --quiet --workspace --all-targets

if [[ $mode == --check ]]; then
    if ! diff -r "$root/.sqlx" "$work/queries" > "$work/diff" 2>&1; then
        cat "$work/diff" >&2
        echo "check: .sqlx is stale: run migrations/prepare-sqlx.sh" >&2
        exit 1
    fi
    echo "check: .sqlx is up to date ($(ls "$work/queries" | wc -l) queries)"
else
    rm -rf "$root/.sqlx"
    mkdir "$root/.sqlx"
    mv "$work/queries"/*.json "$root/.sqlx/"
    echo "prepare-sqlx: wrote $(ls "$root/.sqlx" | wc -l) queries to .sqlx"
fi
