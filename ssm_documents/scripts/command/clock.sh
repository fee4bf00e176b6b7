# shellcheck shell=bash
# Time since boot in hundredths of a second: the wall clock may be set back while a drain goes on for hours.

readonly SECOND=100
NOW=0 # time of the round that goes on; what only measures in between has its own: local NOW

now() {
  local uptime
  read -r uptime _ </proc/uptime
  NOW=$((10#${uptime/./}))
}

# Takes executionTimeout. The agent kills without a word when it is over, so the script's own end comes before it:
# 10 to 60 seconds, which also pay for a slow start and for the last look at the host.
set_deadline() {
  local limit=$1 margin
  [[ $limit =~ ^[0-9]{1,6}$ ]] || limit=3600 # what the agent makes of a value it cannot read
  limit=$((10#$limit))
  margin=$((limit / 30))
  if ((margin < 10)); then margin=10; fi
  if ((margin > 60)); then margin=60; fi
  now
  readonly STARTED=$NOW
  readonly DEADLINE=$((STARTED + (limit - margin) * SECOND))
}

out_of_time() {
  now
  ((NOW >= DEADLINE))
}

# Whole seconds that are left, at least 1, into LEFT: a bound for what is asked of others.
seconds_left() {
  now
  LEFT=$(((DEADLINE - NOW) / SECOND))
  if ((LEFT < 1)); then LEFT=1; fi
}

# A pipe that nobody writes to: reading from it sleeps without a process that could be left behind.
exec {SILENCE}<> <(:)

# Takes seconds, with a fraction if wanted.
pause() { read -r -t "$1" -u "$SILENCE" _ || :; }
