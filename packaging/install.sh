#!/bin/sh
# Installs ai-gateway from a release: on Debian 12 and 13, Ubuntu 24.04 and 26.04, Fedora and its relatives.
#
#   install.sh [--yes] [--no-setup] [--releases URL|FOLDER] [--key FILE] [-- ARGUMENT...]
#
# It says what it will do, and asks before it does it. The package's signature and checksum are verified
# before it is installed; then set-up runs as the gateway's user. It can be run again.
#
#   --yes        Do not ask.
#   --no-setup   Install the package and nothing more.
#   --releases   Where the release is: a folder, or a URL (https, http, file). The variable
#                AI_GATEWAY_RELEASES says the same. A script that comes with a release knows it.
#   --key        The public OpenPGP key that the release has to be signed with, not armoured. A script
#                that comes with a release has it inside.
#   --           What follows goes to `ai-gateway setup`, for example: -- --profile tiny
#
# Exit codes: 0 done, 1 failed, 2 wrong usage, 77 not root, 130 interrupted.
#
# Everything is in functions and the last line calls them, so that a script whose download was cut off
# does nothing. It is POSIX sh, since Debian's sh is dash.
set -eu

# packaging/release fills these in: where the release will be, and the maintainers' public key (base64).
embedded_releases=''
embedded_key=''

say() { printf '%s\n' "$*"; }
note() { printf 'note: %s\n' "$*" >&2; }

# fail CODE WHAT: what failed, where, why, and what to do.
fail() {
  code=$1; shift
  printf 'error: %s\n' "$*" >&2
  exit "$code"
}

usage() {
  cat <<'USAGE'
install.sh [--yes] [--no-setup] [--releases URL|FOLDER] [--key FILE] [-- ARGUMENT...]

  --yes        do not ask
  --no-setup   install the package and nothing more
  --releases   where the release is: a folder, or a URL (https, http, file);
               the variable AI_GATEWAY_RELEASES says the same
  --key        the public OpenPGP key of the release, not armoured
  --           what follows goes to `ai-gateway setup`
USAGE
}

has() { command -v "$1" >/dev/null 2>&1; }

# read_os_release: sets $id, $family, $number and $system from os-release(5).
read_os_release() {
  release_file=/etc/os-release
  [ -r "$release_file" ] || release_file=/usr/lib/os-release
  [ -r "$release_file" ] ||
    fail 1 'this distribution is not known, because /etc/os-release is missing: INSTALL.md says how to install from source'
  # In a shell of its own: the file sets variables of any name.
  # shellcheck disable=SC1090 # It is the machine's own.
  id=$(. "$release_file" && printf '%s' "${ID:-}")
  # shellcheck disable=SC1090
  family=" $id $(. "$release_file" && printf '%s' "${ID_LIKE:-}") "
  # shellcheck disable=SC1090
  number=$(. "$release_file" && printf '%s' "${VERSION_ID:-}")
  # shellcheck disable=SC1090
  system=$(. "$release_file" && printf '%s' "${PRETTY_NAME:-$id $number}")
}

# What fits this machine: sets $format, $architecture and $pattern.
look_at_machine() {
  read_os_release
  supported='Debian 12 and 13, Ubuntu 24.04 and 26.04, Fedora, and RHEL 9 and 10 with their relatives'
  case $id-$number in
    debian-12* | debian-13* | ubuntu-24.04* | ubuntu-26.04*) format=deb ;;
    *)
      case $family in
        *' rhel '* | *' centos '*)
          case $number in
            9* | 10*) format=rpm ;;
            *) fail 1 "$system is not supported, according to $release_file: there are packages for $supported" ;;
          esac ;;
        *' fedora '*) format=rpm ;;
        *) fail 1 "$system is not supported, according to $release_file: there are packages for $supported. INSTALL.md says how to install from source" ;;
      esac ;;
  esac
  processor=$(uname -m)
  case $processor in
    x86_64 | amd64) deb_architecture=amd64 rpm_architecture=x86_64 ;;
    aarch64 | arm64) deb_architecture=arm64 rpm_architecture=aarch64 ;;
    *) fail 1 "there is no package for the processor $processor of this machine: there are packages for x86_64 and aarch64" ;;
  esac
  case $format in
    deb) pattern="^ai-gateway_[A-Za-z0-9.+~-]+_${deb_architecture}[.]deb\$" manager=apt-get ;;
    rpm) pattern="^ai-gateway-[A-Za-z0-9.+~^_-]+[.]${rpm_architecture}[.]rpm\$" manager=dnf ;;
  esac
  has "$manager" || fail 1 "$manager is missing on this $system, and the package cannot be installed without it: install $manager first"
}

