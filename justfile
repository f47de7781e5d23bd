# The ways to work on Countersign. `just --list` names them; each is a few lines of cargo, which do without just as well.
# Debian 13 has just as a package; elsewhere: cargo install just --locked

# The same as in tests/all, so that neither builds anew what the other built.
features := "--features countersign-bindings/bindgen,countersign-bindings/vectors"

[private]
default:
    @just --list --unsorted

# Once after cloning: rustfmt and clippy where rustup has them, the crates, and a `git blame` that skips pure moves
setup:
    if command -v rustup >/dev/null; then rustup component add rustfmt clippy; fi
    cargo fetch --locked
    git config blame.ignoreRevsFile .git-blame-ignore-revs

# Before every commit, under a minute once built: format, lints, the libraries' own tests, the rules of the house
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked {{features}} -- -D warnings
    cargo test --workspace --locked {{features}} --lib --test house

# Tests by package and name, for instance: just test countersign-server settle
test package *filter:
    cargo test --locked -p {{package}} {{filter}}

# A sign-in site beside two phones, in your browser; in a debug build
demo *options:
    cargo run --locked -- demo {{options}}

# After a change of the HTTP API that was meant: writes tests/openapi.json anew, which the review then shows
openapi:
    COUNTERSIGN_RENEW=1 cargo test --workspace --locked {{features}} --test openapi
    git diff --stat -- tests/openapi.json

# Every check and every test, as CI runs it; says first what it installs, how long it takes and how much disk
all:
    tests/all
