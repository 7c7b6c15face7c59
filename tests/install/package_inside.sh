#!/usr/bin/env bash
# package_inside.sh — what package.sh does inside of the Debian, as root, beside the packages.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
unit=/usr/lib/systemd/system/vibesyncd.service
server=

fail() {
    echo "package: $*" >&2
    [[ ! -s server.log ]] || tail -n 20 server.log >&2
    exit 1
}

apt() {
    apt-get -q -y -o Dpkg::Options::=--force-confold "$@" >>apt.log 2>&1 || {
        tail -n 20 apt.log >&2
        fail "apt-get $*"
    }
}

# What a package may leave behind, without what dpkg, apt and adduser keep of everything that was ever there.
files() {
    find /etc /usr /var -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path '/var/lib/postgresql' \
        -o -path '/var/lib/systemd' -o -path /usr/share/doc \) -prune -o -print | grep -vE '^/etc/(passwd|group|shadow|gshadow|subuid|subgid|ld.so.cache|\.pwd.lock)-?$' | sort
}

# start — as the unit says: its user, its command, what systemd puts into %d.
start() {
    local command credentials=/run/credentials/vibesyncd.service source
    mkdir -p "$credentials"
    source=$(sed -n 's/^LoadCredential=admin-token://p' "$unit")
    command=$(sed -n 's/^ExecStart=//p' "$unit")
    install -o vibesync -m 400 "$source" "$credentials/admin-token"
    chmod 755 /run/credentials "$credentials"
    grep -qx 'User=vibesync' "$unit" || fail "the unit has another user"
    cd /
    # shellcheck disable=SC2086 # words of the unit
    setpriv --reuid=vibesync --regid=vibesync --init-groups ${command//%d/$credentials} >/root/packages/server.log 2>&1 &
    server=$!
    cd /root/packages
}

ready() {
    for ((i = 0; i < 300; i++)); do
        [[ $(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8440/readyz) != 200 ]] || return 0
        kill -0 "$server" || fail "vibesyncd ended"
        sleep 0.1
    done
    fail "vibesyncd is not ready: $(curl -s http://127.0.0.1:8440/readyz)"
}

stop() {
    kill -TERM "$server"
    wait "$server" || fail "vibesyncd ended with status $?"
}

apt-get -q update >apt.log
apt install libhttp-parser2.9 libjansson4 libuv1 libwslay1 libzstd1 zlib1g libpq5 # stay, whatever is removed
apt-mark manual libhttp-parser2.9 libjansson4 libuv1 libwslay1 libzstd1 zlib1g libpq5 >/dev/null
[[ -d /etc/postgresql/15/main ]] || pg_createcluster 15 main >/dev/null # debootstrap makes none
files >before
apt install ./vibesync_*.deb ./libvibesync0_*.deb ./libvibesync-dev_*.deb
[[ $(stat -c '%a %U:%G' /etc/vibesync/vibesyncd.conf) == '640 root:vibesync' ]] || fail "the settings can be read by others"
[[ $(stat -c '%a %U' /etc/vibesync/admin-token) == '600 root' ]] || fail "the token can be read by others"
[[ -L /etc/systemd/system/multi-user.target.wants/vibesyncd.service ]] || fail "the unit is not enabled"
runuser -u vibesync -- vibesyncd config check --config /etc/vibesync/vibesyncd.conf || fail "the settings are wrong"
for name in vibesync-crdt vibesync-client; do
    [[ -f $(dpkg -L libvibesync-dev | grep "/$name.pc$") ]] || fail "no $name.pc"
done

pg_ctlcluster 15 main start
# The commands of README.Debian, by its letter; where systemd is asked, this script is.
session=
while IFS= read -r command; do
    case $command in
        "systemctl start vibesyncd") start && ready ;;
        "vibesync session create"*) session=$(eval "$command --json" | sed -n 's/.*"url" *: *"\([^"]*\)".*/\1/p') ;;
        *) eval "$command" || fail "$command" ;;
    esac
done < <(zcat -f /usr/share/doc/vibesync/README.Debian* | sed -n 's/^    # //p')
[[ -n $session ]] || fail "README.Debian made no session"
export VIBESYNC_URL=$session
vibesync file create hello.txt
echo "typed on Debian" | vibesync type hello.txt
[[ $(curl -s http://127.0.0.1:8440/) == *'<script'* ]] || fail "the page is not served"
stop

token=$(cat /etc/vibesync/admin-token)
apt remove vibesync
[[ ! -e /usr/bin/vibesyncd && ! -e $unit ]] || fail "programs are still there"
[[ -f /etc/vibesync/vibesyncd.conf ]] || fail "removing took the settings away"
apt install ./vibesync_*.deb
[[ $(cat /etc/vibesync/admin-token) == "$token" ]] || fail "the token is another one"
start && ready
[[ $(vibesync cat hello.txt) == "typed on Debian" ]] || fail "the text is gone"
stop
apt install --reinstall ./vibesync_*.deb
apt purge vibesync libvibesync0 libvibesync-dev
files >after
diff before after >left || fail "left behind, or taken: $(cat left)"
echo "package: installed, served, removed, served again, purged"
