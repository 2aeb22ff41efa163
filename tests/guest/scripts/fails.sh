#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# A start in which one service fails for good, under a real systemd: who waits, and for how long.
#
#   fails.sh user|system WHERE
mode=$1 where=$2
# shellcheck source=lib.sh
. /share/scripts/lib.sh

[ "$mode" = user ] || add_system_user
install -m 755 /share/scripts/worker /usr/local/bin/worker
install_program /share/light-gateway
[ "$mode" = system ] || as_owner mkdir -p "$(dirname "$config")"
[ "$mode" = user ] || install -d -o ai-gateway -g ai-gateway /etc/ai-gateway
install -o "$owner" -g "$owner" -m 600 /share/scripts/light.toml "$config"
printf '\n[service.broken]\ncommand = ["/nonexistent"]\n' >>"$config"
install_unit
# As the unit has it, but sooner.
install -d "$units/ai-gateway.service.d"
printf '[Unit]\nJobRunningTimeoutSec=15s\n' >"$units/ai-gateway.service.d/soon.conf"
ctl daemon-reload

said=$(gateway start 2>&1); code=$?
check 'ai-gateway start ends with 1' same 1 "$code"
check 'and says which service has failed' says 'broken has failed' printf %s "$said"
check 'the others are ready' is_status ready services steady state
check 'to systemd it is still starting' same activating "$(property ActiveState)"
main=$(property MainPID)
said=$(ctl start ai-gateway 2>&1); code=$?
check 'systemctl start ends as well' same 1 "$code"
check 'because its job timed out' says 'timed out' printf %s "$said"
check 'the daemon goes on' same "$main" "$(property MainPID)"
check 'and so does what is ready' is_status ready services steady state
sed -i '/^\[service.broken\]/,$d' "$config"
check 'once it is mended, a restart follows to the end' gateway restart
check 'and it is active' same active "$(property ActiveState)"
check 'another daemon is ready' not same "$main" "$(property MainPID)"

printf 'nonsense = 1\n' >"$config"
said=$(gateway restart 2>&1); code=$?
check 'a wrong configuration ends a restart with 78' same 78 "$code"
# shellcheck disable=SC2016 # The key stands between backquotes.
check 'and says what is wrong with it' says 'there is no key `nonsense`' printf %s "$said"
check 'and that nothing was restarted' says 'Nothing was restarted' printf %s "$said"
exit "$failed"
