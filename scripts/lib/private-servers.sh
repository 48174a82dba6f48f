# Servers for one run of an app, on loopback, with their data under .run/. To be sourced from the root.
# Each function exports what the app reads from the environment.

export PATH="$PATH:/usr/sbin:/sbin"
server_pid=

stop_server() {
    [[ -n $server_pid ]] || return 0
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}
trap stop_server EXIT

# need PROGRAM PACKAGE: installs what `make deps` would, if the program is missing.
need() {
    command -v "$1" >/dev/null || scripts/install-deps
    command -v "$1" >/dev/null || {
        echo "\`$1\` is not installed (package $2)" >&2
        exit 1
    }
}

# claim APP VARIABLE: two servers on the same data would destroy them. Held until the server has ended: it inherits the lock.
claim() {
    mkdir -p ".run/$1"
    # Not on every system; there, nothing keeps a second one from starting.
    command -v flock >/dev/null || return 0
    exec 9>".run/$1/lock"
    flock --nonblock 9 || {
        echo "$1 is running already, with its data in .run/$1: stop it, or set $2 to a server of your own" >&2
        exit 1
    }
}

# A port of 127.0.0.1 that nobody listens on, from the given one up.
free_port() {
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

# await WHAT LOG COMMAND...: until the command succeeds; fails if the server ends first or takes a minute.
await() {
    local what=$1 log=$2 deadline=$((SECONDS + 60))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$server_pid" 2>/dev/null || ((SECONDS > deadline)); then
            echo "the private $what did not start; $log says:" >&2
            tail -n 15 "$log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

# provide_secret VARIABLE APP: a random one, kept for the next run so that cookies stay valid.
provide_secret() {
    [[ -z ${!1:-} ]] || return 0
    local file=.run/$2/secret
    if [[ ! -s $file ]]; then
        mkdir -p ".run/$2"
        (umask 077 && head -c 33 /dev/urandom | base64 >"$file")
    fi
    echo "$1 is not set: using a random one, kept in $file"
    export "$1=$(<"$file")"
}

# DATABASE_URL: user, password and database are the article's.
start_private_mariadb() {
    need mariadbd mariadb-server
    claim "$1" DATABASE_URL
    local app=$1 dir=$PWD/.run/$1/mariadb port database password as_user=()
    case $app in
        mysql-session) database=session_test password=root ;;
        *) database=session password=password ;;
    esac
    ((EUID != 0)) || as_user=(--user=root)
    port=$(free_port 33060)
    # A path short enough for a socket, wherever the workspace is.
    local socket
    socket=$(mktemp -u /tmp/express-session-XXXXXX.sock)
    # Not /tmp: a MariaDB that starts removes the temporary tables it finds there, also those of others.
    mkdir -p "$dir/tmp"
    if [[ ! -d $dir/data/mysql ]]; then
        mariadb-install-db --no-defaults "${as_user[@]}" --datadir="$dir/data" --tmpdir="$dir/tmp" --skip-test-db \
            --auth-root-authentication-method=normal >"$dir/install.log" 2>&1 || {
            tail -n 15 "$dir/install.log" >&2
            exit 1
        }
    fi
    cat >"$dir/init.sql" <<SQL
CREATE DATABASE IF NOT EXISTS \`$database\`;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$password';
SQL
    # A session of its own: Ctrl-C in the terminal is for the app, which still saves while it ends.
    setsid mariadbd --no-defaults "${as_user[@]}" --datadir="$dir/data" --tmpdir="$dir/tmp" --socket="$socket" --port="$port" \
        --bind-address=127.0.0.1 --pid-file="$dir/pid" --init-file="$dir/init.sql" \
        --innodb-buffer-pool-size=32M --skip-log-bin >"$dir/log" 2>&1 </dev/null &
    server_pid=$!
    await MariaDB "$dir/log" mariadb --no-defaults --socket="$socket" --user=root --password="$password" \
        --execute "USE $database"
    export DATABASE_URL="mysql://root:$password@127.0.0.1:$port/$database"
    echo "DATABASE_URL is not set: using a private MariaDB on port $port, kept in .run/$app/mariadb"
}

# REDIS_URL: what is stored survives a restart.
start_private_redis() {
    need redis-server redis-server
    claim "$1" REDIS_URL
    local app=$1 dir=$PWD/.run/$1/redis port
    port=$(free_port 63790)
    mkdir -p "$dir"
    setsid redis-server --bind 127.0.0.1 --port "$port" --dir "$dir" --appendonly yes --save '' \
        >"$dir/log" 2>&1 </dev/null &
    server_pid=$!
    await Redis "$dir/log" redis-cli -h 127.0.0.1 -p "$port" PING
    export REDIS_URL="redis://127.0.0.1:$port"
    echo "REDIS_URL is not set: using a private Redis on port $port, kept in .run/$app/redis"
}
