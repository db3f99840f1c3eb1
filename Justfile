# Every command that a contributor or CI runs.

export CARGO_TERM_COLOR := env("CARGO_TERM_COLOR", "auto")

# List the commands.
default:
    @just --list

# Formatting and lints, warnings denied.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# All tests, or those whose name contains the filter.
test filter="":
    cargo test {{ filter }}

# The cases that are data: SQL and wire messages.
cases filter="":
    cargo test --test cases -- {{ filter }}

# The rules of the house: imports, headers, forgotten files, stale pages.
tidy:
    cargo test --test it -- tidy

# Write anew what is generated: pages and goldens.
bless:
    BLESS=1 cargo test --test it -- tidy

# Serve the demo.
serve *arguments="--demo":
    cargo run --release -- serve {{ arguments }}

# Connect to the demo.
psql:
    psql postgresql://demo:demo@127.0.0.1:5432/demo

# Run SQL on ./lakegate-data without a server.
sql text:
    cargo run --release -- sql -c "{{ text }}"

# TPC-H against DuckDB and PostgreSQL; add --write for docs/benchmarks.md.
bench *arguments:
    benches/tpch/run.sh {{ arguments }}

# Loading, deleting, many commits and many files.
bench-tables *arguments:
    benches/tables/run.sh {{ arguments }}

# What clients ask the catalogs of many wide tables.
bench-catalog *arguments:
    benches/catalog/run.sh {{ arguments }}

# Real clients against a server; writes conformance/report.md.
conformance *clients:
    conformance/run {{ clients }}

# The documentation of the code.
docs:
    cargo doc --no-deps --document-private-items

# Licences, advisories and duplicates of the crates; needs cargo-deny.
deny:
    cargo deny check

# What CI does.
ci:
    .ci/run
