//! Apple's network.

mod by_hand;
mod gateway;
mod payload;
mod registrations;
mod simulator;
