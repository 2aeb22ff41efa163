# shellcheck shell=bash
# Sourced by packaging/release and packaging/repository: a GnuPG that has the maintainers' key and no other.

# use_key KEY [USER]: KEY is a file with a secret key (as `gpg --export-secret-keys` writes it) or the home
# of a GnuPG that has one, USER says which of several. Sets $signer, the fingerprint. A file goes into a
# GnuPG home of its own, which forget_key removes.
use_key() {
  local key=$1 user=${2:-} keys
  gnupg_home=''
  if [ -d "$key" ]; then
    GNUPGHOME=$(realpath "$key")
  else
    [ -r "$key" ] || fail "the key $key cannot be read: --key takes a file with a secret key, or the home of a GnuPG"
    gnupg_home=$(mktemp -d)
    GNUPGHOME=$gnupg_home
  fi
  export GNUPGHOME
  [ -d "$key" ] || gpg --batch --quiet --import "$key" 2>"$gnupg_home/said" || {
    cat "$gnupg_home/said" >&2
    fail "GnuPG could not read a key from $key: its own words are above"
  }
  # In the order of gpg's --with-colons: a fingerprint follows its key, and subkeys have others.
  keys=$(gpg --batch --list-secret-keys --with-colons ${user:+"$user"} 2>/dev/null |
    awk -F: '$1 == "sec" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
  [ -n "$keys" ] || fail "there is no secret key in $key${user:+ for $user}: 'gpg --export-secret-keys --output FILE USER' writes one"
  [ "$(wc -l <<<"$keys")" = 1 ] || fail "there are several secret keys in $key: say with --user which one signs"
  signer=$keys
}

# Its agent was started by the commands above, for this home alone.
forget_key() {
  [ -n "${gnupg_home:-}" ] || return 0
  gpgconf --kill all 2>/dev/null || true
  rm -rf "$gnupg_home"
}

# sign ARGUMENT...: as gpg takes them.
sign() { gpg --batch --quiet --yes --local-user "$signer" --digest-algo SHA256 "$@"; }

# The public key, as apt, gpgv and sqv take it.
public_key() { gpg --batch --quiet --export-options export-minimal --export "$signer"; }
