#!/bin/sh
# Installs the embedded ClickHouse (chDB's libchdb.so) for winback.
#
#   deploy/engine/install.sh [DIR]
#
# DIR is where the library goes: .engine at the root of the repository unless
# given, ~/.local/share/winback/engine for one user, /usr/local/lib for all.
# npm fetches the version that package.json pins; the library's own sha512 is then
# compared with libraries.sha512. A stamp beside the
# library, engine.json, records what was checked, so running this again is quick.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
dir=${1:-$here/../../.engine}
name=libchdb.so

say() { printf '%s\n' "$*" >&2; }
die() { say "engine: $*"; exit 1; }

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) os=$(uname -s) ;;
esac
case $(uname -m) in
x86_64 | amd64) cpu=x64 ;;
aarch64 | arm64) cpu=arm64 ;;
*) cpu=$(uname -m) ;;
esac
platform=$os-$cpu

# The recorded sum also says which platforms were ever tried.
want=$(awk -v f="$platform/$name" '$2 == f { print $1 }' "$here/libraries.sha512")
[ -n "$want" ] || die "no library for $platform is recorded in deploy/engine/libraries.sha512; use a ClickHouse server instead (warehouse.url), or set WINBACK_ENGINE_LIBRARY to a libchdb of your own"
if [ "$os" = linux ] && ldd --version 2>&1 | grep -qi musl; then
	die "the library needs glibc and this system has musl: use a Debian, Ubuntu or Fedora image, or a ClickHouse server (warehouse.url)"
fi

case $platform in
linux-*) package=@chdb/lib-$platform-gnu ;;
*) package=@chdb/lib-$platform ;;
esac
# All platforms share the version that package.json pins for one of them.
version=$(sed -n 's/.*"@chdb\/lib-[^"]*": *"\([^"]*\)".*/\1/p' "$here/package.json" | head -n 1)
[ -n "$version" ] || die "package.json pins no version"

if command -v sha512sum >/dev/null; then
	sum() { sha512sum "$1" | cut -d ' ' -f 1; }
else
	sum() { shasum -a 512 "$1" | cut -d ' ' -f 1; }
fi
size() { wc -c <"$1" | tr -d ' '; }
modified() { stat -c %Y "$1" 2>/dev/null || stat -f %m "$1"; }
stamp() {
	printf '{\n  "version": "%s",\n  "sha512": "%s",\n  "size": %s,\n  "modified": %s\n}\n' \
		"$version" "$want" "$(size "$1")" "$(modified "$1")"
}

# Installed already? The stamp answers that; only if the file looks different
# from what was checked is it read again.
if [ -f "$dir/$name" ] && [ -f "$dir/engine.json" ]; then
	if stamp "$dir/$name" | cmp -s - "$dir/engine.json"; then
		exit 0
	fi
fi

finish() { # $1: a checked library inside $dir
	stamp "$1" >"$stage/engine.json"
	rm -f "$dir/engine.json"
	[ "$1" = "$dir/$name" ] || mv -f "$1" "$dir/$name"
	mv -f "$stage/engine.json" "$dir/engine.json"
	rm -rf "$stage"
	say "engine: $name $version is in $(CDPATH= cd -- "$dir" && pwd)"
}

mkdir -p "$dir" || die "can't make the folder $dir"
stage=$(mktemp -d "$dir/.install.XXXXXX") || die "can't write to $dir"
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT TERM HUP

if [ -f "$dir/$name" ] && [ "$(sum "$dir/$name")" = "$want" ]; then
	finish "$dir/$name"
	exit 0
fi

command -v npm >/dev/null || die "npm is needed to fetch the library: install Node.js with npm (apt-get install npm) and run this again"
say "engine: fetching $name $version for $platform (about 180 MB, 570 MB on disk)"
cp "$here/.npmrc" "$stage/"
quiet="--ignore-scripts --no-audit --no-fund --loglevel=error"
if grep -q "\"node_modules/$package\"" "$here/package-lock.json"; then
	cp "$here/package.json" "$here/package-lock.json" "$stage/"
	fetch="npm ci $quiet"
else
	# A lock made on one platform leaves the packages of the others out.
	echo '{"private": true}' >"$stage/package.json"
	fetch="npm install $quiet --no-package-lock $package@$version"
fi
(cd "$stage" && $fetch >&2) || die "npm could not fetch the library; see its message above, then run this again"

got=$stage/$name
mv "$stage/node_modules/$package/$name" "$got"
[ "$(sum "$got")" = "$want" ] || die "the library that was fetched is not the one recorded in deploy/engine/libraries.sha512; nothing was installed"
chmod 644 "$got"
finish "$got"
