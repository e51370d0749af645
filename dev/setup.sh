#!/usr/bin/env bash
# Makes .build/venv with all tools, on the newest Python here that ansible-core runs on. `--python` only prints that Python.
set -eu
unset CDPATH
cd "$(dirname "$0")/.."

find_python() {
    local candidate
    for candidate in ${HOME:+"$HOME"/.pyenv/versions/3.13.*/bin/python "$HOME"/.pyenv/versions/3.12.*/bin/python} python3.13 python3.12 python3.11 python3; do
        # A pyenv shim of a Python that is not chosen exits with 127.
        if "$candidate" -c 'import sys, venv, ensurepip; assert (3, 11) <= sys.version_info[:2] <= (3, 13)' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.11, 3.12 or 3.13 with venv was found: install one of them (Debian: python3 python3-venv)." >&2
    exit 1
}

python=$(find_python)
if [ "${1:-}" = --python ]; then
    echo "$python"
    exit
fi
started=$(date +%s%N)
# A checkout may be anywhere, but ansible-test and scripts' first lines cannot do with a space, or with other letters than these.
is_plain() (
    LC_ALL=C
    case $PWD in *[!A-Za-z0-9/._+@=,%-]*) false ;; esac
)
if ! is_plain && [ ! -e .build ]; then
    elsewhere=$(mktemp -d "${TMPDIR:-/tmp}/vbem-rest-build.XXXXXXXX")
    ln -sfn "$elsewhere" .build
    echo "Tools cannot cope with the path of this checkout, so .build is a link to $elsewhere."
fi
mkdir -p .build
build=$(cd .build && pwd -P)
# Where the home cannot be written, or there is none, downloads are kept below .build.
caches=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
if [ -z "$caches" ] || ! mkdir -p "$caches" 2>/dev/null || [ ! -w "$caches" ]; then
    export HOME="$build/home" XDG_CACHE_HOME="$build/home/.cache"
    mkdir -p "$XDG_CACHE_HOME"
fi

echo "Setting up .build/venv with $("$python" --version) ..."
rm -rf "$build/venv"
"$python" -m venv "$build/venv"
pip=("$build/venv/bin/python" -m pip --disable-pip-version-check --quiet)
# uv is the faster installer, but reads no pip.conf: where it cannot reach an index, pip may.
if ! { "${pip[@]}" install uv && "$build/venv/bin/uv" pip install --quiet --python "$build/venv/bin/python" -r dev/requirements.txt; } 2>"$build/setup.log"; then
    "${pip[@]}" install -r dev/requirements.txt 2>>"$build/setup.log" || { cat "$build/setup.log" >&2; exit 1; }
fi
# For the tests: what is made of Ansible's modules, plugins and settings is kept (dev/keep_compiled.py).
mkdir "$build/venv/compiled"
packages=$("$build/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp dev/keep_compiled.py "$packages/"
echo 'import keep_compiled' >"$packages/keep_compiled.pth"
# What no Python package brings: a browser to look at the report with, and Java for ansible-rulebook. Only machines of CI get
# them unasked; elsewhere the tests that want them are skipped, and say so.
if [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    missing=()
    command -v chromium >/dev/null || missing+=(chromium)
    command -v java >/dev/null || missing+=(default-jre-headless)
    if [ "${#missing[@]}" -gt 0 ]; then
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
            >>"$build/setup.log" 2>&1 || echo "Could not be installed, so their tests are skipped: ${missing[*]} (.build/setup.log)"
    fi
fi
# What this took, for the table of dev/check.py: seconds, and seconds of CPU.
ended=$(date +%s%N)
times >"$build/setup.times"
awk -v wall=$((ended - started)) 'NR == 2 { split($0, part, /[ms ]+/); print wall / 1e9, 60 * (part[1] + part[3]) + part[2] + part[4] }' \
    "$build/setup.times" >"$build/setup.time"
touch "$build/venv/ready"
