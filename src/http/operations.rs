//! What operators and their machines ask: is it alive, is it ready, what does it count. It knows no session.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::base::{Error, ErrorKind, Result};

/// What the endpoints answer from.
pub struct Operations {
    ready: AtomicBool,
    metrics: fn() -> String,
}

impl Operations {
    /// Not ready yet; `metrics` renders Prometheus' text format.
    pub fn new(metrics: fn() -> String) -> Arc<Operations> {
        Arc::new(Operations { ready: AtomicBool::new(false), metrics })
    }

    /// Says whether new clients should be sent here: after the start, and until the server drains.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// Serves the endpoints on `listener` until `stop` ends.
pub async fn serve(
    listener: TcpListener,
    operations: Arc<Operations>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    axum::serve(listener, router(operations)).with_graceful_shutdown(stop).await.map_err(|error| {
        Error::new(ErrorKind::IoError, "metrics and health cannot be served").caused_by(error)
    })
}

fn router(operations: Arc<Operations>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(operations)
}

async fn metrics(State(operations): State<Arc<Operations>>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (operations.metrics)()).into_response()
}

async fn live() -> &'static str {
    "alive\n"
}

async fn ready(State(operations): State<Arc<Operations>>) -> (StatusCode, &'static str) {
    if operations.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn readiness_follows_the_flag() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let operations = Operations::new(|| "lakegate_connections 3\n".to_owned());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, Arc::clone(&operations), async {
            let _ = stopped.await;
        }));
        assert!(ask(address, "/health/live").await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, "/health/ready").await.starts_with("HTTP/1.1 503"));
        operations.set_ready(true);
        assert!(ask(address, "/health/ready").await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, "/metrics").await.ends_with("lakegate_connections 3\n"));
        assert!(ask(address, "/other").await.starts_with("HTTP/1.1 404"));
        drop(stop);
        server.await.unwrap().unwrap();
    }
}
