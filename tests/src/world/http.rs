//! The world for suites in other languages: each step is a POST, over loopback.

use super::World;
use axum::extract::{Path as Segment, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Every world that has begun, by its number.
struct Worlds {
    folder: PathBuf,
    begun: Mutex<BTreeMap<u64, Arc<Mutex<World>>>>,
}

type Answer = (StatusCode, Json<Value>);

/// Serves worlds whose files are under `folder`: `POST /worlds` begins one, `POST /worlds/N` does a step in it,
/// `DELETE /worlds/N` ends it.
///
/// # Errors
/// The listener's.
pub async fn serve(listener: TcpListener, folder: PathBuf) -> std::io::Result<()> {
    let worlds = Arc::new(Worlds { folder, begun: Mutex::default() });
    let router = Router::new()
        .route("/worlds", routing::post(begin))
        .route("/worlds/{number}", routing::post(step).delete(end))
        .with_state(worlds);
    axum::serve(listener, router).await
}

async fn begin(State(worlds): State<Arc<Worlds>>) -> Answer {
    let world = World::begin(&worlds.folder).await;
    let folder = world.folder().to_owned();
    let mut begun = worlds.begun.lock().await;
    let number = begun.keys().last().map_or(1, |last| last + 1);
    begun.insert(number, Arc::new(Mutex::new(world)));
    (StatusCode::CREATED, Json(json!({ "number": number, "folder": folder })))
}

async fn step(State(worlds): State<Arc<Worlds>>, Segment(number): Segment<u64>, Json(step): Json<Value>) -> Answer {
    let Some(world) = worlds.begun.lock().await.get(&number).cloned() else {
        return (StatusCode::NOT_FOUND, Json(json!({ "fault": "there is no such world" })));
    };
    match world.lock().await.step(&step).await {
        Ok(came) => (StatusCode::OK, Json(came)),
        Err(fault) => (StatusCode::BAD_REQUEST, Json(json!({ "fault": fault }))),
    }
}

async fn end(State(worlds): State<Arc<Worlds>>, Segment(number): Segment<u64>) -> StatusCode {
    worlds.begun.lock().await.remove(&number);
    StatusCode::NO_CONTENT
}
