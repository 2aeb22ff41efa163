#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# Both units on this systemd, as the program prints them for it.
#
#   verify.sh WHERE
where=$1
for mode in user system; do
  (
    # shellcheck source=lib.sh
    . /share/scripts/lib.sh
    [ "$mode" = system ] || useradd -m alice 2>/dev/null || true
    [ "$mode" = user ] || add_system_user
    install -m 755 /share/light-gateway /usr/local/bin/ai-gateway
    program=/usr/local/bin/ai-gateway
    as_anybody() { if [ "$mode" = user ]; then runuser -u alice -- env HOME=/home/alice "$@"; else runuser -u ai-gateway -- "$@"; fi; }
    mkdir -p "/run/units/$mode"
    as_anybody "$program" unit >"/run/units/$mode/ai-gateway.service"
    as_anybody "$program" unit --slice >"/run/units/$mode/ai-gateway.slice"
    silent() { local said; said=$("$@" 2>&1) || { echo "$said"; return 1; }; [ -z "$said" ] || { echo "$said"; return 1; }; }
    check "systemd-analyze finds nothing to say about the $mode unit" \
      silent env XDG_RUNTIME_DIR=/run systemd-analyze verify --man=no "--$mode" "/run/units/$mode/ai-gateway.service"
    printf '# %s, %s: %s\n' "$where" "$mode" "$(systemd-analyze security --offline=yes --no-pager "/run/units/$mode/ai-gateway.service" 2>&1 | tail -n 1)"
    exit "$failed"
  ) || bad=1
done
exit "${bad:-0}"
