//! Files in a bucket. The only file that speaks to S3.
//!
//! What is sent carries its SHA-256, so that the store refuses what arrived differently. TLS is rustls with ring, as everywhere here. The
//! SDK tries again what may be tried again; no error of ours holds more than the store's code and status, since addresses and headers
//! hold signatures.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    AppName, BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime as SdkTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};

use crate::config::{ConfigError, S3Config};
use crate::content::{Stored, Sum};
use crate::upload::Part;
use crate::{BlobError, BlobKey, Meta, Opened, cut};

/// What every file is to the bucket: nobody who finds it there is told to run it.
const MEDIA_TYPE: &str = "application/octet-stream";
/// From a request's first byte to its answer's: a part has to go through slow lines.
const ANSWER: Duration = Duration::from_mins(5);
const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

pub(crate) struct S3 {
    client: Client,
    bucket: String,
    prefix: String,
    part_bytes: usize,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("bucket", &self.bucket).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A part as the store lists it.
#[derive(Debug)]
pub(crate) struct Listed {
    size: u64,
    etag: Option<String>,
    sha256: Option<String>,
}

impl Listed {
    /// The store's name for this part, if it is surely one of these bytes: by the store's own sum, or because we noted ours when the store
    /// gave the part this name.
    pub(crate) fn is(&self, size: u64, sha256: &Sum, known: Option<&Part>) -> Option<String> {
        if self.size != size {
            return None;
        }
        if let Some(told) = &self.sha256 {
            if *told != base64(sha256) {
                return None;
            }
            if let Some(etag) = &self.etag {
                return Some(etag.clone());
            }
        }
        let noted = known?.etag.clone()?;
        // Not every store lists the names.
        self.etag.as_ref().is_none_or(|etag| *etag == noted).then_some(noted)
    }
}

impl S3 {
    pub(crate) fn connect(config: &S3Config) -> Result<Self, BlobError> {
        let missing = |key| ConfigError { key, problem: "it is needed" };
        let access = config.access_key.as_deref().ok_or(missing("access_key"))?;
        let secret = config.secret_key.as_ref().ok_or(missing("secret_key"))?;
        let tls = Provider::Rustls(CryptoMode::Ring);
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ANSWER).build();
        let mut sdk = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(aws_smithy_http_client::Builder::new().tls_provider(tls).build_https())
            .credentials_provider(Credentials::new(access, secret.expose(), None, None, "trunkline"))
            .region(Region::new(config.region.clone()))
            .force_path_style(config.path_style)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            // We send sums of our own. More of them, in trailers, is what stores other than Amazon's stumble over.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .app_name(AppName::new("trunkline").expect("letters are a valid name"));
        if let Some(endpoint) = &config.endpoint {
            sdk = sdk.endpoint_url(endpoint);
        }
        Ok(Self {
            client: Client::from_conf(sdk.build()),
            bucket: config.bucket.clone(),
            prefix: config.prefix.clone(),
            part_bytes: usize::try_from(config.part_mib * 1024 * 1024).unwrap_or(usize::MAX),
        })
    }

