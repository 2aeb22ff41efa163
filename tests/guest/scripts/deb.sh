#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The deb under a real systemd: installed, set up, started, upgraded while it runs, removed, purged.
#
#   deb.sh WHERE FIRST SECOND [NO_PYTHON]
#
# FIRST and SECOND are two revisions. With NO_PYTHON the machine's Python is too new: set-up has to say so.
mode=system where=$1 first=/share/$2 second=/share/$3 no_python=${4:-}
# shellcheck source=lib.sh
. /share/scripts/lib.sh
program=/usr/bin/ai-gateway
# shellcheck source=lib-real.sh
. /share/scripts/lib-real.sh

export DEBIAN_FRONTEND=noninteractive
# As root types it.
as_owner() { (cd / && runuser -u ai-gateway -- "$@"); }
of_gateway() { find / -xdev \( -path /proc -o -path /share -o -path /drive \) -prune -o -name '*ai-gateway*' -print; find /run -name '*ai-gateway*'; }
version() { dpkg-query -W -f '${Version}' ai-gateway; }
before=$(of_gateway)

# == install
check 'the deb is installed' dpkg -i "$first"
check 'nothing was started' same inactive "$(property ActiveState)"
check 'and nothing will be at the next boot' says disabled systemctl is-enabled ai-gateway
check 'no process is left of it' not pgrep -u ai-gateway
check 'systemd-analyze finds nothing to say about the unit' same '' \
  "$(systemd-analyze verify --man=no /lib/systemd/system/ai-gateway.service 2>&1)"
check 'nor about the unit for users' same '' \
  "$(XDG_RUNTIME_DIR=/run systemd-analyze verify --man=no --user /usr/lib/systemd/user/ai-gateway.service 2>&1)"
figure "$(systemd-analyze security --no-pager ai-gateway.service 2>&1 | tail -n 1)"

# == set up
install -o ai-gateway -g ai-gateway -m 600 /dev/stdin "$config" <<<'profile = "tiny"'
if [ -n "$no_python" ]; then
  check 'set-up says which Python it needs' says 'no Python from 3.11 to 3.12 was found' as_owner "$program" setup --yes
  check 'with an exit status that says so' not as_owner "$program" setup --yes
  check 'doctor says so too' says 'python' as_owner "$program" doctor
  check 'start says what is missing' not systemctl start ai-gateway
  check 'the journal names the way out' says 'ai-gateway setup' of_unit
  check 'a daemon that cannot start is not tried again for ever' same failed "$(property ActiveState)"
  systemctl reset-failed ai-gateway
else
  carry_payloads
  check 'set-up runs through' as_owner "$program" setup --yes
  check 'enable --now starts it' begun systemctl enable -q --now ai-gateway
  check 'all four are ready' all_four_ready
  check 'it runs as its own user' same ai-gateway "$(stat -c %U "/proc/$(property MainPID)")"
  check 'the demo model answers' says 'demo model' gateway ask 'Are you there?'
  check 'the unit is where the contract says' same "$unit_group" "$(property ControlGroup)"
  for name in $services; do
    check "$name has the limit that status tells" same "$(group_file "$name" memory.max)" "$(status_of services "$name" memory max)"
    check "$name was never out of memory" same 0 "$(event_count "$name" memory.events oom_kill)"
  done
  check 'journalctl -x explains' says 'and its process was launched' of_unit -x -t ai-gateway
  check 'nothing went wrong by the journal (-p err)' same '' "$(of_unit -p err -o cat)"
  check 'no secret is in the journal' not secret_in journal
  main=$(property MainPID)
fi
before_upgrade=$(cat "$config")
as_owner touch "$state/kept"

# == upgrade
check 'the next revision is installed' dpkg -i "$second"
check 'it is the next one' same 2 "$(version | sed 's/.*-//')"
check 'the configuration is kept' same "$before_upgrade" "$(cat "$config")"
check 'the state is kept' test -e "$state/kept"
if [ -n "$no_python" ]; then
  check 'nothing was started' same inactive "$(property ActiveState)"
else
  check 'what ran runs again, by the new program' not same "$main" "$(property MainPID)"
  check 'and everything is ready' within 600 all_four_ready
  check 'the demo model answers again' says 'demo model' gateway ask 'Are you still there?'
  members=$(cat "/sys/fs/cgroup$unit_group"/*/cgroup.procs)
fi

# == remove and purge
check 'it is removed' dpkg --remove ai-gateway
check 'the unit is gone' not systemctl cat ai-gateway
# shellcheck disable=SC2086
[ -n "$no_python" ] || check 'nothing is left running' same '' "$(ps -o pid=,args= -p "$(echo $members | tr ' ' ,)")"
check 'the state is kept' test -e "$state/kept"
[ -n "$no_python" ] || umount "$state/payloads"
check 'it is purged' dpkg --purge ai-gateway
check 'nothing is left' same "$before" "$(of_gateway)"
check 'its user is gone' not getent passwd ai-gateway
finish
