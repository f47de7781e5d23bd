//! A new phone takes over from the old one: there is no moment without a phone that answers, and none with two.

#![cfg(test)]

mod interrupted;
mod opening_code;
mod orders;
mod refused;
mod story;
mod world;
