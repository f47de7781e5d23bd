//! The doors: HTTP for relying parties, devices and everybody. They translate, and decide nothing.

mod app_links;
mod description;
pub mod device;
pub mod extract;
pub mod forwarded;
mod link_page;
mod metrics;
pub mod parameter;
pub mod problem;
pub mod public;
mod qr;
pub mod relying_party;
mod request;
mod reserve;
pub mod routes;
