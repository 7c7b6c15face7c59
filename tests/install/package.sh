#!/usr/bin/env bash
# package.sh CHECKOUT — the Debian packages on a bare Debian 12 with PostgreSQL: installed, set up by the letter of README.Debian, started
# as the unit says, removed, installed again, purged.
#
# As root, with Debian's servers at hand: debootstrap makes the Debian once, in .vibesync/debian.tar, and apt brings what the packages
# depend on. No systemd runs in a chroot, so package_inside.sh plays its part for one unit.
set -euo pipefail
cd "$1"
if ((EUID != 0)); then
    echo "NOT TESTED: the packages need root for a chroot" >&2
    exit 77
fi
./dev package

base=.vibesync/debian.tar
debian=$(mktemp -d /tmp/vibesync-package-XXXXXX)
trap 'rm -rf --one-file-system "$debian"' EXIT
if [[ ! -f $base ]]; then
    debootstrap --variant=minbase --include=postgresql-15,adduser,curl,ca-certificates bookworm "$debian" http://deb.debian.org/debian >"$debian.log"
    rm "$debian.log"
    tar -C "$debian" -cf "$base.new" .
    mv "$base.new" "$base"
else
    tar -C "$debian" -xf "$base"
fi
chmod 755 "$debian" # mktemp's folder is / for everybody in there
cp /etc/resolv.conf "$debian/etc/resolv.conf"
mkdir "$debian/root/packages"
cp build/package/*.deb tests/install/package_inside.sh "$debian/root/packages/"
unshare --mount --pid --fork --kill-child bash tests/fresh/fresh.sh inside "$debian" root /root/packages "bash package_inside.sh"