# The first program that verifies an OpenPGP signature with nothing but a key. Why OpenPGP: each of these
# systems brings one such program, because its own packages are signed in this way, and the key is the one
# of the apt repository. apt depends on gpgv in Debian 12 and Ubuntu 24.04 and on sqv in Debian 13; Fedora
# has gpgv with GnuPG. openssl, which could verify a bare Ed25519 signature, is in none of the minimal images.
find_verifier() {
  verifier=''
  for program in gpgv sqv gpgv2; do
    if has "$program"; then verifier=$program; return; fi
  done
}

install_verifier() {
  case $format in
    deb) apt_get install gpgv ;;
    rpm) dnf install -y /usr/bin/gpgv </dev/null ;;
  esac || fail 1 'gpgv could not be installed, and the signature cannot be verified without it: the reason is above. Install gpgv by hand and run this again'
  find_verifier
  [ -n "$verifier" ] || fail 1 'the signature cannot be verified: neither gpgv nor sqv is on PATH. Install one of them and run this again'
}

# A machine that has just started updates its lists by itself: wait for the lock. What packages only
# recommend stays away: PostgreSQL would bring a mail server and other services, which start.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 --no-install-recommends "$@" </dev/null
}

# Where the release is, as a folder or a URL without a slash at its end.
choose_releases() {
  releases=${releases:-${AI_GATEWAY_RELEASES:-$embedded_releases}}
  [ -n "$releases" ] ||
    fail 2 'it is not known where the release is: name a folder or a URL with --releases, or in the variable AI_GATEWAY_RELEASES'
  case $releases in
    https://* | http://*) ;;
    file:///*) releases=${releases#file://} ;;
    *://*) fail 2 "$releases cannot be downloaded from: --releases takes a folder or a URL that begins with https://, http:// or file:///" ;;
    /*) ;;
    *) releases=$PWD/$releases ;;
  esac
  releases=${releases%/}
}

# fetch NAME: a file of the release into the folder $work.
fetch() {
  case $releases in
    /*)
      [ -r "$releases/$1" ] || fail 1 "$releases has no file $1 that can be read: name the folder of a release with --releases"
      cp "$releases/$1" "$work/$1" || fail 1 "$releases/$1 could not be copied to $work: the reason is above" ;;
    *)
      if has curl; then
        curl -fsSL --proto '=https,http' --retry 3 --connect-timeout 30 -o "$work/$1" "$releases/$1"
      elif has wget; then
        wget -q --tries=3 --timeout=30 -O "$work/$1" "$releases/$1"
      elif [ -x /usr/lib/apt/apt-helper ]; then
        # It belongs to apt, and so it is there where neither of the two is.
        /usr/lib/apt/apt-helper download-file "$releases/$1" "$work/$1" >/dev/null
      else
        fail 1 "$releases/$1 cannot be downloaded, because there is neither curl nor wget: install one of them and run this again"
      fi || fail 1 "$releases/$1 could not be downloaded: the reason is above. Look at the address and at the network, and run this again" ;;
  esac
}

# The public key into the file $work/key.
write_key() {
  if [ -n "$key_file" ]; then
    cp "$key_file" "$work/key" || fail 1 "the key $key_file could not be read: the reason is above. Name another with --key"
  elif [ -n "$embedded_key" ]; then
    printf '%s\n' "$embedded_key" | base64 -d >"$work/key" ||
      fail 1 'the key in this script cannot be decoded: the script is damaged. Download it again'
  else
    fail 2 'there is no key to verify the release with: take the install.sh that comes with the release, or name the key with --key'
  fi
}

verify_signature() {
  case $verifier in
    sqv) sqv --keyring "$work/key" "$work/SHA256SUMS.sig" "$work/SHA256SUMS" ;;
    *) "$verifier" -q --keyring "$work/key" "$work/SHA256SUMS.sig" "$work/SHA256SUMS" ;;
  esac >"$work/verified" 2>&1 || {
    cat "$work/verified" >&2
    fail 1 "the signature $releases/SHA256SUMS.sig is not valid for the key of this release: nothing was installed. Somebody has changed the files, or they are of another release: tell the maintainers"
  }
}

# The one package for this machine: sets $package and $wanted, its checksum.
choose_package() {
  found=$(awk -v pattern="$pattern" '{ name = $2; sub(/^\*/, "", name) } name ~ pattern { print $1, name }' "$work/SHA256SUMS")
  [ -n "$found" ] || {
    awk '{ print "  " $2 }' "$work/SHA256SUMS" >&2
    fail 1 "the release in $releases has no $format package for $processor; the list above is all it has. Use another release, or install from source"
  }
  [ "$(printf '%s\n' "$found" | wc -l)" -eq 1 ] || {
    printf '%s\n' "$found" >&2
    fail 1 "the release in $releases has several packages for $processor, which are listed above: a release has one. Tell the maintainers"
  }
  wanted=${found%% *} package=${found#* }
}

