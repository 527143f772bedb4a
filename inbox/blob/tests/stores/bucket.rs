//! A real S3 server on loopback: s3s-fs, and around it what it leaves out of S3: the list of uploads, sums and names of parts, an upload that
//! is gone, the headers of a signed address. It counts what is sent, and fails when it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use trunkline_blob::{BlobConfig, S3Config, SecretText, Sum};

const BUCKET: &str = "files";
const ACCESS_KEY: &str = "access";
pub(crate) const SECRET_KEY: &str = "a-secret-of-tests";
pub(crate) const PREFIX: &str = "trunkline/";

#[derive(Debug)]
struct Begun {
    key: String,
    at: SystemTime,
    parts: BTreeMap<i32, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    etag: ETag,
    sha256: String,
}

/// What the server knows beside the files.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    uploads: Mutex<BTreeMap<String, Begun>>,
    parts_sent: Mutex<Vec<i32>>,
    refusal: Mutex<Option<(S3ErrorCode, u16)>>,
    loses_answers: Mutex<bool>,
    lists_names: Mutex<bool>,
    held: tokio::sync::watch::Sender<Option<i32>>,
    waits: AtomicBool,
}

impl Shelf {
    /// Parts of this number get no answer until another one is held; `None`: none.
    #[allow(dead_code, reason = "the gateway's tests need it")]
    pub(crate) fn hold(&self, number: Option<i32>) {
        self.held.send_replace(number);
    }

    /// Whether a part came that is held.
    #[allow(dead_code, reason = "the gateway's tests need it")]
    pub(crate) fn holds_one(&self) -> bool {
        self.waits.load(Ordering::SeqCst)
    }

    async fn pass(&self, number: i32) {
        let mut held = self.held.subscribe();
        if *held.borrow_and_update() == Some(number) {
            self.waits.store(true, Ordering::SeqCst);
            let _ = held.wait_for(|held| *held != Some(number)).await;
        }
    }

    /// The numbers of the parts that came, since this was asked last.
    pub(crate) fn parts_sent(&self) -> Vec<i32> {
        std::mem::take(&mut self.parts_sent.lock().unwrap())
    }

    pub(crate) fn uploads(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }

    /// As if all of them had been begun earlier.
    pub(crate) fn grow_older(&self, by: Duration) {
        for begun in self.uploads.lock().unwrap().values_mut() {
            begun.at -= by;
        }
    }

    /// All that is written is refused.
    pub(crate) fn refuse(&self, code: &str, status: u16) {
        *self.refusal.lock().unwrap() = Some((S3ErrorCode::from_bytes(code.as_bytes()).unwrap(), status));
    }

    /// Nothing is refused any more.
    #[allow(dead_code, reason = "the gateway's tests need it")]
    pub(crate) fn serve(&self) {
        *self.refusal.lock().unwrap() = None;
    }

    /// The next upload is finished, and the answer says that there is no such upload: what a second attempt sees when the answer to the
    /// first was lost.
    pub(crate) fn lose_an_answer(&self) {
        *self.loses_answers.lock().unwrap() = true;
    }

    pub(crate) fn list_no_names(&self) {
        *self.lists_names.lock().unwrap() = false;
    }

    /// Begins an upload that is not of this program.
    pub(crate) fn begin_for_another(&self, key: &str) {
        let begun = Begun { key: key.to_owned(), at: SystemTime::UNIX_EPOCH, parts: BTreeMap::new() };
        self.uploads.lock().unwrap().insert(key.to_owned(), begun);
    }

    fn may_write(&self) -> S3Result<()> {
        let Some((code, status)) = self.refusal.lock().unwrap().clone() else { return Ok(()) };
        let mut error = s3s::S3Error::new(code);
        error.set_status_code(hyper::StatusCode::from_u16(status).unwrap());
        Err(error)
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) shelf: Arc<Shelf>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(root: &Path) -> Self {
        std::fs::create_dir(root.join(BUCKET)).unwrap();
        let shelf = Arc::new(Shelf { lists_names: Mutex::new(true), ..Shelf::default() });
        let bucket = Bucket { files: FileSystem::new(root).unwrap(), shelf: Arc::clone(&shelf) };
        let mut service = S3ServiceBuilder::new(bucket);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = http1::Builder::new();
                    // A client that goes away is no matter.
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { address, shelf, serving }
    }

