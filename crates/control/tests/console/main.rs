//! The console in process: its pages, its refusals, and what each caller is permitted. What a gateway, a proxy, or a
//! browser does is tested with the binary, in the folder `tests` of the repository.

mod attempts;
mod callers;
mod factors;
mod languages;
mod pages;
mod refusals;
mod two_tabs;
mod world;
