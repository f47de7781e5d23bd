# The ways to work on Countersign. `just --list` names them; each is a few lines of cargo, which do without just as well.
# Debian 13 has just as a package; elsewhere: cargo install just --locked

# The same as in tests/all, so that neither builds anew what the other built.
features := "--features countersign-bindings/bindgen,countersign-bindings/vectors"

[private]
default:
    @just --list --unsorted

# Once after cloning: rustfmt and clippy, the crates, a `git blame` that skips pure moves
setup:
    if command -v rustup >/dev/null; then rustup component add rustfmt clippy; fi
    cargo fetch --locked
    git config blame.ignoreRevsFile .git-blame-ignore-revs

# Before every commit: format, lints, the libraries' own tests, the rules of the house
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked {{ features }} -- -D warnings
    cargo test --workspace --locked {{ features }} --lib --test house

# One suite of tests/tests, or some of its tests by name: just test api login
test suite *names:
    cargo test --workspace --locked {{ features }} --test {{ suite }} {{ names }}

# A sign-in site beside two phones, in your browser
demo *options:
    cargo run --locked -- demo {{ options }}

# After a change of the HTTP API that was meant: writes tests/openapi.json anew
openapi:
    COUNTERSIGN_RENEW=1 cargo test --workspace --locked {{ features }} --test openapi
    git diff --stat -- tests/openapi.json

# Every check and every test, as CI runs it; says first how long it takes
all:
    tests/all