    pub(crate) fn config(&self) -> BlobConfig {
        BlobConfig::S3(S3Config {
            bucket: BUCKET.to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: Some(format!("http://{}", self.address)),
            path_style: true,
            access_key: Some(ACCESS_KEY.to_owned()),
            secret_key: Some(SecretText::new(SECRET_KEY)),
            prefix: PREFIX.to_owned(),
            part_mib: 5,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Debug)]
struct Bucket {
    files: FileSystem,
    shelf: Arc<Shelf>,
}

impl Bucket {
    fn must_be_there(&self, upload: &str) -> S3Result<()> {
        if self.shelf.uploads.lock().unwrap().contains_key(upload) { Ok(()) } else { Err(s3_error!(NoSuchUpload)) }
    }
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.shelf.may_write()?;
        // The server underneath would make the bucket.
        if req.input.bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        assert!(req.input.checksum_sha256.is_some(), "a file without its sum");
        self.files.put_object(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let told = (
            req.input.response_content_type.clone(),
            req.input.response_content_disposition.clone(),
            req.input.response_cache_control.clone(),
        );
        let mut answer = self.files.get_object(req).await?;
        let output = &mut answer.output;
        if let (Some(kind), disposition, cache) = told {
            (output.content_type, output.content_disposition, output.cache_control) = (Some(kind), disposition, cache);
        }
        Ok(answer)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.files.head_object(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.files.delete_object(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.shelf.may_write()?;
        let key = req.input.key.clone();
        let answer = self.files.create_multipart_upload(req).await?;
        let id = answer.output.upload_id.clone().unwrap();
        let begun = Begun { key, at: SystemTime::now(), parts: BTreeMap::new() };
        self.shelf.uploads.lock().unwrap().insert(id, begun);
        Ok(answer)
    }

    async fn upload_part(&self, mut req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.shelf.may_write()?;
        self.must_be_there(&req.input.upload_id)?;
        let (id, number) = (req.input.upload_id.clone(), req.input.part_number);
        self.shelf.pass(number).await;
        let sha256 = req.input.checksum_sha256.clone().expect("a part without its sum");
        let pieces: Vec<_> =
            req.input.body.take().unwrap().try_collect().await.map_err(|_| s3_error!(IncompleteBody))?;
        let bytes = pieces.concat();
        if base64(&Sum::of(&bytes)) != sha256 {
            return Err(s3_error!(BadDigest));
        }
        req.input.body = Some(StreamingBlob::from(Body::from(bytes)));
        let mut answer = self.files.upload_part(req).await?;
        let etag = answer.output.e_tag.clone().unwrap();
        answer.output.checksum_sha256 = Some(sha256.clone());
        let mut uploads = self.shelf.uploads.lock().unwrap();
        uploads.get_mut(&id).unwrap().parts.insert(number, Known { etag, sha256 });
        self.shelf.parts_sent.lock().unwrap().push(number);
        Ok(answer)
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.must_be_there(&req.input.upload_id)?;
        let id = req.input.upload_id.clone();
        let mut answer = self.files.list_parts(req).await?;
        if *self.shelf.lists_names.lock().unwrap() {
            let uploads = self.shelf.uploads.lock().unwrap();
            for part in answer.output.parts.iter_mut().flatten() {
                let known = uploads[&id].parts[&part.part_number.unwrap()].clone();
                (part.e_tag, part.checksum_sha256) = (Some(known.etag), Some(known.sha256));
            }
        }
        Ok(answer)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.must_be_there(&req.input.upload_id)?;
        let id = req.input.upload_id.clone();
        for part in req.input.multipart_upload.iter().flat_map(|upload| &upload.parts).flatten() {
            let uploads = self.shelf.uploads.lock().unwrap();
            let known = uploads[&id].parts.get(&part.part_number.unwrap());
            let known = known.filter(|known| part.e_tag.as_ref() == Some(&known.etag));
            if known.is_none_or(|known| part.checksum_sha256.as_ref() != Some(&known.sha256)) {
                return Err(s3_error!(InvalidPart));
            }
        }
        let answer = self.files.complete_multipart_upload(req).await?;
        self.shelf.uploads.lock().unwrap().remove(&id);
        if std::mem::take(&mut *self.shelf.loses_answers.lock().unwrap()) {
            return Err(s3_error!(NoSuchUpload));
        }
        Ok(answer)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.must_be_there(&req.input.upload_id)?;
        let id = req.input.upload_id.clone();
        let answer = self.files.abort_multipart_upload(req).await?;
        self.shelf.uploads.lock().unwrap().remove(&id);
        Ok(answer)
    }

    /// Two to a page, so that pages are turned.
    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let prefix = req.input.prefix.unwrap_or_default();
        let behind = req.input.key_marker.zip(req.input.upload_id_marker);
        let uploads = self.shelf.uploads.lock().unwrap();
        let mut all: Vec<_> = uploads.iter().map(|(id, begun)| (begun.key.clone(), id.clone(), begun.at)).collect();
        all.sort();
        let mut left = all.into_iter().filter(|(key, id, _)| {
            key.starts_with(&prefix) && behind.as_ref().is_none_or(|behind| (key, id) > (&behind.0, &behind.1))
        });
        let page: Vec<_> = left.by_ref().take(2).collect();
        let more = left.next().is_some();
        let last = page.last().filter(|_| more).cloned();
        let page = page.into_iter().map(|(key, id, at)| MultipartUpload {
            key: Some(key),
            upload_id: Some(id),
            initiated: Some(at.into()),
            ..MultipartUpload::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            uploads: Some(page.collect()),
            is_truncated: Some(more),
            next_key_marker: last.as_ref().map(|(key, ..)| key.clone()),
            next_upload_id_marker: last.map(|(_, id, _)| id),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

fn base64(sum: &Sum) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(sum.bytes())
}
