#!/bin/sh
# recorded.sh FILE COMMAND ARGUMENT...: write who we are to FILE ("pid start-time boot-id"), then become COMMAND.
# A pid alone proves nothing: it is given out again. Nothing is forked here, so pid and start time stay the command's.
record() {
    read -r line < "/proc/$$/stat"
    read -r boot < /proc/sys/kernel/random/boot_id
    # shellcheck disable=SC2086  # split on purpose; the name in brackets is "(sh)" and has no blank
    set -- "$1" $line
    shift 22
    echo "$$ $1 $boot"
}
file=$1
shift
record "$file" > "$file.$$" && mv "$file.$$" "$file"
exec "$@"
