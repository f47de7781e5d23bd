//! Pushes through Apple's network, as the simulator plays it.

#![cfg(test)]

mod by_hand;
mod gateway;
mod login;
mod payload;
mod scene;
mod simulator;
