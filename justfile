# What can be done here. `just check` is what CI does.

default:
    @just --list

# Serve on embedded defaults
run *args:
    cargo run --release -- {{args}}

# Formatting, lints, all tests
check:
    ./test

# Only the tests whose name holds the text
test name:
    cargo test --workspace --tests {{name}}

# The gateway beside its peers
bench *args:
    bench/run {{args}}

# The check of a token alone
bench-verify:
    cargo bench --package keydesk-gateway --bench verify

# The picture of the README, from the browser tests
screenshots:
    cargo test --package keydesk --test keydesk browser::pages
    cp target/tmp/screenshots/api-docs-readme.png docs/screenshots/api-docs.png

# Licences, sources and doubled dependencies
deny:
    cargo deny check bans licenses sources

# The Debian package and the container image, the same bytes for the same commit
package:
    cargo build --release --locked
    packaging/debian/build target/release/keydesk target/package
    packaging/oci/build target/release/keydesk target/package/keydesk.tar
