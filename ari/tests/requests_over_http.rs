//! Requests over HTTP, against a server that answers by the book.

use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use trunkline_ari::body::{Variable, Variables};
use trunkline_ari::model::ConfigTuple;
use trunkline_ari::values::{HangupReason, SnoopDirection};
use trunkline_ari::{Client, Config, Error, asterisk, bridges, channels};

type Seen = Arc<Mutex<Vec<(String, String, String)>>>;

/// A server that answers everything with one status and body, and the client of it.
async fn served(status: u16, body: &'static str) -> (Client, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let record = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let record = Arc::clone(&record);
            let answer = service_fn(move |request: Request<Incoming>| {
                let record = Arc::clone(&record);
                async move {
                    let authorization =
                        request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
                    let line = format!("{} {}", request.method(), request.uri());
                    let sent = request.into_body().collect().await.unwrap().to_bytes();
                    if !line.contains("/ari/events") {
                        let sent = String::from_utf8(sent.to_vec()).unwrap();
                        record.lock().unwrap().push((line, authorization.unwrap_or_default(), sent));
                    }
                    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, std::convert::Infallible>(response)
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    let config = Config::new(format!("http://{address}/ari"), "gateway", "word", ["app"]);
    let (client, _updates) = trunkline_ari::connect(config).unwrap();
    (client, seen)
}

#[tokio::test]
async fn a_request_is_written_as_ari_reads_it() {
    let (client, seen) = served(200, r#"{"id":"x","state":"Up"}"#).await;
    let params = channels::OriginateWithId::default()
        .app("app")
        .app_args("a,b c")
        .caller_id("Ann & Bob <123>")
        .timeout(15)
        .variables(Variables::from([("CALLERID(name)", "Ann")]).with("STATE", Variable::reported("1")));
    client.channels().originate_with_id("a/../b", "PJSIP/100@trunk", params).await.unwrap();
    let params = channels::SnoopChannelWithId::default().spy(SnoopDirection::In).whisper(SnoopDirection::None);
    client.channels().snoop_channel_with_id("c", "s", "app", params).await.unwrap();
    client.bridges().add_channel("br", &["a", "b"], bridges::AddChannel::default().mute(true)).await.unwrap();
    let seen: Vec<_> = seen.lock().unwrap().drain(..).collect();
    assert_eq!(
        seen[0].0,
        "POST /ari/channels/a%2F..%2Fb?endpoint=PJSIP%2F100%40trunk&app=app&appArgs=a%2Cb%20c\
         &callerId=Ann%20%26%20Bob%20%3C123%3E&timeout=15"
    );
    assert_eq!(seen[0].1, "Basic Z2F0ZXdheTp3b3Jk");
    assert_eq!(seen[0].2, r#"{"variables":{"CALLERID(name)":"Ann","STATE":{"report_events":true,"value":"1"}}}"#);
    assert_eq!(seen[1].0, "POST /ari/channels/c/snoop/s?spy=in&whisper=none&app=app");
    assert_eq!(seen[2].0, "POST /ari/bridges/br/addChannel?channel=a%2Cb&mute=true");
}

#[tokio::test]
async fn objects_are_pushed_with_their_fields() {
    let (client, seen) = served(200, "[]").await;
    let fields = [ConfigTuple::new("context", "phones"), ConfigTuple::new("allow", "ulaw")];
    let params = asterisk::UpdateObject::default().fields(fields);
    client.asterisk().update_object("res_pjsip", "endpoint", "demo-1", params).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].0, "PUT /ari/asterisk/config/dynamic/res_pjsip/endpoint/demo-1");
    assert_eq!(
        seen[0].2,
        r#"{"fields":[{"attribute":"context","value":"phones"},{"attribute":"allow","value":"ulaw"}]}"#
    );
}

#[tokio::test]
async fn statuses_become_errors_with_their_reason() {
    for (status, body, expected) in [
        (404, r#"{"message":"Channel not found"}"#, "not found: Channel not found"),
        (
            409,
            r#"{"message":"Channel not in Stasis application"}"#,
            "not in a Stasis application: Channel not in Stasis application",
        ),
        (
            422,
            r#"{"message":"Channel not in Stasis application"}"#,
            "not in a Stasis application: Channel not in Stasis application",
        ),
        (
            409,
            r#"{"message":"Channel with given unique ID already exists"}"#,
            "conflict: Channel with given unique ID already exists",
        ),
        (412, r#"{"message":"Channel in invalid state"}"#, "precondition failed: Channel in invalid state"),
        (400, "", "bad request: "),
        (401, "", "Asterisk refused the user name or password"),
        (403, r#"{"message":"Cannot update sorcery object"}"#, "forbidden: Cannot update sorcery object"),
        (500, r#"{"error":"Allocation failed"}"#, "status 500: Allocation failed"),
        (503, "<html>", "status 503: <html>"),
    ] {
        let (client, _) = served(status, body).await;
        let error = client.channels().answer("x").await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_an_error_and_no_panic() {
    let (client, _) = served(200, "[1,2").await;
    assert!(matches!(client.channels().get("x").await, Err(Error::InvalidResponse { .. })));
    client.channels().answer("x").await.unwrap();
    client.hangup("x", HangupReason::Normal).await.unwrap();
}
