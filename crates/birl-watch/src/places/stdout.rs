//! `stdout = true`: alerts are written to standard output.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use birl_source::error::refusal;

use super::form::Form;
use crate::alert::Alert;
use crate::place::{Place, Undelivered};

/// Writes to what the process has for standard output.
pub(super) struct Stdout {
    out: Arc<Mutex<dyn Write + Send>>,
    form: Form,
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout")
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl Stdout {
    pub(super) fn new(out: Arc<Mutex<dyn Write + Send>>, form: Form) -> Self {
        Self { out, form }
    }
}

#[async_trait]
impl Place for Stdout {
    async fn send(&self, alert: &Alert) -> Result<(), Undelivered> {
        let (out, text) = (Arc::clone(&self.out), self.form.write(alert));
        // Whoever reads the pipe may be slow.
        let written = tokio::task::spawn_blocking(move || {
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            out.write_all(text.as_bytes())?;
            out.flush()
        });
        let written = written
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)));
        written.map_err(|error| Undelivered::ForNow {
            reason: format!("cannot write to standard output: {}", refusal(&error)),
            after: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::alert;

    #[tokio::test]
    async fn an_alert_is_written_and_flushed() {
        let out = Arc::new(Mutex::new(Vec::new()));
        let place = Stdout::new(Arc::clone(&out) as _, Form::Text);
        place.send(&alert()).await.unwrap();
        assert_eq!(
            *out.lock().unwrap(),
            Form::Text.write(&alert()).into_bytes()
        );
    }
}
