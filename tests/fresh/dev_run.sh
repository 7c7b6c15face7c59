#!/usr/bin/env bash
# dev_run.sh CHECKOUT — first_run.sh in a copy of CHECKOUT as it is, in a folder with a blank in its name; everything is deleted again.
set -euo pipefail

folder=$(mktemp -d)
copy="$folder/a copy"
mkdir "$copy"
finish() {
    (cd "$copy" && ./dev db reset </dev/null)
    rm -rf "$folder"
}
trap finish EXIT
cd "$1"
git ls-files -coz --exclude-standard | tar --null --ignore-failed-read -cf - -T - | tar -xf - -C "$copy"
[[ ! -d .vibesync/node ]] || { mkdir -m 700 "$copy/.vibesync" && cp -r .vibesync/node "$copy/.vibesync/"; } # fetched once is enough
"$copy/tests/fresh/first_run.sh" "$copy" "127.0.0.1:$((20000 + RANDOM % 12000))"
