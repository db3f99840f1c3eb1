# A virtual environment for clients in Python, to be sourced: python NAME REQUIREMENT… prints its interpreter. It is made
# anew when the requirements change.
python() {
    local venv=$INSTALLS/$1 wanted
    shift
    wanted=$(printf '%s\n' "$@")
    if [[ ! -x $venv/bin/python || $(cat "$venv/requirements.txt" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$venv"
        python3 -m venv "$venv" >&2
        "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" >&2
        printf '%s\n' "$wanted" >"$venv/requirements.txt"
    fi
    echo "$venv/bin/python"
}

# One environment for all drivers, which get on with each other.
drivers() {
    python python psycopg2-binary==2.9.13 asyncpg==0.32.0 SQLAlchemy==2.1.9 pandas==3.1.0 polars==2.1.0 pyarrow \
        adbc-driver-postgresql==1.13.0 pyodbc pg8000 duckdb==1.5.5 duckdb-extension-postgres-scanner==1.5.5 \
        'psycopg[binary]==3.3.9'
}