verify_package() {
  seen=$(sha256sum <"$work/$package")
  seen=${seen%% *}
  [ "$seen" = "$wanted" ] ||
    fail 1 "the checksum of $releases/$package is wrong: SHA256SUMS says $wanted, and it is $seen. Nothing was installed. The download is damaged or the file was changed: run this again, and if it stays so, tell the maintainers"
}

plan() {
  say "ai-gateway will be installed on this machine ($system, $processor):"
  say
  [ -n "$verifier" ] || say '  - install gpgv from the distribution, which verifies signatures'
  say "  - download SHA256SUMS, its signature and the $format from $releases"
  say '  - verify the signature, and then the checksum of the package'
  say "  - install the package and what it depends on (PostgreSQL, nginx, Python) with $manager;"
  say '    this starts no service'
  [ -n "$setup" ] || return 0
  say "  - run 'ai-gateway setup' as the user ai-gateway, which downloads LiteLLM and Open WebUI, and a Python"
  say '    for them where the distribution has none that fits'
}

# Standard input may be the script itself, so the answer comes from the terminal.
has_terminal() { (: </dev/tty) 2>/dev/null; }

ask() {
  [ -z "$yes" ] || return 0
  has_terminal || fail 2 'there is no terminal to ask on whether to go on: add --yes to go on without a question'
  printf '\nGo on? [y/N] ' >/dev/tty
  answer=''
  read -r answer </dev/tty || true
  case $answer in
    y | Y | yes | Yes | YES) say ;;
    *) say 'Nothing was changed.'; exit 0 ;;
  esac
}

