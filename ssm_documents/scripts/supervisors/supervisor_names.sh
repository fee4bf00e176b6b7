# shellcheck shell=bash
# The names of supervisors, which keep workers running:
#   systemd:UNIT  supervisord:PROGRAM  runit:FOLDER  docker:ID  upstart:JOB   can be told to stop and to start it
#   parent:NAME(PID)  container:ID                                            may start it again, cannot be told
#   unknown:UNIT                                                              did not answer; it is asked again
#   none                                                                      nobody

SUPERVISOR='' # the name that was found last
WHY_NOT=''    # why its workers cannot be stopped or started now, in words

can_be_told() { # NAME
  case ${1%%:*} in
    systemd | supervisord | runit | docker | upstart) ;;
    *) return 1 ;;
  esac
}
