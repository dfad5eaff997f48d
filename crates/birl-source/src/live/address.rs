//! Where a live source is, as it is typed.

use url::Url;

use super::cursor::Template;
use crate::Origin;

/// Where a live source is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// `ws://…` or `wss://…`: a WebSocket. `{cursor}` in it stands for where the last connection ended
    /// ([`Options::cursor`](super::Options::cursor)).
    WebSocket(Template),
}

impl Address {
    /// Whether `typed` begins with a scheme that is an address here.
    pub fn is_address(typed: &str) -> bool {
        let scheme = typed.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| ["ws", "wss"].contains(&&*scheme.to_ascii_lowercase()))
    }

    /// Reads an address for which [`is_address`](Self::is_address) holds.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let template = Template::new(typed);
        let url = Url::parse(&template.fill_url(None)).map_err(|error| error.to_string())?;
        match url.scheme() {
            "ws" | "wss" => Ok(Self::WebSocket(template)),
            other => Err(format!("{other}:// is no address of a live source")),
        }
    }

    /// The identity of the source there: the address as it was typed, without a login.
    pub fn origin(&self) -> Origin {
        match self {
            Self::WebSocket(template) => Origin::address(without_login(template.text())),
        }
    }
}

/// A URL without what stands before an `@` in its authority.
fn without_login(typed: &str) -> String {
    let Some((scheme, rest)) = typed.split_once("://") else {
        return typed.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_an_address_has_no_login() {
        let shown = |typed: &str| Address::parse(typed).unwrap().origin().to_string();
        assert_eq!(shown("wss://me:hunter2@h:1/a?b=c@d"), "wss://h:1/a?b=c@d");
        assert_eq!(shown("ws://a@b:p@h"), "ws://h");
        assert_eq!(shown("ws://h/?from={cursor}"), "ws://h/?from={cursor}");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for typed in ["ws://", "ws://h:port/", "ws://[::1"] {
            assert!(Address::parse(typed).is_err(), "{typed}");
        }
    }
}