# An old release has a valid signature for ever, and dnf would go back to it.
refuse_older() {
  older=''
  case $format in
    deb)
      # What was removed and not purged has a version as well, and nothing to go back from.
      there=$(dpkg-query -W -f '${db:Status-Status} ${Version}' ai-gateway 2>/dev/null) || return 0
      case $there in 'installed '*) there=${there#installed } ;; *) return 0 ;; esac
      offered=$(dpkg-deb -f "$work/$package" Version)
      ! dpkg --compare-versions "$offered" lt "$there" || older=yes ;;
    rpm)
      there=$(rpm -q --qf '%{VERSION}-%{RELEASE}' ai-gateway 2>/dev/null) || return 0
      offered=$(rpm -qp --qf '%{VERSION}-%{RELEASE}' "$work/$package" 2>/dev/null)
      [ "$(rpm --eval "%{lua:print(rpm.vercmp('$offered', '$there'))}")" != -1 ] || older=yes ;;
  esac
  [ -z "$older" ] || fail 1 "version $there of ai-gateway is installed, which is newer than $offered in $releases: nothing was changed. Take a newer release; to go back all the same, install the package by hand with $manager"
}

install_package() {
  case $format in
    deb)
      apt_get update || note 'apt-get update failed, for the reason above: going on with the lists that are there'
      apt_get install "$work/$package" ;;
    rpm) dnf install -y --setopt=install_weak_deps=False "$work/$package" </dev/null ;;
  esac || fail 1 "$manager could not install $package: the reason is above. Fix it and run this again; nothing has to be removed before"
}

# As root types it, but from a folder that the gateway's user can enter.
as_gateway() { (cd / && runuser -u ai-gateway -- ai-gateway "$@"); }

run_setup() {
  status=0
  if [ -n "$yes" ]; then
    as_gateway setup --yes "$@" </dev/null || status=$?
  else
    as_gateway setup "$@" </dev/tty || status=$?
  fi
  case $status in
    0) ;;
    130) exit 130 ;;
    *) fail 1 "the package is installed, but 'ai-gateway setup' ended with $status: the reason is above. Fix it, and run as root: runuser -u ai-gateway -- ai-gateway setup" ;;
  esac
}

clean_up() { [ -z "${work:-}" ] || rm -rf "$work"; }

# The package and nothing unsigned, in a folder that goes away however this ends.
download() {
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'printf "\ninterrupted: run this again to go on\n" >&2; exit 130' INT
  trap 'exit 143' TERM
  work=$(mktemp -d) || fail 1 'a folder for the download could not be made: the reason is above. TMPDIR names another place'
  # apt reads the package as a user of its own.
  chmod 755 "$work"
  [ -n "$verifier" ] || install_verifier
  write_key
  fetch SHA256SUMS
  fetch SHA256SUMS.sig
  verify_signature
  choose_package
  fetch "$package"
  verify_package
  refuse_older
}

main() {
  # Whatever root's own is: apt and the gateway's user read some of what is made here.
  umask 022
  yes='' setup=yes releases='' key_file='' work=''
  while [ $# -gt 0 ]; do
    case $1 in
      -y | --yes) yes=yes ;;
      --no-setup) setup='' ;;
      --releases | --key)
        [ -n "${2:-}" ] || fail 2 "$1 needs a value: install.sh --help says which"
        case $1 in --releases) releases=$2 ;; --key) key_file=$2 ;; esac
        shift ;;
      -h | --help) usage; exit 0 ;;
      --) shift; break ;;
      *) usage >&2; fail 2 "there is no option $1: the options are above" ;;
    esac
    shift
  done
  choose_releases
  look_at_machine
  [ "$(id -u)" -eq 0 ] ||
    fail 77 'installing a package needs root, and this is another user: run the same command with sudo, for example: sudo sh install.sh'
  find_verifier
  plan
  ask

  download
  say "$package is what the maintainers have signed."
  install_package
  [ -n "$setup" ] || {
    say 'Installed. The next step, as root: runuser -u ai-gateway -- ai-gateway setup'
    return 0
  }
  run_setup "$@"
  say
  say 'ai-gateway is installed and set up. To start it now and at each boot, and to see the first login, as root:'
  say '  systemctl enable --now ai-gateway'
  say '  ai-gateway key'
}

# In braces: a line that was cut off is none.
{ main "$@"; }
