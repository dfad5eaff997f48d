//! `webhook = URL`: each alert is posted as a document of JSON.

use async_trait::async_trait;

use super::form;
use super::post::Poster;
use crate::alert::Alert;
use crate::place::{Place, Undelivered};

/// Posts the alert itself.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) poster: Poster,
}

#[async_trait]
impl Place for Webhook {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        self.poster.post(form::json(alert)).await
    }
}
