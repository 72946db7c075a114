# shellcheck shell=bash
# A real browser, headless, for the page of `unleak serve`. Sourced by tests/run; sets UNLEAK_TEST_BROWSER.

browser_find() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
      UNLEAK_TEST_BROWSER=$(command -v "$name")
      export UNLEAK_TEST_BROWSER
      return
    fi
  done
  return 1
}

browser_install() {
  browser_find || { packages_install 'Chromium' chromium && browser_find; } ||
    die 'Chromium was installed but is not in PATH'
}
