//! A server that speaks S3, in this process, over a folder.

use std::net::SocketAddr;
use std::path::PathBuf;

use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use waybill::config::{ByteSize, S3};

/// What the server lets in, and in which bucket.
pub(crate) const KEY: &str = "AKIDWAYBILLTESTS0001";
pub(crate) const SECRET: &str = "not-a-secret-but-long-enough-for-tests";
pub(crate) const BUCKET: &str = "originals";

/// A server on a free port. Dropping it ends it.
pub(crate) struct S3Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl S3Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let io = hyper_util::rt::TokioIo::new(socket);
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        Self { folder, address, _runtime: runtime }
    }

    /// Where its objects are.
    pub(crate) fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Settings of a house whose originals rest here, or behind `endpoint`.
    pub(crate) fn settings(endpoint: SocketAddr) -> Vec<(String, String)> {
        let settings = [
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("WAYBILL_STORE_ORIGINALS", "s3"),
            ("WAYBILL_S3_BUCKET", BUCKET),
            ("WAYBILL_S3_REGION", "eu-central-1"),
            ("WAYBILL_S3_ENDPOINT", &format!("http://{endpoint}")),
            ("WAYBILL_S3_PATH_STYLE", "true"),
            ("WAYBILL_S3_PREFIX", "house/"),
            ("WAYBILL_S3_PART", "5 MiB"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// The same, for a shelf in this process.
    pub(crate) fn shelf_settings(endpoint: SocketAddr) -> S3 {
        S3 {
            bucket: BUCKET.to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: format!("http://{endpoint}"),
            path_style: true,
            prefix: "house/".to_owned(),
            part: ByteSize::mib(5),
            ..S3::default()
        }
    }
}
