#!/usr/bin/env bash
# first_run.sh CHECKOUT ADDR:PORT — what a newcomer does with a clone: ./dev run, something typed, Ctrl-C, and ./dev run again.
#
#   start ─▶ greeted ─▶ type ─▶ Ctrl-C: status 0, nothing left running ─▶ start in seconds ─▶ the text is there ─▶ Ctrl-C
#   database by ./dev db ─▶ start with --database ─▶ type ─▶ Ctrl-C: that database goes on ─▶ stop it
#
# fresh.sh runs it on a bare Debian, as root and as a user; the ctest dev_run (--long) in a copy of this checkout.
set -euo pipefail
set -m # each job a process group of its own, which Ctrl-C reaches as a whole

checkout=$1 listen=$2
cd "$checkout"
log=$(mktemp)
run_pid=
trap '[[ -z $run_pid ]] || kill -TERM "$run_pid" 2>/dev/null; rm -f "$log"' EXIT

fail() {
    printf 'first_run: %s\n' "$*" >&2
    cat "$log" >&2
    exit 1
}

# start SECONDS [OPTION…] — ./dev run in the background, until it has greeted; `took` is how long that was.
start() {
    local begin=$SECONDS limit=$1
    shift
    : >"$log" # before, not by the job: the greeting of the run before still stands in it
    ./dev run --listen "$listen" "$@" >"$log" 2>&1 </dev/null &
    run_pid=$!
    until grep -q 'Ctrl-C stops everything' "$log"; do
        kill -0 "$run_pid" 2>/dev/null || fail "./dev run ended before it greeted"
        ((SECONDS - begin < limit)) || fail "./dev run did not greet within $limit s"
        sleep 0.2
    done
    took=$((SECONDS - begin))
}

# Ctrl-C, as the terminal sends it.
stop() {
    local status=0 server
    server=$(sed -n 's/.*vibesyncd \([0-9]*\)$/\1/p' .vibesync/run.lock)
    kill -INT -- "-$run_pid"
    wait "$run_pid" || status=$?
    run_pid=
    ((status == 0)) || fail "./dev run ended with status $status"
    ! kill -0 "$server" 2>/dev/null || fail "vibesyncd still runs"
}

cluster_runs() {
    ./dev db url >/dev/null 2>&1
}

type_line() {
    (
        # shellcheck source=/dev/null
        . .vibesync/demo.env
        echo "$1" | vibesync type hello.txt
        [[ $(vibesync cat hello.txt) == *"$1" ]]
    ) || fail "a line could not be typed"
}

start 1800
first=$took
[[ $(stat -c %a .vibesync/admin-token .vibesync/demo.env .vibesync/demo.json | sort -u) == 600 ]] || fail "others can read the secrets"
grep -q 'open this in two windows' "$log" || fail "there is no page"
type_line "typed by a newcomer"
if ./dev run --listen "$listen" >/dev/null 2>&1 </dev/null; then
    fail "a second ./dev run in the same checkout was let in"
fi
stop
! cluster_runs || fail "PostgreSQL still runs"

start 120
second=$took
(
    # shellcheck source=/dev/null
    . .vibesync/demo.env
    [[ $(vibesync cat hello.txt) == "typed by a newcomer" ]]
) || fail "the text is gone after a second start"
stop

# A database of somebody else, reached by TCP and password; here the same cluster plays that part.
admin=$(./dev db start | tail -n 1)
admin=${admin/vibesync_owner@/postgres@}
psql "$admin" -Xq -c "create role newcomer login createrole password 'a word'" -c 'create database elsewhere owner newcomer'
database="postgresql://newcomer:a%20word@127.0.0.1:${admin##*port=}/elsewhere"
for attempt in first second; do
    start 120 --database "$database"
    grep -q 'the one of --database' "$log" || fail "--database was not taken"
    type_line "typed elsewhere, $attempt"
    stop
done
[[ $(psql "$admin" -XAtc "select count(*) > 0 from pg_roles where rolname like 'vibesync\_%' and not rolsuper") == t ]] || fail "no role of the server's"
[[ $(psql "${admin/\/vibesync?/\/elsewhere?}" -XAtc 'select count(*) from coding_sessions') == 1 ]] || fail "the session is not elsewhere"
cluster_runs || fail "a database that was started before is gone after Ctrl-C"
./dev db stop
! cluster_runs || fail "./dev db stop did not stop it"
echo "first_run: greeted after $first s, the second time after $second s, as $(id -un)"
