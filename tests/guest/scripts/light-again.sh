#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The machine of light.sh, booted again: nobody starts anything.
#
#   light-again.sh user|system WHERE
mode=$1 where=$2
# shellcheck source=lib.sh
. /share/scripts/lib.sh

active() { same active "$(property ActiveState)"; }
check 'a boot brings it up' within 60 active
check 'everything is ready' is_status ready state
check 'before the last shutdown it took leave' says 'everything is stopped' of_unit -b -1 -t ai-gateway
last_life() { of_unit -b -1 | awk '/ starts [0-9]+ services/ { said = "" } { said = said $0 "\n" } END { print said }'; }
check 'nobody had to be killed for it' not says 'Killing process' last_life
if [ "$mode" = user ]; then
  # light.sh has left a user manager that was given no cpu controller.
  lacks='the controllers cpu are not delegated'
  check 'status says what is not enforced' says "$lacks" gateway status --json
  check 'and what mends it' says 'systemctl edit user@.service' gateway status --json
  check 'the journal says it once' same 1 "$(of_unit -b -t ai-gateway | grep -c "$lacks")"
  check 'memory is limited all the same' same $((40000000 / 4096 * 4096)) "$(group_file hog memory.max)"
else
  check 'limits are enforced' is_status true limits enforced
fi
exit "$failed"
