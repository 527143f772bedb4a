//! The server for Asterisk's outbound WebSockets.

mod common;

use std::net::SocketAddr;

use common::{Line, empty, names, next, until_live};
use http::HeaderValue;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use trunkline_ari::server::{Server, ServerConfig, listen};

const GOOD: &str = "Basic YXN0ZXJpc2s6d29yZA==";

async fn server() -> Server {
    listen(ServerConfig::new(([127, 0, 0, 1], 0).into(), "asterisk", "word")).await.unwrap()
}

/// Calls as Asterisk does.
async fn call(address: SocketAddr, authorization: Option<&str>, protocol: Option<&str>) -> Result<Line, u16> {
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    if let Some(value) = authorization {
        request.headers_mut().insert("authorization", HeaderValue::from_str(value).unwrap());
    }
    if let Some(value) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(value).unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(Line::start(socket, Default::default(), empty)),
        Err(WsError::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn register(line: &Line, application: &str) {
    let event = json!({"type": "ApplicationRegistered", "application": application, "asterisk_id": "one"});
    line.send(event.to_string()).await;
}

#[tokio::test]
async fn who_does_not_know_the_password_is_refused() {
    let server = server().await;
    let address = server.local_addr();
    assert_eq!(call(address, None, Some("ari")).await.err(), Some(401));
    assert_eq!(call(address, Some("Basic d3Jvbmc6d3Jvbmc="), Some("ari")).await.err(), Some(401));
    assert_eq!(call(address, Some(GOOD), None).await.err(), Some(400));
    assert!(call(address, Some(GOOD), Some("ari")).await.is_ok());
}

#[tokio::test]
async fn an_asterisk_that_comes_back_is_the_same_session() {
    let mut server = server().await;
    let line = call(server.local_addr(), Some(GOOD), Some("ari")).await.unwrap();
    register(&line, "app").await;
    let mut caller = server.accept().await.unwrap();
    assert_eq!((caller.application.as_str(), caller.asterisk_id.as_deref()), ("app", Some("one")));
    assert_eq!(
        names(&until_live(&mut caller.updates).await),
        ["connecting", "syncing", "snapshot", "event ApplicationRegistered", "live"]
    );
    assert_eq!(caller.client.asterisk().ping().await.unwrap().ping, "pong");

    line.cut();
    let line = call(server.local_addr(), Some(GOOD), Some("ari")).await.unwrap();
    register(&line, "app").await;
    assert_eq!(
        names(&until_live(&mut caller.updates).await),
        ["backoff", "connecting", "syncing", "gap", "snapshot", "event ApplicationRegistered", "live"]
    );

    // It calls again without having hung up: the old socket counts for nothing.
    let newer = call(server.local_addr(), Some(GOOD), Some("ari")).await.unwrap();
    register(&newer, "app").await;
    until_live(&mut caller.updates).await;
    newer.send_event("FromTheNewSocket", json!({})).await;
    assert_eq!(names(&[next(&mut caller.updates).await]), ["event FromTheNewSocket"]);
    drop(line);
}

#[tokio::test]
async fn each_call_of_a_connection_per_call_is_a_session_that_ends_with_it() {
    let mut server = server().await;
    for channel in ["Local/1;1", "Local/2;1"] {
        let line = call(server.local_addr(), Some(GOOD), Some("ari")).await.unwrap();
        register(&line, &format!("app:{channel}")).await;
        let mut caller = server.accept().await.unwrap();
        assert_eq!(caller.application, format!("app:{channel}"));
        until_live(&mut caller.updates).await;
        line.cut();
        let mut rest = Vec::new();
        while let Some(update) = caller.updates.next().await {
            rest.push(update);
        }
        assert_eq!(names(&rest), ["backoff", "connecting"]);
    }
}

#[tokio::test]
async fn two_asterisks_are_two_sessions() {
    let mut server = server().await;
    let first = call(server.local_addr(), Some(GOOD), Some("ari")).await.unwrap();
    register(&first, "app").await;
    let _first_caller = server.accept().await.unwrap();
    let second = call(server.local_addr(), Some(GOOD), Some("ari")).await.unwrap();
    second.send(json!({"type": "ApplicationRegistered", "application": "app", "asterisk_id": "two"}).to_string()).await;
    assert_eq!(server.accept().await.unwrap().asterisk_id.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let server = server().await;
    let error = listen(ServerConfig::new(server.local_addr(), "asterisk", "word")).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {}", server.local_addr())), "{error}");
}
