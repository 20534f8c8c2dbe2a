//! The console in process: its pages, its refusals, and what each caller is permitted. What a gateway, a proxy, or a
//! browser does is tested with the binary, in the folder `tests` of the repository.

mod accounts;
mod alerts;
mod api;
mod api_docs;
mod attempts;
mod audit;
mod callers;
mod factors;
mod failing_clients;
mod help;
mod languages;
mod leaks;
mod leaks_by_anyone;
mod lists;
mod moving;
mod notices;
mod pages;
mod refusals;
mod responses;
mod selection;
mod sessions;
mod tokens;
mod two_tabs;
mod usage;
mod users;
mod world;
