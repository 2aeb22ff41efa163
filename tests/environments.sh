# shellcheck shell=bash
# Sourced in the project's folder by ./test, benches/test and benches/campaign: folders that are made of
# the lock files and kept from one run to the next.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-gateway-test

# cached NAME LOCK COMMAND...: a folder that COMMAND has made of LOCK. It is made once for each content of
# the lock, so that only the first run is slow.
cached() {
  local name=$1 lock=$2; shift 2
  local folder; folder=$cache/$name-$(sha256sum "$lock" | cut -c1-16)
  [ -e "$folder/complete" ] || { rm -rf "$folder"; mkdir -p "$folder"; "$@" "$folder" "$lock"; touch "$folder/complete"; }
  printf '%s\n' "$folder"
}

# A Python with the packages of a lock.
tools_environment() { python3 -m venv "$1" && "$1/bin/pip" install -q --require-hashes -r "$2" >&2; }

# Where Cargo builds.
target_folder() {
  cargo metadata --locked --no-deps --format-version 1 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}
