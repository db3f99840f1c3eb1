# Debian packages for clients, to be sourced: debian PACKAGE… installs what is missing.
debian() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if ((${#missing[@]})); then
        local as_root=()
        [[ $EUID -eq 0 ]] || as_root=(sudo)
        "${as_root[@]}" apt-get update --quiet=2 >&2
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
            "${missing[@]}" >&2
    fi
}
