//! The description at `/openapi.json`: as it was reviewed last, and true of every answer of the server.

#![cfg(test)]

mod answers;
mod generate;
mod reviewed;
mod schema;
