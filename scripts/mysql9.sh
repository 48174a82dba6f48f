#!/bin/sh
# Runs a command beside a private, genuine MySQL 9, with its URL in MYSQL_URL.
#
#   scripts/mysql9.sh cargo test -p express-session-mysql --features server-tests --test servers
#
# MySQL 9 is in Debian's unstable suite only. Nothing of it is installed: the packages are downloaded with an apt
# configuration of our own (no package counts as installed, so all that it needs comes along), unpacked into a folder,
# and the server is started by that folder's own dynamic loader. The folder is kept for the next time:
# $MYSQL9_HOME, or target/mysql9. The server is stopped, and its data removed, when the command has ended.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT …]" >&2; exit 2; }
here=$(cd "$(dirname "$0")/.." && pwd)
home=${MYSQL9_HOME:-$here/target/mysql9}
tree=$home/tree
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

download() {
    mkdir -p "$home/apt/state/lists/partial" "$home/apt/cache/archives/partial" "$home/apt/parts"
    : >"$home/apt/status"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] $mirror unstable main" >"$home/apt/sources.list"
    # Proxies and the like are still the system's.
    cat >"$home/apt/apt.conf" <<CONF
Dir::State "$home/apt/state";
Dir::State::status "$home/apt/status";
Dir::Cache "$home/apt/cache";
Dir::Etc::sourcelist "$home/apt/sources.list";
Dir::Etc::sourceparts "$home/apt/parts";
Dir::Etc::preferencesparts "$home/apt/parts";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
CONF
    apt() { APT_CONFIG="$home/apt/apt.conf" apt-get -qq -y "$@"; }
    apt update
    apt --download-only install mysql-server-core
    rm -rf "$tree.new"
    mkdir -p "$tree.new"
    # Unstable has no /lib of its own any more; packages that still say so must end up in /usr/lib.
    for name in bin lib lib64 sbin; do
        mkdir -p "$tree.new/usr/$name"
        ln -s "usr/$name" "$tree.new/$name"
    done
    for package in "$home"/apt/cache/archives/*.deb; do
        # As tar, because dpkg -x would replace the links just made by folders.
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$tree.new"
    done
    rm -rf "$tree"
    mv "$tree.new" "$tree"
}

[ -x "$tree/usr/sbin/mysqld" ] || download

loader=$(find "$tree/usr/lib64" "$tree/usr/lib" -name 'ld-linux*.so.*' | head -n 1)
libraries=$(find "$tree/usr/lib" -maxdepth 1 -type d -name '*-linux-gnu*' | head -n 1)
data=$(mktemp -d)
server=
finish() {
    status=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill -9 "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$data"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mysqld() {
    exec "$loader" --library-path "$libraries:$libraries/mysql/private:$tree/usr/lib/mysql/private" \
        "$tree/usr/sbin/mysqld" --no-defaults --datadir="$data/data" --basedir="$tree/usr" \
        --lc-messages-dir="$tree/usr/share/mysql" --character-sets-dir="$tree/usr/share/mysql/charsets" \
        --secure-file-priv= --log-error="$data/server.err" --user="$(id -un)" "$@"
}

port=${MYSQL9_PORT:-33909}
cat >"$data/init.sql" <<'SQL'
CREATE USER 'tester'@'%' IDENTIFIED WITH caching_sha2_password BY 'only for private servers';
GRANT ALL PRIVILEGES ON *.* TO 'tester'@'%' WITH GRANT OPTION;
SQL
(mysqld --initialize-insecure) || { cat "$data/server.err" >&2; exit 1; }
(mysqld --init-file="$data/init.sql" --bind-address=127.0.0.1 --port="$port" --socket="$data/mysql.sock" \
    --mysqlx=OFF --pid-file="$data/pid" --skip-log-bin --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF \
    --max-connections=400) &
server=$!
waited=0
until grep -q 'ready for connections' "$data/server.err" 2>/dev/null; do
    if ! kill -0 "$server" 2>/dev/null || [ "$waited" -ge 600 ]; then
        cat "$data/server.err" >&2
        exit 1
    fi
    waited=$((waited + 1))
    sleep 0.1
done
MYSQL_URL="mysql://tester:only%20for%20private%20servers@127.0.0.1:$port" "$@"
