# Packages of Debian's unstable suite, downloaded and unpacked, not installed. To be sourced.
#
# They come with an apt configuration of their own (no package counts as installed, so all that they need comes along) and
# are run by their own dynamic loader. A folder is kept for the next time.

# unstable_tree FOLDER PROGRAM PACKAGE…: unpacks the packages into FOLDER/tree unless PROGRAM is there; sets $tree, $loader
# and $libraries.
unstable_tree() {
    home=$1 program=$2
    shift 2
    tree=$home/tree
    [ -x "$tree/$program" ] || unstable_download "$@"
    loader=$(find "$tree/usr/lib64" "$tree/usr/lib" -name 'ld-linux*.so.*' | head -n 1)
    libraries=$(find "$tree/usr/lib" -maxdepth 1 -type d -name '*-linux-gnu*' | head -n 1)
}

unstable_download() {
    mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
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
    apt --download-only install "$@"
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
