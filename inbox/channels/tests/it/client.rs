//! The client against servers that misbehave.

use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use trunkline_channels::adapter::{Body, Request};
use trunkline_channels::client::{
    Cause, Client, Content, DownloadError, Downloaded, Files, Limits, NoFiles, SendError, Timing,
};

const TOKEN: &str = "123456:SECRET-of-a-bot";

/// A server whose answers are written by hand. Each connection is read up to the end of a request's head (and as much of its body as is announced).
async fn serve<F, T>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream, String, Vec<u8>) -> T + Send + Sync + Clone + 'static,
    T: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                let end = loop {
                    if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                        break end + 4;
                    }
                    if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                        return;
                    }
                };
                let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
                let mut body = seen.split_off(end);
                while body.len() < length {
                    if stream.read_buf(&mut body).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                answer(stream, head, body).await;
            });
        }
    });
    address
}

async fn say(mut stream: TcpStream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    let _ = stream.shutdown().await;
}

fn client() -> Client {
    Client::new(Timing {
        connect: Duration::from_millis(500),
        total: Duration::from_millis(1500),
        idle: Duration::from_millis(700),
        ..Timing::default()
    })
}

fn request(address: SocketAddr, path: &str) -> Request {
    Request {
        method: Method::POST,
        url: format!("http://{address}/bot{TOKEN}/{path}"),
        headers: HeaderMap::new(),
        body: Body::Json(json!({ "text": "Hello" })),
        name: "messages.send",
        repeatable: false,
    }
}

/// Neither in `{}` nor in `{:?}`.
fn keeps_quiet(error: &(impl std::fmt::Debug + std::fmt::Display)) {
    let told = format!("{error} {error:?}");
    assert!(!told.contains("SECRET") && !told.contains("bot"), "{told}");
}

