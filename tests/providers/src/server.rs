//! The HTTP server under every stand-in: it reads requests, records them, does to them what the [`Faults`](crate::Faults) say, and has the
//! provider answer the rest.

use crate::faults::Fault;
use crate::request::{Payload, Reply, Request};
use crate::standin::Core;
use bytes::Bytes;
use chrono::Utc;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Bytes of a request: WhatsApp takes documents of 100 MB, and there is a form around them.
const BODY_LIMIT: usize = 128 << 20;

/// What a provider does with a request.
pub(crate) trait Provider: Send + Sync + 'static {
    fn core(&self) -> &Core;

    /// What is asked for, as far as the head tells; `messages` before the body says whether it is `messages.send`.
    fn family(&self, method: &str, path: &str) -> String;

    /// The whole name, once the body is known.
    fn name(&self, family: &str, body: &Payload) -> String;

    fn answer(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send;

    /// 429, in this provider's words.
    fn too_many(&self, retry_after: u64) -> Reply;

    /// A refusal by one of this provider's codes.
    fn refuse(&self, code: i64) -> Reply;
}

/// A socket that is bound, so that its address is known before anything is served.
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// A free port of loopback.
    pub(crate) async fn new() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Serves until it is dropped; with it end all connections.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start<P: Provider>(bound: Bound, provider: Arc<P>) -> Self {
        let task = tokio::spawn(async move {
            // Dropped with this task, and the connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = bound.listener.accept().await {
                connections.spawn(connection(stream, Arc::clone(&provider)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn connection<P: Provider>(stream: TcpStream, provider: Arc<P>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| serve(request, Arc::clone(&provider)));
    // An error here is a client that left, or a connection that a fault closes.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An error closes the connection without an answer.
async fn serve<P: Provider>(request: http::Request<Incoming>, provider: Arc<P>) -> io::Result<http::Response<Body>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let method = head.method.as_str().to_owned();
    let query = head.uri.query().unwrap_or_default();
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let core = provider.core();
    let family = provider.family(&method, &path);
    let record = |name: String, body: Payload, fault: Option<Fault>| {
        let (method, path, query, headers) = (method.clone(), path.clone(), query.clone(), headers.clone());
        core.requests.push_with(|seq| Request { seq, at: Utc::now(), name, method, path, query, headers, body, fault })
    };

    if core.faults.take_drop(family.split('.').next().unwrap_or(&family)) {
        record(family, Payload::Unread, Some(Fault::Drop));
        return Err(closed());
    }
    let whole = Limited::new(body, BODY_LIMIT).collect().await.map_err(io::Error::other)?.to_bytes();
    let content_type = headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str());
    let payload = Payload::read(content_type, &whole);
    let name = provider.name(&family, &payload);
    let fault = core.faults.take(&name);
    let request = record(name, payload, fault.clone());

    let reply = match fault {
        Some(Fault::Answer { status, body, headers, done }) => {
            if done {
                provider.answer(request).await;
            }
            let mut reply = match body {
                Value::Null => Reply { status, headers: Vec::new(), body: Bytes::new() },
                Value::String(text) => Reply::new(status, "text/plain; charset=utf-8", text),
                other => Reply::json(status, &other),
            };
            reply.headers.extend(headers);
            reply
        }
        Some(Fault::TooMany { retry_after }) => provider.too_many(retry_after),
        Some(Fault::Refuse { code }) => provider.refuse(code),
        Some(Fault::NeverAnswer { hang }) => {
            provider.answer(request).await;
            if hang {
                std::future::pending::<()>().await;
            }
            return Err(closed());
        }
        Some(Fault::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            provider.answer(request).await
        }
        Some(Fault::Cut { bytes }) => return respond(provider.answer(request).await, Some(bytes)),
        Some(Fault::Drop) | None => provider.answer(request).await,
    };
    respond(reply, None)
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed on purpose")
}

fn respond(reply: Reply, cut: Option<usize>) -> io::Result<http::Response<Body>> {
    let mut response = http::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = match cut {
        None => Full::new(reply.body).map_err(|never| match never {}).boxed_unsync(),
        Some(bytes) => {
            // What was promised is more than what comes.
            response = response.header("content-length", reply.body.len());
            let begin = reply.body.slice(..bytes.min(reply.body.len()));
            StreamBody::new(stream::iter([Ok(Frame::data(begin)), Err(closed())])).boxed_unsync()
        }
    };
    response.body(body).map_err(io::Error::other)
}
