# shellcheck shell=bash
# Time since boot in hundredths of a second: the wall clock may be set back while a drain goes on for hours.

readonly SECOND=100 # the clock's units in a second
NOW=0      # time of the current round; a function that only measures has its own: local NOW
STARTED=0  # time when the script started
DEADLINE=0 # time when the script has to end
SCANNED_AT=0 # time of the last scan of the host

now() {
  local uptime
  read -r uptime _ </proc/uptime
  NOW=$((10#${uptime/./}))
}

# The agent kills the script without notice when executionTimeout is over, so the script ends 10 to 60 seconds earlier.
# That also pays for a slow start and for the last scan of the host.
set_deadline() { # SECONDS, executionTimeout
  local limit=$1 margin
  [[ $limit =~ ^[0-9]{1,6}$ ]] || limit=3600 # what the agent makes of a value it cannot read
  limit=$((10#$limit))
  margin=$((limit < 300 ? 10 : limit > 1800 ? 60 : limit / 30))
  now
  readonly STARTED=$NOW
  readonly DEADLINE=$((STARTED + (limit - margin) * SECOND))
}

out_of_time() {
  now
  ((NOW >= DEADLINE))
}

# Whole seconds until the deadline, at least 1: a bound for what others are asked.
seconds_left() { # VARIABLE
  now
  printf -v "$1" %d $((DEADLINE - NOW < SECOND ? 1 : (DEADLINE - NOW) / SECOND))
}

# A pipe that nobody writes to: reading from it waits without a process that could be left behind.
exec {SILENCE}<> <(:) # its file descriptor

pause() { # SECONDS, with a fraction if wanted
  read -r -t "$1" -u "$SILENCE" _ || :
}

# More than 0.3% of a core so far? The kernel counts in the same hundredths.
uses_much_cpu() {
  local line
  IFS= read -r line </proc/self/stat
  # shellcheck disable=SC2086  # it is to be split
  set -- ${line##*) }
  (((${12} + ${13}) * 1000 > (NOW - STARTED) * 3))
}
