# Words for clients' run.sh, to be sourced: each prints the line that conformance/run reads.

# equals FEATURE EXPECTED ACTUAL
equals() {
    if [[ $2 == "$3" ]]; then echo "ok $1"; else not_ok "$1" "expected $(one_line "$2"), got $(one_line "$3")"; fi
}

# contains FEATURE PART TEXT
contains() {
    if [[ $3 == *"$2"* ]]; then echo "ok $1"; else not_ok "$1" "no $(one_line "$2") in $(one_line "$3")"; fi
}

not_ok() { echo "not ok $1: $2"; }

one_line() { printf '%q' "${1:0:400}"; }
