# shellcheck shell=bash disable=SC2034,SC2154 # names that scripts give and take
# What the scripts share that install the deb.

program=/usr/bin/ai-gateway
# shellcheck source=lib-real.sh
. /share/scripts/lib-real.sh

export DEBIAN_FRONTEND=noninteractive
# As root types it.
as_owner() { (cd / && runuser -u ai-gateway -- "$@"); }
of_gateway() { find / -xdev \( -path /proc -o -path /share -o -path /drive \) -prune -o -name '*ai-gateway*' -print; find /run -name '*ai-gateway*'; }
version() { dpkg-query -W -f '${Version}' ai-gateway; }
