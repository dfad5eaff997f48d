//! What is posted over HTTP: with whom, how long, and signed.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use birl_net::request::{Bearer, CONTENT_TYPE, HeaderName, HeaderValue};
use birl_net::{Connector, Request, http};

use super::signature;
use crate::place::Undelivered;

/// The header that a signature stands in.
const SIGNATURE: HeaderName = HeaderName::from_static("birl-signature");

/// Nobody is left alone for longer than this, whatever it asks for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Posts documents of JSON to one URL.
pub(super) struct Poster {
    pub(super) connector: Connector,
    pub(super) request: Request,
    /// How long it may take, from the name of the host to the answer.
    pub(super) timeout: Duration,
    /// The key by which what is posted is signed.
    pub(super) key: Option<Bearer>,
}

impl fmt::Debug for Poster {
    /// Without the path: with many services that is the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&origin(&self.request))
    }
}

impl Poster {
    /// Posts `body`, and returns once it is taken.
    ///
    /// # Errors
    ///
    /// With whether it is worth while to try again, and without a secret.
    pub(super) async fn post(&self, body: String) -> Result<(), Undelivered> {
        let mut request = self.request.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(CONTENT_TYPE, json);
        if let Some(key) = &self.key {
            let signature = self.sign(key, &body)?;
            request.headers.insert(SIGNATURE, signature);
        }
        let posted =
            tokio::time::timeout(self.timeout, http::post(&self.connector, &request, body));
        match posted.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(undelivered(&origin(&self.request), &error)),
            Err(_) => {
                let error = birl_net::Error::timeout(self.timeout);
                Err(undelivered(&origin(&self.request), &error))
            }
        }
    }

    fn sign(&self, key: &Bearer, body: &str) -> Result<HeaderValue, Undelivered> {
        let key = key.read().map_err(|error| Undelivered::ForNow {
            reason: format!("cannot sign for {}: {error}", origin(&self.request)),
            after: None,
        })?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        let signature = signature::header(key.reveal().as_bytes(), seconds, body);
        Ok(HeaderValue::from_str(&signature).expect("it is digits and letters"))
    }
}

/// What a URL may be told by.
pub(super) fn origin(request: &Request) -> String {
    request.url.origin().ascii_serialization()
}

/// What a failure of the network means for an alert.
pub(super) fn undelivered(whom: &str, error: &birl_net::Error) -> Undelivered {
    let reason = format!("cannot send to {whom}: {error}");
    // A certificate is renewed, a proxy lets us through: only the other side's own word is for good.
    let is_own_word = error.http_status().is_some_and(|status| status != 407);
    match error.is_lasting() && is_own_word {
        true => Undelivered::ForGood { reason },
        false => Undelivered::ForNow {
            reason,
            after: error.retry_after().map(|wait| wait.min(RETRY_AFTER_MAX)),
        },
    }
}

#[cfg(test)]
mod tests {
    use birl_net::{Proxies, Secret};
    use url::Url;

    use super::*;
    use crate::testing::Receiver;

    fn poster(url: &str) -> Poster {
        Poster {
            connector: Connector::new(Proxies::default(), None),
            request: Request::new(Url::parse(url).unwrap()),
            timeout: Duration::from_secs(60),
            key: None,
        }
    }

    #[tokio::test]
    async fn what_is_posted_is_signed_and_says_who_and_what_it_is() {
        let receiver = Receiver::start(|_, _| "200 OK".to_owned()).await;
        let mut poster = poster(&receiver.url);
        poster.key = Some(Bearer::Token(Secret::new("key")));
        poster.request.bearer = Some(Bearer::Token(Secret::new("t0k3n")));
        poster.post("{\"a\":1}".to_owned()).await.unwrap();
        let asked = &receiver.asked()[0];
        assert_eq!(asked.body, "{\"a\":1}");
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("authorization"), Some("Bearer t0k3n"));
        let signature = asked.header("birl-signature").unwrap();
        let seconds = signature[2..].split_once(',').unwrap().0.parse().unwrap();
        assert_eq!(signature, signature::header(b"key", seconds, &asked.body));
    }

    #[tokio::test]
    async fn the_status_decides_whether_it_is_tried_again() {
        // The answer, whether it is for good, and how long to wait.
        let cases = [
            ("400 Bad Request", true, None),
            ("403 Forbidden", true, None),
            ("404 Not Found", true, None),
            ("302 Found\r\nLocation: /elsewhere", true, None),
            ("407 Proxy Authentication Required", false, None),
            ("408 Request Timeout", false, None),
            ("429 Too Many Requests\r\nRetry-After: 7", false, Some(7)),
            (
                "429 Too Many Requests\r\nRetry-After: 99999999",
                false,
                Some(3600),
            ),
            ("500 Internal Server Error", false, None),
            ("503 Service Unavailable\r\nRetry-After: 3", false, Some(3)),
        ];
        for (answer, is_for_good, wait) in cases {
            let receiver = Receiver::start(|_, _| answer.to_owned()).await;
            let undelivered = poster(&receiver.url)
                .post("{}".to_owned())
                .await
                .unwrap_err();
            match undelivered {
                Undelivered::ForGood { .. } => assert!(is_for_good, "{answer}"),
                Undelivered::ForNow { after, .. } => {
                    assert_eq!(
                        (is_for_good, after.map(|it| it.as_secs())),
                        (false, wait),
                        "{answer}"
                    );
                }
            }
        }
    }

    #[tokio::test]
    async fn nobody_there_is_for_now_and_the_path_is_not_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://me:s3cret@{address}/s3cret?s3cret");
        let undelivered = poster(&url).post("{}".to_owned()).await;
        let reason = format!("cannot send to http://{address}: connection refused");
        assert_eq!(
            undelivered,
            Err(Undelivered::ForNow {
                reason,
                after: None
            })
        );
    }

    #[tokio::test]
    async fn a_receiver_that_says_nothing_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let mut poster = poster(&origin);
        poster.timeout = Duration::from_millis(20);
        let reason = format!("cannot send to {origin}: no answer within 0.02 s");
        let undelivered = poster.post("{}".to_owned()).await;
        assert_eq!(
            undelivered,
            Err(Undelivered::ForNow {
                reason,
                after: None
            })
        );
    }
}
