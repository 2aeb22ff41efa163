# shellcheck shell=bash
# Sourced by ./run: releases and repositories as a maintainer makes them, and some that are not as they should be.

# make_key FILE: a secret key of somebody.
make_key() {
  local home; home=$(mktemp -d)
  gpg --homedir "$home" --batch --quiet --passphrase '' --quick-generate-key 'Somebody <somebody@example.org>' ed25519 sign never 2>/dev/null
  gpg --homedir "$home" --batch --quiet --export-secret-keys >"$1"
  gpgconf --homedir "$home" --kill all
  rm -rf "$home"
}

# refused STATUS WORDS COMMAND...: it ends so and says that.
refused() {
  local wanted=$1 words=$2 status=0 said; shift 2
  said=$("$@" 2>&1) || status=$?
  if ! equal "$wanted" "$status" || ! grep -qF -- "$words" <<<"$said"; then
    printf '%s\n' "$said"
    return 1
  fi
}

# signed_by FILE RELEASE
signed_by() { gpgv --quiet --keyring "$(realpath "$1")" "$2/SHA256SUMS.sig" "$2/SHA256SUMS"; }

# releases FIRST SECOND DIR: of the packages of two revisions, into DIR.
releases() {
  local first=$1 second=$2 to=$3 key other
  key=$to/key other=$to/other
  make_key "$key"
  make_key "$other"
  check 'a release is made' packaging/release --key "$key" --output "$to/release.1" "$first"/*.deb "$first"/*.rpm
  check 'its list is signed' signed_by "$to/release.1/ai-gateway.gpg" "$to/release.1"
  # shellcheck disable=SC2016 # The inner shell's argument.
  check 'its files are as the list has them' sh -c 'cd "$1" && sha256sum --quiet --check SHA256SUMS' - "$to/release.1"
  check '... all but the list itself' equal "$(cd "$to/release.1" && ls -I 'SHA256SUMS*')" "$(awk '{ print $2 }' "$to/release.1/SHA256SUMS")"
  check 'its install.sh is a script of sh' dash -n "$to/release.1/install.sh"
  check 'the next release is made' packaging/release --key "$key" --output "$to/release.2" "$second"/*.deb "$second"/*.rpm
  check 'a release is not made again' refused 1 'a release is made once' \
    packaging/release --key "$key" --output "$to/release.1" "$first"/*.deb
  check 'a release has one package for a machine' refused 2 'a release has one of them' \
    packaging/release --key "$key" --output "$to/release.none" "$first"/*.deb "$second"/*.deb
  check 'a key that is none is refused' refused 1 'could not read a key' \
    packaging/release --key Cargo.toml --output "$to/release.none" "$first"/*.deb
  check 'a public key is refused' refused 1 'there is no secret key' \
    packaging/release --key "$to/release.1/ai-gateway.gpg" --output "$to/release.none" "$first"/*.deb
  check 'no key is refused' refused 2 'a release is signed' packaging/release "$first"/*.deb
  check 'an address that could not stand in a script is refused' refused 2 '--url takes a URL' \
    packaging/release --key "$key" --url "https://example.org/'" --output "$to/release.none" "$first"/*.deb
  check 'none of these leaves anything' equal '' "$(find "$to" -name 'release.none*' -o -name '.release*')"

  packaging/release --key "$key" --output "$to/release.rpm" "$first"/*.rpm >/dev/null
  packaging/release --key "$key" --url https://127.0.0.1:9/ai-gateway --output "$to/release.url" "$first"/*.deb >/dev/null
  packaging/release --key "$other" --output "$to/release.other" "$first"/*.deb >/dev/null
  cp -r "$to/release.1" "$to/release.list"
  echo "$(sha256sum <Cargo.toml | cut -d' ' -f1)  another.deb" >>"$to/release.list/SHA256SUMS"
  cp -r "$to/release.1" "$to/release.package"
  echo more >>"$(echo "$to"/release.package/*.deb)"
  repositories "$@"
}

# repositories FIRST SECOND DIR
repositories() {
  local first=$1 second=$2 to=$3
  check 'a repository is made' packaging/repository --key "$to/key" "$first" "$to/repository.1"
  cp -r "$to/repository.1" "$to/repository.2"
  check 'the next version is added' packaging/repository --key "$to/key" "$second" "$to/repository.2"
  check '... and the first one stays' equal 2 "$(grep -c '^Package: ' "$to/repository.2/dists/stable/main/binary-$(dpkg --print-architecture)/Packages")"
  check 'adding it again changes nothing' packaging/repository --key "$to/key" "$second" "$to/repository.2"
  mkdir "$to/same"
  cp "$first"/*.deb "$to/same/"
  echo more >>"$(echo "$to"/same/*.deb)"
  check 'another package of the same version is refused' refused 1 'raise the version or the revision' \
    packaging/repository --key "$to/key" "$to/same" "$to/repository.2"
  check 'a folder without debs is refused' refused 2 'there is no deb of ai-gateway' packaging/repository --key "$to/key" packaging "$to/repository.3"
  check 'no key is refused' refused 2 'a repository is signed' packaging/repository "$first" "$to/repository.3"
  check 'what was refused leaves nothing' equal '' "$(find "$to" -name 'repository.3' -o -name .new -o -name .old)"
  cp -r "$to/repository.2" "$to/repository.changed"
  sed -i 's/^Suite: stable/Suite: changed/' "$to/repository.changed/dists/stable"/{InRelease,Release}
  sed -n '/^Types: deb/,/^Signed-By/p' INSTALL.md >"$to/ai-gateway.sources"
  check 'INSTALL.md says how apt finds it' grep -q '^URIs: ' "$to/ai-gateway.sources"
}
