# Sourced: installs Debian packages, and says only which.

apt_quietly() {
    local as_root=() log
    ((EUID == 0)) || as_root=(sudo)
    log=$(mktemp)
    # RUNLEVEL=1: installing a server must not start it; the tests run private ones.
    if ! "${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1; then
        echo "apt-get $* failed:" >&2
        tail -n 20 "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
}

apt_install() {
    if ! command -v apt-get >/dev/null; then
        echo "missing: $*; without apt-get, install them by your system's means" >&2
        exit 1
    fi
    apt_quietly update
    apt_quietly install --no-install-recommends -y "$@"
    echo "installed: $*"
}
