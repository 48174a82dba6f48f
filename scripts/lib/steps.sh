# Runs named steps, shows one line for each, and the end of the output of those that failed.
# To be sourced from the workspace root.

step_logs=.run/logs
mkdir -p "$step_logs"
failed_steps=()
tests_passed=0
steps_start=$SECONDS

# The names of the workspace's packages, one per line.
packages() {
    cargo tree --quiet --workspace --depth 0 --prefix none | awk 'NF { print $1 }' | sort -u
}

# The packages that declare this feature, one per line.
packages_with_feature() {
    local manifest
    for manifest in crates/*/Cargo.toml apps/*/Cargo.toml tests/Cargo.toml tests/*/Cargo.toml; do
        [[ -f "$manifest" ]] || continue
        awk -v feature="$1" '
            /^\[/ { section = $0 }
            section == "[package]" && $1 == "name" { gsub(/"/, "", $3); name = $3 }
            section == "[features]" && $1 == feature { print name }' "$manifest"
    done
}

# step NAME COMMAND...: a failure is reported and remembered, the next steps still run.
step() {
    local name=$1 log start passed status=0
    shift
    log="$step_logs/${name//[^a-zA-Z0-9-]/-}.log"
    start=$SECONDS
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status == 0)); then
        passed=$(count_tests "$log")
        tests_passed=$((tests_passed + passed))
        printf 'ok    %4ss  %s%s\n' $((SECONDS - start)) "$name" "${passed:+: $passed tests}"
    else
        printf 'FAIL  %4ss  %s (exit %s)\n' $((SECONDS - start)) "$name" "$status"
        show_failure "$log" | sed 's/^/      | /'
        failed_steps+=("$name")
    fi
}

# The tests that failed and what they said; else the end of the log.
show_failure() {
    if grep -qE '^test .* FAILED$' "$1"; then
        grep -E '^test .* FAILED$' "$1"
        grep -A 6 ' panicked at ' "$1" | head -n 120 || true
    else
        tail -n 80 "$1"
    fi
}

# How many tests passed, if the log is one of cargo test.
count_tests() {
    awk '/^test result:/ { passed += $4; seen = 1 } END { if (seen) print passed }' "$1"
}

# The summary; fails if any step has.
finish() {
    local took=$((SECONDS - steps_start))
    if ((${#failed_steps[@]})); then
        printf '\nFAILED after %ss: %s step(s); full output in %s\n' "$took" "${#failed_steps[@]}" "$step_logs"
        printf '  %s\n' "${failed_steps[@]}"
        exit 1
    fi
    printf '\nall steps passed in %s min %s s\n' $((took / 60)) $((took % 60))
    if ((tests_passed)); then
        printf '%s passed, 0 failed\n' "$tests_passed"
    fi
}
