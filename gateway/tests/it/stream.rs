use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use trunkline::stream::Timing;
use trunkline_db::{AgentId, Role};
use trunkline_journal::Scope;

use crate::support::{App, Options, Socket};

async fn ticket(app: &App) -> String {
    let answer = app.operator().await.post("/api/v1/stream/tickets", &json!({})).await;
    answer.json::<Value>().await.unwrap()["ticket"].as_str().unwrap().to_owned()
}

fn refused_with(result: Result<Socket, Error>) -> u16 {
    match result.map(|_| ()) {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("an HTTP refusal was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn a_client_says_where_it_is_and_gets_each_event_once_in_order() {
    let app = App::start().await;
    let admin = app.admin().await;
    for _ in 0..3 {
        app.append(Scope::Tenant).await;
    }
    let (mut socket, hello) = Socket::subscribed(&app, &admin.token, json!({ "type": "subscribe", "after": 1 })).await;
    assert_eq!((&hello["head"], &hello["oldest"]), (&3.into(), &1.into()));
    for seq in [2, 3] {
        let frame = socket.json().await;
        assert_eq!((&frame["type"], &frame["event"]["seq"]), (&"event".into(), &seq.into()));
        assert_eq!(frame["event"]["kind"], "call.started");
    }
    assert_eq!(socket.json().await, json!({ "type": "caught_up", "seq": 3 }));
    app.append(Scope::Tenant).await;
    assert_eq!(socket.json().await["event"]["seq"], 4);

    // Away and back again: exactly what was missed.
    drop(socket);
    app.append(Scope::Tenant).await;
    let epoch = hello["epoch"].clone();
    let subscribe = json!({ "type": "subscribe", "after": 4, "epoch": epoch });
    let (mut socket, _) = Socket::subscribed(&app, &admin.token, subscribe).await;
    assert_eq!(socket.json().await["event"]["seq"], 5);
    assert_eq!(socket.json().await["type"], "caught_up");
}

#[tokio::test]
async fn without_a_position_only_what_comes_next_is_shown() {
    let app = App::start().await;
    let admin = app.admin().await;
    app.append(Scope::Tenant).await;
    let (mut socket, _) = Socket::subscribed(&app, &admin.token, json!({ "type": "subscribe" })).await;
    assert_eq!(socket.json().await, json!({ "type": "caught_up", "seq": 1 }));
    app.append(Scope::Tenant).await;
    assert_eq!(socket.json().await["event"]["seq"], 2);
}

#[tokio::test]
async fn a_client_that_counts_events_and_skipped_sees_no_gap() {
    let app = App::start().await;
    let operator = app.operator().await;
    let (mine, others) = (Scope::Agent(AgentId::from(operator.id)), Scope::Agent(AgentId::new()));
    for scope in [others, mine, others, others, mine, others] {
        app.append(scope).await;
    }
    let (mut socket, _) = Socket::subscribed(&app, &operator.token, json!({ "type": "subscribe", "after": 0 })).await;
    let mut at = 0;
    let mut events = Vec::new();
    loop {
        let frame = socket.json().await;
        match frame["type"].as_str().unwrap() {
            "event" => {
                let seq = frame["event"]["seq"].as_i64().unwrap();
                assert_eq!(seq, at + 1, "no gap");
                at = seq;
                events.push(seq);
            }
            "skipped" => at = frame["through"].as_i64().unwrap(),
            "caught_up" => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!((at, events), (6, vec![2, 5]));
    // Live, too: told at the latest after 5 s.
    app.append(others).await;
    assert_eq!(socket.json().await, json!({ "type": "skipped", "through": 7 }));
}

#[tokio::test]
async fn kinds_are_filtered_and_a_new_subscription_replaces_the_old() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    app.append(Scope::Tenant).await;
    let made = admin.post("/api/v1/teams", &json!({ "name": "North" })).await;
    assert_eq!(made.status(), reqwest::StatusCode::CREATED);
    let subscribe = json!({ "type": "subscribe", "after": 0, "kinds": ["team.*"] });
    let (mut socket, _) = Socket::subscribed(&app, &operator.token, subscribe).await;
    assert_eq!(socket.json().await, json!({ "type": "skipped", "through": 1 }));
    assert_eq!(socket.json().await["event"]["kind"], "team.created");
    assert_eq!(socket.json().await["type"], "caught_up");
    socket.subscribe_after(0).await;
    assert_eq!(socket.json().await["event"]["seq"], 1);
    assert_eq!(socket.json().await["event"]["seq"], 2);
}

#[tokio::test]
async fn positions_that_cannot_be_resumed_are_reset_with_their_reason() {
    let app = App::start().await;
    let admin = app.admin().await;
    for _ in 0..3 {
        app.append(Scope::Tenant).await;
    }
    let mut owner = app.owner().await;
    sqlx::query("UPDATE journal_heads SET oldest = 3").execute(&mut owner).await.unwrap();
    let mut socket = Socket::open(&app, &admin.token).await;
    socket.json_of("hello").await;
    let other = uuid::Uuid::now_v7();
    for (subscribe, reason) in [
        (json!({ "type": "subscribe", "after": 2, "epoch": other }), "epoch"),
        (json!({ "type": "subscribe", "after": 99 }), "ahead"),
        (json!({ "type": "subscribe", "after": 1 }), "truncated"),
        (json!({ "type": "subscribe", "after": 2, "after_id": other }), "diverged"),
    ] {
        socket.send(&subscribe).await;
        assert_eq!(socket.json().await, json!({ "type": "reset", "reason": reason }));
    }
    // The connection is good for another try.
    socket.subscribe_after(2).await;
    assert_eq!(socket.json().await["event"]["seq"], 3);
}

#[tokio::test]
async fn a_ticket_opens_the_stream_once() {
    let app = App::start().await;
    let ticket = ticket(&app).await;
    let query = format!("?ticket={ticket}");
    let mut socket = Socket::try_open(&app, &query, None).await.unwrap();
    assert_eq!(socket.json().await["type"], "hello");
    assert_eq!(refused_with(Socket::try_open(&app, &query, None).await), 401);
    assert_eq!(refused_with(Socket::try_open(&app, "?ticket=nonsense", None).await), 401);
    assert_eq!(refused_with(Socket::try_open(&app, "", None).await), 401);
}

#[tokio::test]
async fn a_ticket_past_its_time_opens_nothing() {
    let app = App::start().await;
    let ticket = ticket(&app).await;
    let mut owner = app.owner().await;
    sqlx::query("UPDATE stream_tickets SET expires_at = now()").execute(&mut owner).await.unwrap();
    assert_eq!(refused_with(Socket::try_open(&app, &format!("?ticket={ticket}"), None).await), 401);
}

#[tokio::test]
async fn garbage_is_answered_with_words_and_closed_as_a_bad_frame() {
    let app = App::start().await;
    let token = app.operator().await.token;
    for garbage in [
        Message::text("garbage"),
        Message::text(r#"{"type":"publish"}"#),
        Message::text(r#"{"type":"subscribe","after":-1}"#),
        Message::binary(vec![1, 2, 3]),
        Message::text(format!(r#"{{"type":"auth","token":"{}"}}"#, "x".repeat(70_000))),
    ] {
        let mut socket = Socket::open(&app, &token).await;
        socket.json_of("hello").await;
        socket.send_raw(garbage).await;
        assert_eq!(socket.json().await["type"], "error");
        assert_eq!(socket.closed().await.code, 4400);
    }
    assert_eq!(app.state.streams.open(), 0);
}

/// Opens the stream by hand and returns the bare socket behind the 101.
async fn bare_socket(app: &App, token: &str) -> TcpStream {
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let host = app.address;
    let handshake = format!(
        "GET /api/v1/stream HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    socket.write_all(handshake.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket
}

/// Reads server frames until the close frame; its code.
async fn close_code(socket: &mut TcpStream) -> u16 {
    loop {
        let (opcode, short) = (socket.read_u8().await.unwrap() & 0x0F, socket.read_u8().await.unwrap());
        let length = match short {
            126 => u64::from(socket.read_u16().await.unwrap()),
            127 => socket.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        socket.read_exact(&mut payload).await.unwrap();
        if opcode == 8 {
            return u16::from_be_bytes([payload[0], payload[1]]);
        }
    }
}

#[tokio::test]
async fn a_breach_of_the_protocol_itself_is_closed_as_one() {
    let app = App::start().await;
    let token = app.operator().await.token;
    // An unmasked frame, reserved bits, text that is no UTF-8.
    let not_utf8 = [0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28];
    for (bytes, code) in [([0x81, 0x00].as_slice(), 1002), (&[0xF1, 0x80, 0, 0, 0, 0], 1002), (&not_utf8, 1007)] {
        let mut socket = bare_socket(&app, &token).await;
        socket.write_all(bytes).await.unwrap();
        assert_eq!(close_code(&mut socket).await, code);
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_and_costs_the_others_nothing() {
    let timing = Timing { not_reading: Duration::from_millis(600), ..Timing::default() };
    let app = App::start_with(Options { timing, ..Options::default() }).await;
    let admin = app.admin().await;
    let mut stuck = bare_socket(&app, &admin.token).await;
    let subscribe = br#"{"type":"subscribe"}"#;
    let mut frame = vec![0x81, 0x80 | subscribe.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(subscribe);
    stuck.write_all(&frame).await.unwrap();
    let (mut reader, _) = Socket::subscribed(&app, &admin.token, json!({ "type": "subscribe" })).await;
    assert_eq!(reader.json().await["type"], "caught_up");

    // More than the kernel holds for one socket.
    let (tenant, journal) = (app.tenant, app.state.journal.clone());
    let writer = tokio::spawn(async move {
        use trunkline_journal::{Kind, NewEvent, Ref};
        let event = || {
            let subject = Ref::new("call", uuid::Uuid::now_v7());
            NewEvent::new(Kind::from_static("call.started"), subject, json!({ "text": "x".repeat(15_000) }))
        };
        for _ in 0..40 {
            journal.append(tenant, (0..20).map(|_| event()).collect()).await.unwrap();
        }
    });
    for seq in 1..=800 {
        assert_eq!(reader.json_of("event").await["event"]["seq"], seq);
    }
    writer.await.unwrap();
    while app.state.streams.open() > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let code = tokio::time::timeout(Duration::from_secs(10), close_code(&mut stuck)).await.unwrap();
    assert_eq!(code, 1013);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed() {
    let timing = Timing { ping_every: Duration::from_millis(100), not_reading: Duration::from_millis(300) };
    let app = App::start_with(Options { timing, ..Options::default() }).await;
    let mut silent = bare_socket(&app, &app.operator().await.token).await;
    assert_eq!(close_code(&mut silent).await, 1013);
}

#[tokio::test]
async fn the_stream_ends_with_its_token_unless_a_fresh_one_comes() {
    let app = App::start().await;
    let operator = app.operator().await;
    let short = app.token(operator.id, Role::Operator, 2);
    let mut ending = Socket::open(&app, &short).await;
    let mut renewed = Socket::open(&app, &short).await;
    renewed.send(&json!({ "type": "auth", "token": operator.token })).await;
    let closed = ending.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (4401, "the access token has expired"));
    renewed.json_of("hello").await;
    renewed.subscribe_after(0).await;
    assert_eq!(renewed.json().await["type"], "caught_up");
}

#[tokio::test]
async fn only_a_valid_token_of_the_same_user_renews() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    for (token, code) in [(admin.token.as_str(), 4403), ("nonsense", 4401)] {
        let mut socket = Socket::open(&app, &operator.token).await;
        socket.send(&json!({ "type": "auth", "token": token })).await;
        assert_eq!(socket.closed().await.code, code);
    }
}

#[tokio::test]
async fn signing_out_ends_the_streams_of_the_sign_in_at_once() {
    let app = App::start().await;
    let (first, second) = (app.operator().await, app.operator().await);
    let mut ending = Socket::open(&app, &first.token).await;
    let mut staying = Socket::open(&app, &second.token).await;
    first.post("/api/v1/auth/logout", &json!({})).await;
    assert_eq!(ending.closed().await.code, 4401);
    staying.json_of("hello").await;
    staying.subscribe_after(0).await;
    assert_eq!(staying.json().await["type"], "caught_up");
}

#[tokio::test]
async fn a_user_holds_so_many_streams_and_no_more() {
    let app = App::start_with(Options { max_streams_per_user: 2, ..Options::default() }).await;
    let operator = app.operator().await;
    let _first = Socket::open(&app, &operator.token).await;
    let _second = Socket::open(&app, &operator.token).await;
    let mut third = Socket::open(&app, &operator.token).await;
    assert_eq!(third.closed().await.code, 4429);
    let mut admin = Socket::open(&app, &app.admin().await.token).await;
    assert_eq!(admin.json().await["type"], "hello");
}

#[tokio::test]
async fn a_client_that_floods_is_closed() {
    let app = App::start().await;
    let mut socket = Socket::open(&app, &app.operator().await.token).await;
    for _ in 0..201 {
        socket.send(&json!({ "type": "subscribe" })).await;
    }
    assert_eq!(socket.closed().await.code, 4429);
}

#[tokio::test]
async fn changed_grants_reset_the_users_streams() {
    let app = App::start().await;
    let operator = app.operator().await;
    let (mut socket, _) = Socket::subscribed(&app, &operator.token, json!({ "type": "subscribe" })).await;
    assert_eq!(socket.json().await["type"], "caught_up");
    let mut owner = app.owner().await;
    sqlx::query("DELETE FROM queue_members WHERE agent_id = $1").bind(operator.id).execute(&mut owner).await.unwrap();
    assert_eq!(socket.json_of("reset").await["reason"], "permissions");
    socket.subscribe_after(0).await;
    assert_eq!(socket.json().await["type"], "caught_up");
}

#[tokio::test]
async fn a_stopping_server_says_goodbye() {
    let mut app = App::start().await;
    let operator = app.operator().await;
    let mut socket = Socket::open(&app, &operator.token).await;
    socket.json_of("hello").await;
    app.stop().await;
    assert_eq!(socket.closed().await.code, 1001);
}

#[tokio::test]
async fn what_is_no_handshake_of_ours_is_told_so() {
    let app = App::start().await;
    let operator = app.operator().await;
    assert_eq!(operator.get("/api/v1/stream").await.status().as_u16(), 426);
    let other = operator
        .request(reqwest::Method::GET, "/api/v1/stream")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "chat");
    assert_eq!(other.send().await.unwrap().status().as_u16(), 400);
}
