#!/bin/sh
# unleak-hook 1
# Stops a commit that would put a secret into the history. Written by `unleak hook install`, removed by
# `unleak hook uninstall`. The hook that was here before runs first and decides first.

earlier="${0%/*}/pre-commit.before-unleak"
if [ -x "$earlier" ]; then
    "$earlier" "$@" || exit $?
fi

program='@PROGRAM@'
if command -v unleak >/dev/null 2>&1; then
    program=unleak
elif [ ! -x "$program" ]; then
    echo 'unleak: the commit was stopped because it could not be checked: there is no unleak on the PATH,' >&2
    echo "unleak: nor at $program. Install it again, or remove this hook: $0" >&2
    echo 'unleak: to commit once without the check: git commit --no-verify' >&2
    exit 1
fi

# Live values to search for exactly, one source a line: git config --add unleak.knownFrom .env
set --
newline='
'
IFS=$newline
set -f
for source in $(git config --get-all unleak.knownFrom); do
    set -- "$@" --known-from "$source"
done
set +f
unset IFS

"$program" scan --staged --quiet "$@"
status=$?
case $status in
0) exit 0 ;;
1) echo 'unleak: the commit was stopped because it holds a secret.' >&2 ;;
*) echo "unleak: the commit was stopped because it could not be checked (exit code $status)." >&2 ;;
esac
echo 'unleak: to commit once without the check: git commit --no-verify' >&2
exit "$status"
