#!/usr/bin/env bash
# container.sh CHECKOUT — the Dockerfile without an engine: each stage is a bare Debian in a folder, where its COPY, RUN, WORKDIR and USER are
# done as they stand. The last one must then have a vibesyncd that serves its page's settings as the image's user.
#
# As root, with Debian's and npm's servers at hand, and the Debian that package.sh made. node:22-bookworm-slim is that Debian with the
# project's own Node, and npm from npm.
set -euo pipefail
cd "$1"
if ((EUID != 0)) || [[ ! -f .vibesync/debian.tar ]]; then
    echo "NOT TESTED: the Dockerfile needs root for a chroot, and package.sh before it" >&2
    exit 77
fi
npm_version=10.9.4
work=$(mktemp -d /tmp/vibesync-container-XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
stage='' folder=/ user=root

in_stage() {
    unshare --mount --pid --fork --kill-child bash tests/fresh/fresh.sh inside "$work/$stage" "$user" "$folder" \
        "export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt; $1" # a company's proxy, as dev has it
}

from() {
    stage=${3-last} folder=/ user=root
    mkdir "$work/$stage"
    tar -C "$work/$stage" -xf .vibesync/debian.tar
    chmod 755 "$work/$stage" # / for everybody in there
    cp /etc/resolv.conf "$work/$stage/etc/"
    if [[ -d /usr/local/share/ca-certificates ]]; then
        mkdir -p "$work/$stage/usr/local/share/ca-certificates"
        cp -r /usr/local/share/ca-certificates/. "$work/$stage/usr/local/share/ca-certificates/"
    fi
    chroot "$work/$stage" update-ca-certificates >/dev/null 2>&1
    if [[ $1 == node:* ]]; then
        cp .vibesync/node/node_modules/node-linux-*/bin/node "$work/$stage/usr/local/bin/"
        npm install --silent --no-audit --no-fund --prefix "$work/$stage/usr/local/lib" "npm@$npm_version"
        ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/$stage/usr/local/bin/npm"
    fi
}

copy() {
    local source=$1 target=$work/$stage$2
    if [[ $source == --from=* ]]; then
        source=$work/${1#--from=}$2 target=$work/$stage$3
        mkdir -p "${target%/*}"
        cp -rT "$source" "$target"
    else
        mkdir -p "$target"
        git ls-files -coz --exclude-standard "$source" | tar --null --ignore-failed-read -cf - -T - | tar -xf - -C "$target" \
            --strip-components="$([[ $source == . ]] && echo 0 || echo 1)"
    fi
}

while read -r word rest; do
    echo "$stage: $word $rest" | cut -c1-120
    # shellcheck disable=SC2086 # words
    case $word in
        FROM) from $rest ;;
        COPY) copy $rest ;;
        RUN) in_stage "$rest" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2 && exit 1; } ;;
        WORKDIR) folder=$rest ;;
        USER) image_user=$rest ;;
        ENV) settings=$rest ;;
        ENTRYPOINT | CMD | EXPOSE | HEALTHCHECK | STOPSIGNAL) ;;
        *) echo "container: no idea what $word does" >&2 && exit 1 ;;
    esac
done < <(sed -z 's/\\\n */ /g' Dockerfile | grep -E '^[A-Z]')

in_stage "set -e; cd /
    for program in vibesyncd vibesync vibesync-load; do setpriv --reuid=$image_user --regid=$image_user --clear-groups \$program --version; done
    env $settings setpriv --reuid=$image_user --regid=$image_user --clear-groups vibesyncd config check --database postgresql:///vibesync
    test -f /usr/local/share/vibesync/web/index.html; curl --version >/dev/null"
echo "container: every stage was made, and its programs run as $image_user"
