# shellcheck shell=bash
# The Sidekiq processes of the host, as the last scan found them.
#
# TITLED, BOOTING, SWARMS, EMBEDDED and UNREADABLE hold process ids; the P_ tables say what stood in a process's stat
# and, of titled ones, in its title: P_BUSY is there for those only. An unreadable title tells no P_SIZE.

TITLED=() BOOTING=() SWARMS=() EMBEDDED=() UNREADABLE=()
declare -A P_KEY=() P_PARENT=() P_STATE=() P_VERSION=() P_TAG=() P_BUSY=() P_SIZE=() P_STOPPING=() P_TAIL=()

# What a command finds out about a worker beyond one look, by its key.
declare -A SEEN=()      # number of jobs at the last look, by the title or by the threads
declare -A SEEN_AS=()   # "VERSION<us>TAG"
declare -A SIGNALLED=() # time of the last request to be quiet
declare -A LOST=()      # number of jobs with which it ended
