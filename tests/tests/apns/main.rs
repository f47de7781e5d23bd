//! Pushes through Apple's network, as the simulator plays it.

#![cfg(test)]

mod gateway;
mod login;
mod payload;
mod scene;
mod simulator;
