# For the scripts of this folder, which source it: a small Rust program with pinned dependencies, made,
# run and judged in a temporary folder that is gone afterwards.
#
#   dependencies <<'TOML'   the lines of [dependencies]; versions are exact: "=1.2.3"
#   program <<'RUST'        the program
#   prints <<'TEXT'         runs it: exits with 1 unless it prints just this
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
# Nothing of the caller's build gets in: neither its folder for what is built nor its flags.
unset CARGO_TARGET_DIR RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

dependencies() {
    {
        printf '[package]\nname = "finding"\nversion = "0.0.0"\nedition = "2024"\n\n'
        printf '[workspace]\n\n[profile.dev]\ndebug = false\n\n[dependencies]\n'
        cat
    } >"$folder/Cargo.toml"
}

program() {
    cat >"$folder/src/main.rs"
}

prints() {
    local expected name
    name=$(basename "$0" .sh)
    expected=$(cat)
    (cd "$folder" && cargo build --quiet && ./target/debug/finding >printed)
    if ! diff --label 'seen when this was written' --label 'printed now' -u \
        <(printf '%s\n' "$expected") "$folder/printed"; then
        echo "$name: the behaviour has changed" >&2
        exit 1
    fi
    printf '%s: as written\n%s\n' "$name" "$expected"
}
