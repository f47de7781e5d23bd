//! Pushes: through each network as its simulator plays it, to several places, and over a change of keys.

#![cfg(test)]

mod apns;
mod fcm;
mod lanes;
mod registrations;
mod scene;
mod vapid;
mod webpush;
