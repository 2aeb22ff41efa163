# shellcheck shell=bash
# Sourced by ./quickstart and ./test: distribution packages, only when a program of theirs is missing.
#
# None of them may start a service or make a database cluster: the ports, the memory and the disk
# are not ours to take (policy-rc.d: 101 is "not allowed"; createcluster.conf(5)).

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need PACKAGE PROGRAM...: a program is a name on PATH or a pattern of files.
need() {
  local package=$1; shift
  local program
  for program; do
    compgen -G "$program" >/dev/null || command -v "$program" >/dev/null || {
      printf 'installing %s (for %s)\n' "$package" "$program"
      install_quietly "$package"
      return
    }
  done
}

install_quietly() {
  command -v apt-get >/dev/null || {
    printf 'error: %s is missing, and there is no apt-get to install it with: install it by hand\n' "$1" >&2
    return 1
  }
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || {
    printf 'error: %s is missing, and without sudo it cannot be installed: as root, apt-get install %s\n' "$1" "$1" >&2
    return 1
  }
  [ -n "${updated:-}" ] || { as_root apt-get update -qq; updated=yes; }
  local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/ai-gateway.conf
  local policy_is_ours='' failed=''
  [ -e "$policy" ] || {
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    policy_is_ours=yes
  }
  as_root mkdir -p "${cluster%/*}"
  printf 'create_main_cluster = false\n' | as_root tee "$cluster" >/dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null || failed=yes
  as_root rm "$cluster"
  [ -z "$policy_is_ours" ] || as_root rm "$policy"
  if [ -n "$failed" ]; then
    printf 'error: apt-get could not install %s: its own words are above\n' "$1" >&2
    return 1
  fi
}