#[tokio::test]
async fn an_answer_comes_with_its_status_and_its_headers() {
    let address = serve(|stream, head, body| async move {
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(body, br#"{"text":"Hello"}"#);
        say(stream, "429 Too Many Requests\r\nretry-after: 7", b"{\"ok\":false}").await;
    })
    .await;
    let reply = client().send(request(address, "sendMessage"), &NoFiles).await.unwrap();
    assert_eq!((reply.status, &reply.body[..]), (429, &b"{\"ok\":false}"[..]));
    assert_eq!(reply.answer().retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    // Bound and dropped: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client().send(request(address, "sendMessage"), &NoFiles).await.unwrap_err();
    assert!(matches!(error, SendError::NotSent(Cause::Connect(_))), "{error:?}");
    assert!(error.is_safe_to_repeat());
    keeps_quiet(&error);
}

#[tokio::test]
async fn an_unknown_name_was_not_sent() {
    let mut request = request("127.0.0.1:1".parse().unwrap(), "x");
    request.url = format!("https://nowhere.invalid/bot{TOKEN}/x");
    let error = Client::new(Timing::default()).send(request, &NoFiles).await.unwrap_err();
    assert_eq!(error, SendError::NotSent(Cause::Name));
    keeps_quiet(&error);
}

#[tokio::test]
async fn an_address_that_is_none_was_not_sent() {
    for url in ["", "/x", "ftp://host/x", "http://", "http://a b/x", "data:,x"] {
        let mut request = request("127.0.0.1:1".parse().unwrap(), "x");
        request.url = format!("{url}{TOKEN}");
        let result = client().send(request, &NoFiles).await;
        let error = result.unwrap_err();
        assert!(error.is_safe_to_repeat(), "{url} {error:?}");
        keeps_quiet(&error);
    }
}

#[tokio::test]
async fn tls_with_who_speaks_none_was_not_sent() {
    let address = serve(|_, _, _| async {}).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = plain.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let mut request = request(address, "x");
    request.url = format!("https://{other}/bot{TOKEN}/x");
    let error = client().send(request, &NoFiles).await.unwrap_err();
    assert!(error.is_safe_to_repeat(), "{error:?}");
    keeps_quiet(&error);
}

#[tokio::test]
async fn silence_after_the_request_is_uncertain_and_ends_in_time() {
    let address = serve(|stream, _, _| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    let began = Instant::now();
    let error = client().send(request(address, "sendMessage"), &NoFiles).await.unwrap_err();
    assert_eq!(error, SendError::NoAnswer(Cause::TimedOut));
    assert!(!error.is_safe_to_repeat());
    assert!(began.elapsed() < Duration::from_secs(10));
    keeps_quiet(&error);
}

#[tokio::test]
async fn a_connection_that_never_opens_was_not_sent() {
    // A backlog of one that nobody takes from: further connections hang, or are refused. Either way nothing leaves.
    let mut request = request("127.0.0.1:1".parse().unwrap(), "x");
    request.url = format!("http://192.0.2.1/bot{TOKEN}/x");
    let error = client().send(request, &NoFiles).await.unwrap_err();
    assert!(error.is_safe_to_repeat(), "{error:?}");
    keeps_quiet(&error);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_uncertain() {
    let cuts: [&'static [u8]; 4] = [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ok",
    ];
    for cut in cuts {
        let address = serve(move |mut stream, _, _| async move {
            let _ = stream.write_all(cut).await;
        })
        .await;
        let error = client().send(request(address, "sendMessage"), &NoFiles).await.unwrap_err();
        assert!(matches!(error, SendError::NoAnswer(Cause::Closed(_))), "{error:?}");
        keeps_quiet(&error);
    }
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_not_read() {
    for announced in [true, false] {
        let address = serve(move |mut stream, _, _| async move {
            let head = if announced { "content-length: 10485760" } else { "connection: close" };
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes()).await;
            let piece = vec![b'x'; 64 * 1024];
            for _ in 0..160 {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
            }
        })
        .await;
        let error = client().send(request(address, "sendMessage"), &NoFiles).await.unwrap_err();
        assert_eq!(error, SendError::NoAnswer(Cause::TooLarge { status: 200, limit: 1024 * 1024 }));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let other = serve(|_, _, _| async { panic!("it was followed") }).await;
    let address = serve(move |stream, _, _| async move {
        say(stream, &format!("307 Temporary Redirect\r\nlocation: http://{other}/"), b"").await;
    })
    .await;
    let reply = client().send(request(address, "sendMessage"), &NoFiles).await.unwrap();
    assert_eq!(reply.status, 307);
}

/// Files of given bytes; the second kind fails in its middle.
struct Given(Vec<u8>);

impl Files for Given {
    async fn open(&self, key: &str) -> io::Result<Content> {
        match key {
            "whole" => Ok(Box::new(io::Cursor::new(self.0.clone()))),
            "broken" => {
                let broken = tokio_util::io::StreamReader::new(futures_util::stream::iter([
                    Ok(bytes::Bytes::from_static(b"half")),
                    Err(io::Error::other("the disk is gone")),
                ]));
                Ok(Box::new(broken))
            }
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    }
}

fn upload(address: SocketAddr, key: &str, size: u64) -> Request {
    let mut request = request(address, "media");
    request.body = Body::File {
        fields: vec![("messaging_product".to_owned(), "whatsapp".to_owned())],
        field: "file",
        key: key.to_owned(),
        file_name: "a \"b\"\r\nc: d.png".to_owned(),
        mime: "image/png".to_owned(),
        size,
    };
    request
}

#[tokio::test]
async fn a_file_is_streamed_as_multipart_with_its_length() {
    let address = serve(|stream, head, body| async move {
        let boundary = head.split("boundary=").nth(1).unwrap().lines().next().unwrap();
        let text = String::from_utf8_lossy(&body);
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4, "{text}");
        assert!(parts[1].contains("name=\"messaging_product\"\r\n\r\nwhatsapp\r\n"), "{text}");
        assert!(
            parts[2].contains("name=\"file\"; filename=\"a %22b%22%0D%0Ac: d.png\"\r\nContent-Type: image/png\r\n\r\n")
        );
        assert!(parts[2].ends_with(&format!("\r\n\r\n{}\r\n", "p".repeat(300_000))));
        assert_eq!(parts[3], "--\r\n");
        assert!(!head.contains("transfer-encoding"), "{head}");
        say(stream, "200 OK", b"{\"id\":\"1\"}").await;
    })
    .await;
    let files = Given(vec![b'p'; 300_000]);
    let reply = client().send(upload(address, "whole", 300_000), &files).await.unwrap();
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_file_that_is_not_what_was_said_breaks_off() {
    let files = Given(vec![b'p'; 300_000]);
    for (key, size) in [("whole", 299_999), ("whole", 300_001), ("broken", 300_000)] {
        let address = serve(move |stream, head, body| async move {
            // Whatever came, it is not a whole request.
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
            if body.len() >= length {
                say(stream, "200 OK", b"{\"id\":\"1\"}").await;
            }
        })
        .await;
        let error = client().send(upload(address, key, size), &files).await.unwrap_err();
        assert!(matches!(error, SendError::NoAnswer(Cause::File(_))), "{key} {size} {error:?}");
    }
    let error = client().send(upload("127.0.0.1:1".parse().unwrap(), "none", 1), &files).await.unwrap_err();
    assert!(matches!(error, SendError::NotSent(Cause::File(_))), "{error:?}");
}

async fn fetch(address: SocketAddr, size: u64, sha256: Option<&str>) -> (Result<Downloaded, DownloadError>, Vec<u8>) {
    let base = format!("http://{address}");
    let mut to = Vec::new();
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer SECRET"));
    let limits = Limits { size, api_base: &base, sha256 };
    let result = client().download(&format!("{base}/file"), &headers, limits, &mut to).await;
    if let Err(error) = &result {
        keeps_quiet(error);
    }
    (result, to)
}

#[tokio::test]
async fn a_download_is_streamed_with_its_checksum() {
    let address = serve(|stream, head, _| async move {
        assert!(head.contains("authorization: bearer secret"));
        say(stream, "200 OK\r\ncontent-type: image/jpeg", &vec![7; 3_000_000]).await;
    })
    .await;
    let sum = crate::conformance::hex(&Sha256::digest(vec![7; 3_000_000]));
    let (result, to) = fetch(address, 3_000_000, Some(&sum)).await;
    let told = Downloaded { size: 3_000_000, sha256: sum, mime: Some("image/jpeg".to_owned()) };
    assert_eq!(result, Ok(told));
    assert_eq!(to.len(), 3_000_000);
    assert_eq!(fetch(address, 3_000_000, Some("00")).await.0, Err(DownloadError::Checksum));
    assert_eq!(fetch(address, 2_999_999, None).await.0, Err(DownloadError::TooLarge { limit: 2_999_999 }));
}

#[tokio::test]
async fn a_download_without_a_length_is_limited_too() {
    let address = serve(|mut stream, _, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
        let piece = vec![1; 64 * 1024];
        while stream.write_all(&piece).await.is_ok() {}
    })
    .await;
    let (result, to) = fetch(address, 1_000_000, None).await;
    assert_eq!(result, Err(DownloadError::TooLarge { limit: 1_000_000 }));
    assert!(to.len() <= 1_000_000);
}

#[tokio::test]
async fn a_download_that_stalls_breaks_or_fails_says_so() {
    let stalled = serve(|mut stream, _, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    })
    .await;
    assert_eq!(fetch(stalled, 100, None).await.0, Err(DownloadError::Broken(Cause::TimedOut)));
    let cut = serve(|mut stream, _, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    })
    .await;
    assert!(matches!(fetch(cut, 100, None).await.0, Err(DownloadError::Broken(Cause::Closed(_)))));
    let down = serve(|stream, _, _| async move { say(stream, "503 Down\r\nretry-after: 3", b"later").await }).await;
    let after = Some(Duration::from_secs(3));
    assert_eq!(fetch(down, 100, None).await.0, Err(DownloadError::Status { status: 503, after }));
}

#[tokio::test]
async fn a_download_follows_three_redirects_of_its_own_server_and_no_fourth() {
    let address = serve(|stream, head, _| async move {
        let hop: u32 = head.split("hop").nth(1).map_or(0, |rest| rest[..1].parse().unwrap());
        let last = if head.contains("long") { 4 } else { 3 };
        if hop == last {
            say(stream, "200 OK", b"here").await;
        } else {
            let long = if head.contains("long") { "long" } else { "" };
            say(stream, &format!("302 Found\r\nlocation: /{long}hop{}", hop + 1), b"").await;
        }
    })
    .await;
    let (result, to) = fetch(address, 100, None).await;
    assert!(result.is_ok() && to == b"here", "{result:?}");
    let base = format!("http://{address}");
    let limits = Limits { size: 100, api_base: &base, sha256: None };
    let result = client().download(&format!("{base}/long"), &HeaderMap::new(), limits, &mut Vec::new()).await;
    assert_eq!(result, Err(DownloadError::Redirects));
}

#[tokio::test]
async fn a_download_goes_nowhere_but_to_https_and_home() {
    let other = serve(|_, _, _| async { panic!("it was fetched") }).await;
    let address = serve(move |stream, _, _| async move {
        say(stream, &format!("302 Found\r\nlocation: http://{other}/secret"), b"").await;
    })
    .await;
    assert_eq!(fetch(address, 100, None).await.0, Err(DownloadError::Address));
    let limits = Limits { size: 100, api_base: "https://graph.facebook.com", sha256: None };
    let inside = [
        "http://example.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://localhost/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://0.0.0.0/x",
        "https://100.64.0.1/x",
        "https://[fe80::1]/",
        "https://2130706433/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "",
    ];
    for url in inside {
        let result = client().download(url, &HeaderMap::new(), limits, &mut Vec::new()).await;
        assert_eq!(result, Err(DownloadError::Address), "{url}");
    }
}
