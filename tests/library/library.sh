#!/bin/bash
# library.sh BUILD — the engine as others get it: installed, found by pkg-config and by CMake, shared and static, with the program
# of crdt/README.md; and nothing is exported that no public header declares.
set -euo pipefail
build=$1
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component crdt --prefix "$work/prefix" >"$work/install.log"
program=$build/crdt/readme_example.c
export PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
read -ra flags < <(pkg-config --cflags --libs vibesync-crdt)

fail() {
    echo "library: $*" >&2
    exit 1
}

cc -std=c11 -Wall -Wextra -Werror "$program" -o "$work/shared" "${flags[@]}"
[[ $(ldd "$work/shared") == *libvibesync-crdt.so.0* ]] || fail "not linked to the shared library"
[[ $(LD_LIBRARY_PATH=$work/prefix/lib "$work/shared") == 'hello world = hello world' ]] || fail "the shared library says something else"

read -ra cflags < <(pkg-config --cflags vibesync-crdt)
cc -std=c11 "${cflags[@]}" "$program" "$work/prefix/lib/libvibesync-crdt.a" -o "$work/static"
[[ $("$work/static") == 'hello world = hello world' ]] || fail "the static library says something else"

mkdir "$work/consumer"
cp "$here/consumer.cmake" "$work/consumer/CMakeLists.txt"
cp "$program" "$work/consumer/program.c"
cmake -G Ninja -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/cmake.log" || fail "$(cat "$work/cmake.log")"
cmake --build "$work/consumer/build" >"$work/cmake.log" || fail "$(cat "$work/cmake.log")"
for kind in shared static; do
    [[ $("$work/consumer/build/$kind") == 'hello world = hello world' ]] || fail "the CMake package's $kind library says something else"
done

count=0
while read -r symbol; do
    count=$((count + 1))
    grep -rqE "\b$symbol\b" "$work/prefix/include" || fail "$symbol is exported, but no public header declares it"
done < <(nm -D --defined-only "$work/prefix/lib/libvibesync-crdt.so" | awk '{ print $3 }')
((count > 50)) || fail "only $count symbols are exported"
needed=$(objdump -p "$work/prefix/lib/libvibesync-crdt.so" | awk '/NEEDED/ { print $2 }' | tr '\n' ' ')
[[ $needed == "libc.so.6 " ]] || fail "it needs more than libc: $needed"
echo "library: $count symbols, shared and static, by pkg-config and by CMake"
