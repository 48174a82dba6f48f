# Sourced: installs the Node packages of a folder if its lock file is newer than what is there.

npm_install() {
    # `.package-lock.json` is what npm writes last: it is older than the lock file if that one has changed.
    if [[ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]]; then
        npm ci --prefix "$1" --silent --no-audit --no-fund </dev/null
    fi
}
