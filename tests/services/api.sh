# shellcheck shell=bash
# Schemathesis, which asks an API by what its OpenAPI document says. Sourced by tests/run; sets UNLEAK_TEST_SCHEMATHESIS.

api_install() {
  local folder
  folder=$(packages_python Schemathesis schemathesis==4.32.5)
  export UNLEAK_TEST_SCHEMATHESIS=$folder/bin/schemathesis
}
