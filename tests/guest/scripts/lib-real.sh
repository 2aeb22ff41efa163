# shellcheck shell=bash disable=SC2154 # names that lib.sh gives
# What the scripts share that run the four real services.

services='postgres litellm open-webui nginx'

# LiteLLM, Open WebUI and the query engine come on a drive: what set-up would have downloaded.
carry_payloads() {
  as_owner mkdir -p "$state"
  if [ "$mode" = user ]; then
    as_owner ln -s /drive "$state/payloads"
  else
    # The system's unit may write below its state and nowhere else; Open WebUI writes its page's
    # pictures anew at each start.
    # With their times, by which Python knows whether its bytecode is that of its source.
    cp -a /drive "$state/payloads"
    chown -R "$owner:" "$state/payloads"
  fi
}

# A figure for whoever reads along; no check.
figure() { printf '# %s: %s\n' "$where" "$*"; }

active() { same active "$(property ActiveState)"; }

# The wait for a start is over after five minutes, on whatever machine; the start goes on.
begun() { "$@" || within 600 active; }

all_four_ready() {
  local name
  for name in $services; do is_status ready services "$name" state || return 1; done
  is_status ready state
}

memory_figures() {
  local name
  for name in $services; do
    figure "$name holds $(megabytes "$(group_file "$name" memory.current)"), at most" \
      "$(megabytes "$(status_of services "$name" memory peak)") of $(megabytes "$(group_file "$name" memory.max)") MB"
  done
}

megabytes() { if [ "$1" -ge 0 ] 2>/dev/null; then echo $(($1 / 1000000)); else echo '?'; fi; }

# By the kernel's clock, which begins with the boot.
ready_after_boot() {
  of_unit -b -t ai-gateway -o json | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
print(next(int(line["__MONOTONIC_TIMESTAMP"]) // 1000000 for line in lines if line["MESSAGE"] == "everything is ready"))'
}

chat_as_program() {
  # By a file, so that the key is in no command line.
  curl -s http://127.0.0.1:3000/api/litellm/v1/chat/completions -H 'Content-Type: application/json' \
    -H @<(printf 'Authorization: Bearer %s' "$(cat "$state/secrets/open-webui-virtual-key")") \
    -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'
}

spend_logs() {
  as_owner /usr/lib/postgresql/*/bin/psql -XAt -h "$runtime/postgres" litellm -c 'SELECT count(*) FROM "LiteLLM_SpendLogs"'
}

# secret_in journal|command_lines|status: names the secret that is there.
secret_in() {
  local file
  "said_by_$1" >/run/said
  [ -s /run/said ] || { echo 'nothing was said'; return 0; }
  for file in "$state"/secrets/*; do
    ! grep -qaF -f "$file" /run/said || { echo "${file##*/}"; return 0; }
  done
  return 1
}

# Fields that no terminal shows are there as well.
said_by_journal() { journalctl --no-pager -q -o export --all; }
said_by_command_lines() { cat /proc/[0-9]*/cmdline; }
said_by_status() { gateway status --json; gateway why litellm; ctl status --no-pager -l ai-gateway; }

# What a person sees of a stack that runs: all four services with the limits that status tells.
check_the_stack() {
  local name
  check 'all four are ready' all_four_ready
  check 'it runs as its own user' same "$owner" "$(stat -c %U "/proc/$(property MainPID)")"
  check 'the demo model answers' says 'demo model' gateway ask "$1"
  check 'the unit is where the contract says' same "$unit_group" "$(property ControlGroup)"
  for name in $services; do
    check "$name has the limit that status tells" same "$(group_file "$name" memory.max)" "$(status_of services "$name" memory max)"
    check "$name was never out of memory" same 0 "$(event_count "$name" memory.events oom_kill)"
  done
}

# The end of a script: what the unit has said, if a check has failed.
finish() {
  [ "$failed" = 0 ] || of_unit -b -o short-monotonic | tail -n 120 | cut -c1-240 | sed 's/^/  # /'
  exit "$failed"
}
