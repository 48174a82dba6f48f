# The steps that compile but run nothing. To be sourced after steps.sh.

lint_steps() {
    local package
    step format cargo fmt --all --check
    step 'format benchmarks' cargo fmt --manifest-path tests/benchmarks/Cargo.toml --all --check
    # By itself, so that no package leans on features that another one turns on.
    for package in $(packages); do
        step "clippy $package" cargo clippy --quiet -p "$package" --all-targets --all-features -- -D warnings
    done
    step docs env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps
}
