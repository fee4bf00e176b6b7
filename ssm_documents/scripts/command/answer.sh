# shellcheck shell=bash
# needs: clock
# The answer: one line of JSON, plain ASCII whatever stands in a title, short enough for the agent to pass on whole.
# Exit codes: 0 confirmed, 1 could not be done, 2 jobs still running, 3 no Sidekiq on this host.

readonly LONGEST_ANSWER=1700 LONGEST_MESSAGE=600 LONGEST_TAG=60 # characters
ANSWER=''     # the line; empty until it is known
ANSWER_CODE=1 # the exit code that goes with it
TRUE_AT=0     # time of the scan that it is about; printed as "took", in seconds since the start
MORE=''       # further keys of the line, each with a comma behind it
BOOTED=''     # for status: when the host was started, in seconds since 1970
FOOTNOTE=''   # a sentence that goes with any message, after a space
readonly RANKS=' lost embedded suspended unreadable quieting booting awake quiet stopped ' # states; first is lowest
ENTRIES=()    # the answer's processes, "RANK BUSY JSON"; those with the lowest rank stay when it is cut

# Makes text fit for a JSON string: what is not printable ASCII becomes a question mark.
json_text() { # VARIABLE TEXT
  local text=${2//[^ -~]/?}
  text=${text//\\/\\\\}
  printf -v "$1" %s "${text//\"/\\\"}"
}

# "1 job", "3 jobs", "2 processes"
counted() { # VARIABLE COUNT NOUN
  case $2:$3 in
    1:*) printf -v "$1" %s "$2 $3" ;;
    *s) printf -v "$1" %s "$2 ${3}es" ;;
    *) printf -v "$1" %s "$2 ${3}s" ;;
  esac
}

add_entry() { # PID VERSION TAG BUSY STATE SUPERVISOR [SINCE]
  local version tag supervisor rank entry since=${BOOTED:+${7-}}
  rank=${RANKS%% "$5" *} rank=${#rank}
  # With jobs it stands in front of "quieting".
  if (($4 > 0 && rank > 30)); then rank=30; fi
  json_text version "${2:0:20}"
  json_text tag "${3:0:LONGEST_TAG}"
  json_text supervisor "${6:0:80}"
  if [[ -n $since ]]; then since=",\"since\":$((BOOTED + since / SECOND))"; fi
  printf -v entry '{"pid":%s,"version":"%s","tag":"%s","busy":%s,"state":"%s","supervisor":"%s"%s}' \
    "$1" "$version" "$tag" "$4" "$5" "$supervisor" "$since"
  ENTRIES+=("$rank $4 $entry")
}

# Adds as many entries as have room to the caller's listed, and counts those that have none in its omitted.
list_entries() { # CHARACTERS
  local room=$1 entry
  omitted=${#ENTRIES[@]}
  ((omitted)) || return 0
  while read -r _ _ entry; do
    if ((${#listed} + ${#entry} + 1 > room)); then
      room=0 # read on all the same, so that sort need not write to a closed pipe
    else
      listed+=${listed:+,}$entry omitted=$((omitted - 1))
    fi
  done < <(printf '%s\n' "${ENTRIES[@]}" | sort -s -k1,1n -k2,2nr)
}

# The same command may succeed in a moment.
may_succeed_soon() {
  MORE+="\"again\":true,"
}

set_answer() { # CODE RESULT MESSAGE
  local message=$3$FOOTNOTE head tail listed='' omitted
  if ((${#message} > LONGEST_MESSAGE)); then message="${message:0:LONGEST_MESSAGE-3}..."; fi
  json_text message "$message"
  # Where there is none yet after a reboot, there may soon be some.
  if [[ $2 == no_worker ]]; then
    now
    MORE+="\"up\":$((NOW / SECOND)),"
  fi
  head="{\"result\":\"$2\",\"processes\":["
  tail="$MORE\"message\":\"$message\"}"
  list_entries $((LONGEST_ANSWER - ${#head} - ${#tail} - 35))
  # In one command: a signal finds either no answer or a whole one.
  ANSWER="$head$listed],\"omitted\":$omitted,$tail" ANSWER_CODE=$1 TRUE_AT=$SCANNED_AT
}

# Ends the script with an answer, which is printed on exit.
answer() { # CODE RESULT MESSAGE
  set_answer "$@"
  exit "$1"
}
