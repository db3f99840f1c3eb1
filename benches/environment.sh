# Sourced by the benchmarks, from the project's folder: sets PYTHON and BINARY, and makes what is missing of them.
target=${CARGO_TARGET_DIR:-target}
venv=$target/tpch-venv
if [[ ! -x $venv/bin/tpcgen-cli ]]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r benches/tpch/requirements.txt
fi
if [[ -z ${BINARY:-} ]]; then
    cargo build --release
    BINARY=$(realpath "$target/release/lakegate")
fi
export BINARY
PYTHON=$venv/bin/python
