# shellcheck shell=bash
# strace, which kills a program at a system call of our choice. Sourced by tests/run.

strace_find() {
  command -v strace >/dev/null || packages_install 'strace' strace
  strace -qqq -o /dev/null true 2>/dev/null ||
    die 'strace may not trace here: allow it (in a container: --cap-add=SYS_PTRACE), then try again'
  say "$(strace --version | head -n 1)"
}
