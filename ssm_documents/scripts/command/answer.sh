# shellcheck shell=bash
# The answer: one line of JSON, plain ASCII whatever stands in a title, short enough for the agent to hand on whole.
# Exit codes: 0 confirmed, 1 could not be done, 2 jobs still running, 3 no Sidekiq on this host.

readonly LONGEST_ANSWER=2000 LONGEST_MESSAGE=600 LONGEST_TAG=60
ANSWERED='' # the line, once it is written
ANSWER_CODE=1
FAILED_AT=''
ENTRIES=() # "RANK BUSY JSON", the ones to read first have the lowest rank

# Makes text fit for a JSON string: what is not printable ASCII becomes a question mark.
json_text() {
  TEXT=${1//[^ -~]/?}
  TEXT=${TEXT//\\/\\\\}
  TEXT=${TEXT//\"/\\\"}
}

# What a reader should see first, before the list is cut.
rank_of() { # STATE BUSY
  case $1 in
    lost) RANK=1 ;;
    embedded) RANK=2 ;;
    suspended | unreadable) RANK=3 ;;
    quieting) RANK=5 ;;
    booting) RANK=6 ;;
    awake) RANK=7 ;;
    quiet) RANK=8 ;;
    *) RANK=9 ;;
  esac
  if (($2 > 0 && RANK > 4)); then RANK=4; fi
}

add_entry() { # PID VERSION TAG BUSY STATE SUPERVISOR
  local version tag
  rank_of "$5" "$4"
  json_text "${2:0:20}"
  version=$TEXT
  json_text "${3:0:LONGEST_TAG}"
  tag=$TEXT
  json_text "${6:0:80}"
  ENTRIES+=("$RANK $4 {\"pid\":$1,\"version\":\"$version\",\"tag\":\"$tag\",\"busy\":$4,\"state\":\"$5\",\"supervisor\":\"$TEXT\"}")
}

# As many entries as fit into the given number of characters, into LISTED; how many do not, into OMITTED.
list_entries() {
  local room=$1 entry
  LISTED='' OMITTED=${#ENTRIES[@]}
  ((OMITTED)) || return 0
  while read -r _ _ entry; do
    if ((${#LISTED} + ${#entry} + 1 > room)); then
      room=0
    else
      LISTED+=${LISTED:+,}$entry OMITTED=$((OMITTED - 1))
    fi
  done < <(printf '%s\n' "${ENTRIES[@]}" | sort -s -k1,1n -k2,2nr)
}

compose() { # RESULT MESSAGE
  local message=$2 head tail
  if ((${#message} > LONGEST_MESSAGE)); then message="${message:0:LONGEST_MESSAGE-3}..."; fi
  json_text "$message"
  message=$TEXT
  head="{\"result\":\"$1\",\"processes\":["
  tail="\"message\":\"$message\"}"
  list_entries $((LONGEST_ANSWER - ${#head} - ${#tail} - 20))
  ANSWER_LINE="$head$LISTED],\"omitted\":$OMITTED,$tail"
}

# Ends the script with an answer. The line is printed by the way out, so that there is one on every path.
answer() { # CODE RESULT MESSAGE
  compose "$2" "$3"
  ANSWERED=$ANSWER_LINE ANSWER_CODE=$1
  exit "$1"
}

# An answer that another command has worked out.
answer_as() { # CODE ANSWER_LINE
  ANSWERED=$2 ANSWER_CODE=$1
  exit "$1"
}
