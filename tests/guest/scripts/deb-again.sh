#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The machine of deb.sh, booted again: everything comes up by itself. Then the deb is upgraded while it runs,
# removed and purged.
#
#   deb-again.sh system WHERE FIRST SECOND
mode=$1 where=$2 second=/share/$4
# shellcheck source=lib.sh
. /share/scripts/lib.sh
# shellcheck source=lib-deb.sh
. /share/scripts/lib-deb.sh

check 'a boot brings it up' within 600 active
figure "ready $(ready_after_boot) s after boot"
check_the_stack 'Are you still there?'
check 'what was asked before is in the books' least 1 "$(spend_logs)"
check 'nothing went wrong by the journal (-p err)' same '' "$(of_unit -b -p err -o cat)"
main=$(property MainPID)
before_upgrade=$(cat "$config")

# == upgrade
check 'the next revision is installed' dpkg -i "$second"
check 'it is the next one' same 2 "$(version | sed 's/.*-//')"
check 'the configuration is kept' same "$before_upgrade" "$(cat "$config")"
check 'the state is kept' test -e "$state/kept"
check 'what ran runs again, by the new program' not same "$main" "$(property MainPID)"
check 'and everything is ready' within 600 all_four_ready
check 'the demo model answers again' says 'demo model' gateway ask 'Are you there again?'
members=$(cat "/sys/fs/cgroup$unit_group"/*/cgroup.procs)

# == remove and purge
check 'it is removed' dpkg --remove ai-gateway
check 'the unit is gone' not systemctl cat ai-gateway
# shellcheck disable=SC2086
check 'nothing is left running' same '' "$(ps -o pid=,args= -p "$(echo $members | tr ' ' ,)")"
check 'the state is kept' test -e "$state/kept"
check 'it is purged' dpkg --purge ai-gateway
check 'nothing is left' same "$(cat /var/tmp/before)" "$(of_gateway)"
check 'its user is gone' not getent passwd ai-gateway
finish
