//! Black-box tests: each starts the real binary and uses it as people and programs do.

mod audit;
mod backup;
mod bearer;
mod browser;
mod cluster;
mod desync;
mod differential;
mod documents;
mod doors;
mod embed;
mod expiry;
mod faults;
mod gateway;
mod heart;
mod hostile;
mod http2;
mod integrations;
mod keys;
mod limits;
mod nodes;
mod operation;
mod operator;
mod operators;
mod quotas;
mod races;
mod regressions;
mod roles;
mod rotation;
mod secrets;
mod security;
#[expect(dead_code, reason = "some of it is for the long test, bench/chaos")]
mod support;
mod tidy;
mod upstream;
mod upstreams;
mod wire;