    pub(crate) fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    fn name(&self, key: &BlobKey) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(crate) async fn put(&self, key: &BlobKey, bytes: Bytes, stored: &Stored) -> Result<(), BlobError> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.name(key)).content_type(MEDIA_TYPE);
        let request = request.checksum_sha256(base64(&stored.sha256)).body(ByteStream::from(bytes));
        Box::pin(request.send()).await.map(drop).map_err(|error| failure(&error))
    }

    pub(crate) async fn begin(&self, key: &BlobKey) -> Result<String, BlobError> {
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(self.name(key));
        let request = request.content_type(MEDIA_TYPE).checksum_algorithm(ChecksumAlgorithm::Sha256);
        let begun = Box::pin(request.send()).await.map_err(|error| failure(&error))?;
        begun.upload_id.ok_or_else(|| BlobError::Unavailable("an upload without an id".to_owned()))
    }

    /// The name that the store gives the part.
    pub(crate) async fn put_part(
        &self,
        key: &BlobKey,
        upload: &str,
        at: usize,
        part: Bytes,
        sha256: &Sum,
    ) -> Result<String, BlobError> {
        let request = self.client.upload_part().bucket(&self.bucket).key(self.name(key)).upload_id(upload);
        let request = request.part_number(number(at)?).checksum_sha256(base64(sha256)).body(ByteStream::from(part));
        let sent = Box::pin(request.send()).await.map_err(|error| failure(&error))?;
        sent.e_tag.ok_or_else(|| BlobError::Unavailable("a part without a name".to_owned()))
    }

    /// What the store has of an upload, by the parts' positions.
    pub(crate) async fn parts(&self, key: &BlobKey, upload: &str) -> Result<HashMap<usize, Listed>, BlobError> {
        let request = self.client.list_parts().bucket(&self.bucket).key(self.name(key)).upload_id(upload);
        let mut pages = request.into_paginator().send();
        let mut listed = HashMap::new();
        while let Some(page) = Box::pin(pages.next()).await {
            for part in page.map_err(|error| failure(&error))?.parts.unwrap_or_default() {
                let at = part.part_number.and_then(|number| usize::try_from(number - 1).ok());
                let size = part.size.and_then(|size| u64::try_from(size).ok());
                if let (Some(at), Some(size)) = (at, size) {
                    listed.insert(at, Listed { size, etag: part.e_tag, sha256: part.checksum_sha256 });
                }
            }
        }
        Ok(listed)
    }

    pub(crate) async fn finish(&self, key: &BlobKey, upload: &str, parts: &[Part]) -> Result<(), BlobError> {
        let mut whole = CompletedMultipartUpload::builder();
        for (at, part) in parts.iter().enumerate() {
            let one = CompletedPart::builder()
                .part_number(number(at)?)
                .set_e_tag(part.etag.clone())
                .checksum_sha256(base64(&part.sha256));
            whole = whole.parts(one.build());
        }
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(self.name(key));
        let request = request.upload_id(upload).multipart_upload(whole.build());
        Box::pin(request.send()).await.map(drop).map_err(|error| failure(&error))
    }

    pub(crate) async fn abort(&self, key: &BlobKey, upload: &str) -> Result<(), BlobError> {
        self.abort_named(&self.name(key), upload).await
    }

    async fn abort_named(&self, name: &str, upload: &str) -> Result<(), BlobError> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(name).upload_id(upload);
        match Box::pin(request.send()).await.map_err(|error| failure(&error)) {
            Err(BlobError::UploadGone) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn sweep(&self, age: Duration) -> Result<u64, BlobError> {
        let oldest = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let oldest = SdkTime::from(oldest);
        let mut removed = 0;
        let mut behind = (None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(&self.prefix);
            let request = request.set_key_marker(behind.0).set_upload_id_marker(behind.1);
            let page = Box::pin(request.send()).await.map_err(|error| failure(&error))?;
            for upload in page.uploads.unwrap_or_default() {
                let (Some(name), Some(id), Some(begun)) = (upload.key, upload.upload_id, upload.initiated) else {
                    continue;
                };
                // The bucket may be shared: another's uploads are another's to sweep.
                let ours = name.strip_prefix(&self.prefix).is_some_and(|key| key.parse::<BlobKey>().is_ok());
                if ours && begun <= oldest {
                    self.abort_named(&name, &id).await?;
                    removed += 1;
                }
            }
            if !page.is_truncated.unwrap_or_default() || page.next_key_marker.is_none() {
                return Ok(removed);
            }
            behind = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    pub(crate) async fn head(&self, key: &BlobKey) -> Result<Meta, BlobError> {
        let request = self.client.head_object().bucket(&self.bucket).key(self.name(key));
        let found = Box::pin(request.send()).await.map_err(|error| failure(&error))?;
        let size = found.content_length.and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| BlobError::Unavailable("a file without a size".to_owned()))?;
        Ok(Meta { size, modified: time(found.last_modified) })
    }

    pub(crate) async fn read(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Opened, BlobError> {
        let mut request = self.client.get_object().bucket(&self.bucket).key(self.name(key));
        if let Some(range) = &range {
            if range.start >= range.end {
                return Err(BlobError::Range { size: self.head(key).await?.size });
            }
            // Servers count in signed numbers.
            request = request.range(match i64::try_from(range.end) {
                Ok(end) => format!("bytes={}-{}", range.start, end - 1),
                Err(_) => format!("bytes={}-", range.start),
            });
        }
        let found = match Box::pin(request.send()).await.map_err(|error| failure(&error)) {
            Ok(found) => found,
            // The store's answer to a range need not tell the size.
            Err(BlobError::Range { .. }) => return Err(BlobError::Range { size: self.head(key).await?.size }),
            Err(error) => return Err(error),
        };
        let odd = || BlobError::Unavailable("a file without a size, or another range than was asked for".to_owned());
        let length = found.content_length.and_then(|size| u64::try_from(size).ok()).ok_or_else(odd)?;
        let size = match &found.content_range {
            Some(told) => told.rsplit_once('/').and_then(|(_, size)| size.parse().ok()).ok_or_else(odd)?,
            None => length,
        };
        let range = cut(range, size)?;
        if range.end - range.start != length {
            return Err(odd());
        }
        let meta = Meta { size, modified: time(found.last_modified) };
        Ok(Opened { meta, range, content: Box::new(Box::pin(found.body.into_async_read())) })
    }

    pub(crate) async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.name(key));
        match Box::pin(request.send()).await.map_err(|error| failure(&error)) {
            Err(BlobError::NotFound) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn presigned(
        &self,
        key: &BlobKey,
        headers: &HeaderMap,
        life: Duration,
    ) -> Result<String, BlobError> {
        let told = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let request = self.client.get_object().bucket(&self.bucket).key(self.name(key));
        let request = request
            .set_response_content_type(told(CONTENT_TYPE))
            .set_response_content_disposition(told(CONTENT_DISPOSITION))
            .set_response_cache_control(told(CACHE_CONTROL));
        let life = PresigningConfig::expires_in(life).map_err(|error| BlobError::Refused(error.to_string()))?;
        let signed = Box::pin(request.presigned(life)).await.map_err(|error| failure(&error))?;
        Ok(signed.uri().to_owned())
    }
}

fn base64(sum: &Sum) -> String {
    STANDARD.encode(sum.bytes())
}

/// S3 counts parts from one, up to ten thousand.
fn number(at: usize) -> Result<i32, BlobError> {
    let number = i32::try_from(at + 1).ok().filter(|number| *number <= 10_000);
    number.ok_or(BlobError::Part("more than S3 takes of one file: `part_mib` is too small for it"))
}

fn time(told: Option<SdkTime>) -> DateTime<Utc> {
    told.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos())).unwrap_or_default()
}

