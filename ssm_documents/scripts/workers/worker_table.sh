# shellcheck shell=bash
# The Sidekiq processes of the host. The tables by process id say what the last scan found.

WORKERS=()   # PID -> 1 for a process with Sidekiq's title
TITLED=()    # PID -> 1 for one of these whose title can be read, with the number of jobs in it
BOOTING=()   # PID -> 1 for a process that is starting Sidekiq and has no title yet
EMBEDDED=()  # PID -> 1 for another server with Sidekiq inside
IMPOSTORS=() # PID -> 1 for a process that only looks like Sidekiq: no Ruby runs in it

declare -A P_KEY=()     # PID -> key, "PID:START"
declare -A P_PARENT=()  # PID -> process id of its parent
declare -A P_STATE=()   # PID -> its state letter
declare -A P_VERSION=() # PID -> Sidekiq's version, from the title
declare -A P_TAG=()     # PID -> the title's tag
declare -A P_BUSY=()    # PID -> number of jobs in the title; there is none for a process without a title
declare -A P_SIZE=()    # PID -> number of threads for jobs in the title; there is none for an unreadable title
declare -A P_TAIL=()    # PID -> what stands in the title behind the busy count; ' ?' for an unreadable title

LAUNCHERS=()              # ends of paths of the application's own programs that start Sidekiq, from the settings
SWARM_CHILDREN_MISSING=0 # how many processes sidekiqswarm still has to start

# What this command knows of a worker beyond one scan.
declare -A JOBS=()        # key -> number of jobs at the last look, by the title or by the threads
declare -A LOST_JOBS=()   # key -> number of jobs with which it ended
declare -A SEEN_AS=()     # key -> "VERSION<us>TAG"
declare -A SIGNALLED=()   # key -> time of the last signal to be quiet
declare -A QUIET_SINCE=() # key -> time since when every look found no thread that could run a job

# Does its title say that it takes no more jobs?
is_stopping() { # PID
  [[ "${P_TAIL[$1]-} " == *' stopping '* ]]
}

# Does it say so, and nothing that is not understood? One process of Sidekiq Enterprise is the leader.
ends_in_stopping() { # PID
  [[ ${P_TAIL[$1]} =~ ^(\ leader)?\ stopping(\ leader)?$ ]]
}
