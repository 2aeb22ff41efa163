#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The four real services, set up and started by systemd, without a network. The machine goes off
# while they run; real-again.sh looks at it when it is booted again.
#
#   real.sh user|system WHERE PROFILE [SECONDS]
#
# With SECONDS, so long everything is asked of it that people ask (soak.py).
mode=$1 where=$2 profile=$3 soak=${4:-}
# shellcheck source=lib.sh
. /share/scripts/lib.sh
# shellcheck source=lib-real.sh
. /share/scripts/lib-real.sh

[ "$mode" = user ] || add_system_user
install_program /share/ai-gateway
[ "$mode" = system ] || as_owner mkdir -p "$(dirname "$config")"
[ "$mode" = user ] || install -d -o ai-gateway -g ai-gateway /etc/ai-gateway /var/lib/ai-gateway
install -o "$owner" -g "$owner" -m 600 /dev/stdin "$config" <<<"profile = \"$profile\""
carry_payloads

check 'set-up needs no network' gateway setup --yes
install_unit
ctl daemon-reload
ctl enable -q ai-gateway.service
began=$SECONDS
check 'start succeeds' begun ctl start ai-gateway
figure "ready $((SECONDS - began)) s after systemctl start"
check 'all four are ready when start returns' all_four_ready

# == what people and programs see
check 'the page is there' says '<title>Open WebUI' curl -s http://127.0.0.1:3000/
check 'the demo model answers' says 'demo model' gateway ask 'Are you there?'
check 'a program is answered through nginx' says '"content":"This is the gateway' chat_as_program
check 'it is said once that limits are enforced' is_status true limits enforced

# == cgroups
tree=$(systemd-cgls --no-pager "$unit_group")
for name in supervisor postgres litellm open-webui nginx; do
  check "systemd-cgls shows $name" says "─$name" printf %s "$tree"
done
for name in postgres litellm open-webui nginx; do
  check "$name has the limit that status tells" same "$(group_file "$name" memory.max)" "$(status_of services "$name" memory max)"
  check "$name was never out of memory" same 0 "$(event_count "$name" memory.events oom_kill)"
done

# == journal
for line in 'postgres:ready to accept connections' 'litellm:Application startup complete' \
  'open-webui:Started server process' 'ai-gateway:everything is ready'; do
  check "journalctl -t ${line%%:*} shows its lines" says "${line#*:}" of_unit -t "${line%%:*}"
done
check 'nothing went wrong by the journal (-p err)' same '' "$(of_unit -p err -o cat)"
check 'logs shows them' says 'Application startup complete' gateway logs litellm -n 200
check 'no measure of the diet was skipped' is_status '[]' diet skipped
check 'no secret is in the journal' not secret_in journal
check 'no secret is in a command line' not secret_in command_lines
check 'no secret is in the status' not secret_in status

# == logout
main=$(property MainPID)
if [ "$mode" = user ]; then
  check 'somebody logs in and out' says 'State=active' runuser -l alice -c 'loginctl show-session self'
  # logind ends the manager of somebody who does not linger after ten seconds.
  sleep 12
  check 'a logout does not stop it' same "$main" "$(property MainPID)"
  check 'and everything is ready still' all_four_ready
fi

# == work
if [ -n "$soak" ]; then
  soak() {
    python3 /share/scripts/soak.py "$soak" "$state" "/sys/fs/cgroup$unit_group" >/run/soak 2>&1
    local status=$?
    cat /run/soak
    return "$status"
  }
  check "not one request fails in $soak s of everything that people ask" soak
  while IFS= read -r line; do figure "$line"; done </run/soak
  for name in $services; do
    check "$name was never restarted" is_status 0 services "$name" restarts
    check "$name was never out of memory meanwhile" same 0 "$(event_count "$name" memory.events oom_kill)"
    check "$name never waited for memory at its limit" most 0 "$(event_count "$name" memory.events oom)"
  done
  check 'nothing went wrong by the journal (-p err) meanwhile' same '' "$(of_unit -p err -o cat)"
fi
memory_figures
finish