/// What the store said, or that it said nothing.
fn failure<E: ProvideErrorMetadata>(error: &SdkError<E>) -> BlobError {
    match error {
        SdkError::ServiceError(answer) => judge(answer.raw().status().as_u16(), answer.err().code()),
        SdkError::ConstructionFailure(_) => BlobError::Refused("the request cannot be made".to_owned()),
        SdkError::TimeoutError(_) => BlobError::Unavailable("it took too long".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            BlobError::Unavailable("it took too long".to_owned())
        }
        SdkError::DispatchFailure(_) => BlobError::Unavailable("no connection".to_owned()),
        SdkError::ResponseError(answer) => {
            BlobError::Unavailable(format!("an answer that is none, status {}", answer.raw().status().as_u16()))
        }
        _ => BlobError::Unavailable("no answer".to_owned()),
    }
}

/// By code where there is one, since stores differ in their status; by status where there is none, as in answers to HEAD.
fn judge(status: u16, code: Option<&str>) -> BlobError {
    let code = code.unwrap_or_default();
    // A stranger's text goes into our log.
    let shown: String = code.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    let words = if shown.is_empty() { format!("status {status}") } else { format!("{shown}, status {status}") };
    match (code, status) {
        ("NoSuchKey" | "NotFound", _) | ("", 404) => BlobError::NotFound,
        ("NoSuchUpload", _) => BlobError::UploadGone,
        ("InvalidRange", _) | (_, 416) => BlobError::Range { size: 0 },
        ("QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" | "InsufficientStorage", _)
        | (_, 507) => BlobError::Full,
        // What arrived is not what was sent, or took too long: a line's fault.
        ("BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" | "RequestTimeout" | "SlowDown", _)
        | (_, 408 | 429 | 500..=599) => BlobError::Unavailable(words),
        _ => BlobError::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_code_and_then_by_status() {
        assert!(matches!(judge(404, Some("NoSuchKey")), BlobError::NotFound));
        assert!(matches!(judge(404, None), BlobError::NotFound));
        assert!(matches!(judge(404, Some("NoSuchUpload")), BlobError::UploadGone));
        assert!(matches!(judge(404, Some("NoSuchBucket")), BlobError::Refused(_)));
        assert!(matches!(judge(403, Some("AccessDenied")), BlobError::Refused(_)));
        assert!(matches!(judge(507, None), BlobError::Full));
        assert!(matches!(judge(507, Some("XMinioStorageFull")), BlobError::Full));
        assert!(matches!(judge(403, Some("QuotaExceeded")), BlobError::Full));
        assert!(matches!(judge(503, Some("SlowDown")), BlobError::Unavailable(_)));
        assert!(matches!(judge(400, Some("BadDigest")), BlobError::Unavailable(_)));
        assert_eq!(judge(400, Some("Evil\r\nline")).to_string(), "the store refuses: Evilline, status 400");
    }

    #[test]
    fn a_listed_part_is_ours_only_when_something_proves_it() {
        let sum = Sum::of(b"part");
        let known = Part { size: 4, sha256: sum, etag: Some("\"e\"".to_owned()) };
        let listed =
            |size, etag: Option<&str>, sha256: Option<String>| Listed { size, etag: etag.map(str::to_owned), sha256 };
        let ours = Some("\"e\"".to_owned());
        assert_eq!(listed(4, Some("\"e\""), None).is(4, &sum, Some(&known)), ours);
        assert_eq!(listed(4, None, None).is(4, &sum, Some(&known)), ours);
        assert_eq!(listed(4, Some("\"e\""), Some(base64(&sum))).is(4, &sum, None), ours);
        assert_eq!(listed(4, Some("\"e\""), None).is(4, &sum, None), None, "nobody knows what is in it");
        assert_eq!(listed(4, Some("\"x\""), None).is(4, &sum, Some(&known)), None, "it was replaced");
        assert_eq!(listed(3, Some("\"e\""), None).is(4, &sum, Some(&known)), None);
        assert_eq!(listed(4, Some("\"e\""), Some("AAAA".to_owned())).is(4, &sum, Some(&known)), None);
    }

    #[test]
    fn parts_are_counted_as_s3_counts_them() {
        assert_eq!(number(0).unwrap(), 1);
        assert_eq!(number(9_999).unwrap(), 10_000);
        assert!(matches!(number(10_000), Err(BlobError::Part(_))));
    }
}
