#!/usr/bin/env bash
# fresh.sh — do both commands work for a newcomer? A bare Debian 12 in a folder, a clone of this checkout's HEAD in it, nothing else.
#
#   tests/fresh/fresh.sh [--keep FOLDER] root|user run              first_run.sh, as root or as an ordinary user with sudo
#   tests/fresh/fresh.sh [--keep FOLDER] root|user test [FILTER]    ./dev test
#
# By hand, as root: it needs debootstrap and Debian's and npm's servers. FOLDER keeps the Debian, with the packages that ./dev installed,
# for the next time (without it: a new one in /tmp, deleted at the end). Mounts and processes live in namespaces of their own, which end
# with this script: nothing can be deleted through a mount.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ ${1-} == inside ]]; then
    # In the namespaces, before the chroot.
    debian=$2 who=$3 clone=$4
    shift 4
    mount --make-rprivate /
    mount -t proc proc "$debian/proc"
    mount -t tmpfs -o mode=755 tmpfs "$debian/dev"
    mkdir -p "$debian/dev/shm" "$debian/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$debian/dev/pts"
    ln -s pts/ptmx "$debian/dev/ptmx"
    mount -t tmpfs -o mode=1777 tmpfs "$debian/dev/shm"
    for device in null zero full random urandom tty; do
        : >"$debian/dev/$device"
        mount --bind "/dev/$device" "$debian/dev/$device"
    done
    ln -s /proc/self/fd "$debian/dev/fd"
    ip link set lo up 2>/dev/null || true
    exec chroot "$debian" su - "$who" -c "cd '$clone' && $*"
fi

keep=
if [[ ${1-} == --keep ]]; then
    keep=$2
    shift 2
fi
((EUID == 0)) || { echo "fresh.sh: needs root" >&2 && exit 2; }
[[ ${1-} =~ ^(root|user)$ && ${2-} =~ ^(run|test)$ ]] || { sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "$0" >&2 && exit 2; }
kind=$1 verb=$2 filter=${3-}

debian=${keep:-$(mktemp -d /tmp/vibesync-fresh-XXXXXX)}
[[ -n $keep ]] || trap 'rm -rf --one-file-system "$debian"' EXIT
[[ -x $debian/usr/bin/apt-get ]] || debootstrap --variant=minbase bookworm "$debian" http://deb.debian.org/debian
cp /etc/resolv.conf "$debian/etc/resolv.conf"
cp -r /usr/local/share/ca-certificates/. "$debian/usr/local/share/ca-certificates/" 2>/dev/null || mkdir -p "$debian/usr/local/share/ca-certificates"

who=root home=/root
if [[ $kind == user ]]; then
    who=newcomer home=/home/newcomer
    [[ -d $debian$home ]] || {
        chroot "$debian" sh -c 'apt-get -q update && apt-get -y -q install --no-install-recommends sudo' >/dev/null
        chroot "$debian" useradd -m -s /bin/bash newcomer
        echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$debian/etc/sudoers.d/newcomer"
    }
fi
clone="$home/a clone"
rm -rf --one-file-system "${debian:?}$clone"
git clone -q "$root" "$debian$clone"
chroot "$debian" chown -R "$who:" "$clone"

command="tests/fresh/first_run.sh . 127.0.0.1:8440"
[[ $verb == run ]] || command="./dev test${filter:+ $(printf %q "$filter")}"
unshare --mount --pid --fork --kill-child bash "${BASH_SOURCE[0]}" inside "$debian" "$who" "$clone" "$command"
