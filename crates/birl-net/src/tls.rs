//! Whom a TLS connection trusts.

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// What is spoken over a connection. A server of TLS may refuse whom it cannot serve (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// HTTP, or what begins with it.
    Http,
    /// Something else.
    Bare,
}

/// Who may vouch for servers: the system's authorities, and perhaps one more. A clone costs a counter.
#[derive(Clone, Debug)]
pub struct Tls {
    http: Arc<ClientConfig>,
    /// Without a word of what is spoken over it.
    bare: Arc<ClientConfig>,
}

impl Tls {
    /// The authorities of the system (where `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, those), and
    /// those in `ca_file`, which is PEM. It reads files, so it blocks.
    ///
    /// # Errors
    ///
    /// If `ca_file` cannot be read or holds no certificate, or if nobody would be trusted.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        // A few certificates of the system that cannot be read are no reason to trust nobody.
        roots.add_parsable_certificates(found.certs);
        if let Some(path) = ca_file {
            add(&mut roots, path)?;
        }
        if roots.is_empty() {
            let why = found.errors.first().map(|error| format!(": {error}"));
            return Err(Error::request(format!(
                "this system has no certificate authorities, so nobody can be trusted{}",
                why.unwrap_or_default()
            )));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::tls(error.to_string()))?;
        let bare = config.with_root_certificates(roots).with_no_client_auth();
        let mut http = bare.clone();
        http.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            http: Arc::new(http),
            bare: Arc::new(bare),
        })
    }

    /// Agrees on TLS with `host`, for HTTP if it is for that.
    pub(crate) async fn connect<S>(
        &self,
        host: &str,
        stream: S,
        over: Over,
    ) -> Result<TlsStream<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = match over {
            Over::Http => &self.http,
            Over::Bare => &self.bare,
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::request(format!("{host:?} is no name that a server can have")))?;
        let connected = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        connected
            .await
            .map_err(|error| Error::io("agree on TLS", &error))
    }
}

/// Whether the certificates in `path` can be trusted, as [`Tls::new`] does.
///
/// # Errors
///
/// If it cannot be read, or holds none.
pub fn check(path: &Path) -> Result<(), Error> {
    add(&mut RootCertStore::empty(), path)
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let wrong =
        |why: &str| Error::request(format!("cannot read certificates from {path:?}: {why}"));
    let pem = crate::file::read(path).map_err(|error| Error::io(&format!("read {path:?}"), &error));
    let pem = pem.map_err(|error| Error::request(error.to_string()))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(&error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(&error.to_string()))?;
        count += 1;
    }
    match count {
        0 => Err(wrong("there is none in it")),
        _ => Ok(()),
    }
}
