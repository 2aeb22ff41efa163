# shellcheck shell=bash
# Sourced by the tests of the packages: one line a check, and a count at the end.

passed=0 failed=0

title() { printf '\n-- %s (at %d s)\n' "$1" "$SECONDS"; }

# check WHAT COMMAND...: it has to succeed.
check() {
  local what=$1 said; shift
  if said=$("$@" 2>&1); then
    passed=$((passed + 1))
    printf 'ok      %s\n' "$what"
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n' "$what"
    printf '%s\n' "$said" | sed 's/^/        /'
  fi
}

# A command that has to fail.
fails() { ! "$@"; }

# equal WANTED SEEN
equal() {
  [ "$1" = "$2" ] || { printf 'wanted: %s\nseen:   %s\n' "$1" "$2"; return 1; }
}

# Both say nothing at all, overrides with their reasons aside.
lintian_is_content() {
  local said; said=$(lintian --display-info --pedantic "$1" 2>&1) || true
  equal '' "$(grep -v 'running with root privileges' <<<"$said")"
}

rpmlint_is_content() {
  local said; said=$(rpmlint --config packaging/rpm/rpmlint.toml "$1" 2>&1) || true
  grep -q '1 packages and 0 specfiles checked; 0 errors, 0 warnings' <<<"$said" || { printf '%s\n' "$said"; return 1; }
}

# Whether two lists of files are the same, but for what each format has in places of its own.
same_files() {
  local list
  for list; do
    sed -E 's,^/lib/,/usr/lib/,; s,vendor-completions,site-functions,
      s,(/doc/ai-gateway/.*\.(md|toml))\.gz$,\1,
      \,/(lintian|licenses)/,d; \,/doc/ai-gateway/(copyright|changelog),d; \,/doc/ai-gateway$,d' "$list" | sort >"$list.same"
  done
  diff "$1.same" "$2.same"
}

# requires RPM NAME...
requires() {
  local rpm=$1 name needed; shift
  needed=$(rpm -qp --requires "$rpm")
  for name; do grep -q "\b$name\b" <<<"$needed" || { printf '%s is not among: %s\n' "$name" "$needed"; return 1; }; done
}

finish() {
  printf '\n%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}
