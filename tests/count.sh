#!/bin/sh
# SPDX-License-Identifier: MIT
# scripts/count-tests.py counts what failed, crashed, hung and was skipped as what it is.
# usage: count.sh SOURCE_ROOT
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
mkdir -p "$folder/a/meson-logs" "$folder/b/meson-logs" "$folder/empty"
log=$folder/a/meson-logs/testlog.json

says() { # exit status, last line, folders...
    status=$1 line=$2
    shift 2
    set +e
    output=$(cd "$folder" && python3 "$source/scripts/count-tests.py" "$@")
    got=$?
    set -e
    if [ $got -ne "$status" ] || [ "$(printf '%s\n' "$output" | tail -n 1)" != "$line" ]; then
        printf 'exit status %s instead of %s, or not "%s":\n%s\n' $got "$status" "$line" "$output"
        exit 1
    fi
}
source=$1

cat >"$log" <<'EOF'
{"name": "tap", "result": "OK", "stdout": "1..2\nok 1 - a\nok 2 - b\n"}
{"name": "plain", "result": "OK", "stdout": "whatever\n"}
EOF
says 0 '3 passed, 0 failed' a
cat >"$log" <<'EOF'
{"name": "short", "result": "OK", "stdout": "# SKIP in part: no room\n1..2\nok 1 - a\nok 2 - b\n"}
{"name": "plain", "result": "OK", "stdout": "whatever\n"}
EOF
says 0 '3 passed, 0 failed' a
case $output in
    *'skipped in part: a: short: no room'*) ;;
    *) printf 'it does not say what was left out:\n%s\n' "$output"; exit 1 ;;
esac
cat >"$folder/b/meson-logs/testlog.json" <<'EOF'
{"name": "skipped", "result": "SKIP", "stdout": "1..0 # SKIP no reason\n"}
{"name": "bad", "result": "FAIL", "stdout": "1..2\nok 1 - a\nnot ok 2 - b\n"}
{"name": "crash", "result": "ERROR", "stdout": "1..9\nok 1 - a\n"}
{"name": "hang", "result": "TIMEOUT"}
EOF
says 1 '2 passed, 3 failed, 1 skipped' b
says 1 '5 passed, 3 failed, 1 skipped' a b
says 1 '3 passed, 1 failed' a empty
: >"$log"
says 1 '0 passed, 0 failed' a
