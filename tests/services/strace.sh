# shellcheck shell=bash
# strace, which kills a program at a system call of our choice and tells which ones it makes. Sourced by tests/run.

# systemd-analyze, which reads a unit without starting it.
systemd_find() {
  command -v systemd-analyze >/dev/null || packages_install 'systemd-analyze' systemd
}

strace_find() {
  command -v strace >/dev/null || packages_install 'strace' strace
  strace -qqq -o /dev/null true 2>/dev/null ||
    die 'strace may not trace here: allow it (in a container: --cap-add=SYS_PTRACE), then try again'
  say "$(strace --version | head -n 1)"
}
