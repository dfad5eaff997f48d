//! Where a live source is, as it is typed.

use std::path::PathBuf;

use url::{Host, Url};

use super::cursor::Template;
use crate::Origin;

/// Where a live source is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// `ws://…` or `wss://…`: a WebSocket. `{cursor}` in it stands for where the last connection ended
    /// ([`Options::cursor`](super::Options::cursor)).
    WebSocket(Template),
    /// `http://…` or `https://…`: events that a server sends (SSE), or a file, which is read to its end.
    /// `{cursor}` in it stands for where the last connection ended.
    Http(Template),
    /// `tcp://host:port`: who sends lines to whoever connects.
    Tcp {
        /// A name or an IP address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `tcp-listen://host:port`: whoever connects here and sends lines.
    TcpListen {
        /// The address to listen on, all if it is empty.
        host: String,
        /// The port; any that is free for 0.
        port: u16,
    },
    /// `udp-listen://host:port`: whoever sends datagrams here.
    UdpListen {
        /// The address to listen on, all if it is empty.
        host: String,
        /// The port; any that is free for 0.
        port: u16,
    },
    /// `unix://path`: a process that sends lines to whoever connects.
    Unix(PathBuf),
    /// `unix-listen://path`: processes that connect here and send lines.
    UnixListen(PathBuf),
    /// A command, with its arguments: what it prints. No shell is involved.
    Command(Vec<String>),
    /// Standard input, where it is followed as other sources are.
    Stdin,
}

/// The schemes of addresses.
const SCHEMES: &[&str] = &[
    "ws",
    "wss",
    "http",
    "https",
    "tcp",
    "tcp-listen",
    "udp-listen",
    "unix",
    "unix-listen",
];

impl Address {
    /// Whether `typed` begins with a scheme that is an address here.
    pub fn is_address(typed: &str) -> bool {
        let scheme = typed.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| SCHEMES.contains(&&*scheme.to_ascii_lowercase()))
    }

    /// Reads an address for which [`is_address`](Self::is_address) holds.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = typed.split_once("://") else {
            return Err("it has no scheme".to_owned());
        };
        let path = || match rest {
            "" => Err("it names no socket".to_owned()),
            path => Ok(PathBuf::from(path)),
        };
        Ok(match scheme.to_ascii_lowercase().as_str() {
            "ws" | "wss" => Self::WebSocket(url(typed)?),
            "http" | "https" => Self::Http(url(typed)?),
            "tcp" => match host_and_port(rest)? {
                (host, _) if host.is_empty() => return Err("it names no host".to_owned()),
                (_, 0) => return Err("it names no port".to_owned()),
                (host, port) => Self::Tcp { host, port },
            },
            "tcp-listen" => {
                let (host, port) = host_and_port(rest)?;
                Self::TcpListen { host, port }
            }
            "udp-listen" => {
                let (host, port) = host_and_port(rest)?;
                Self::UdpListen { host, port }
            }
            "unix" => Self::Unix(path()?),
            "unix-listen" => Self::UnixListen(path()?),
            other => return Err(format!("{other}:// is no address of a live source")),
        })
    }

    /// The identity of the source there: the address as it was typed, without a login.
    pub fn origin(&self) -> Origin {
        let at = |scheme: &str, host: &str, port: &u16| match host.contains(':') {
            true => format!("{scheme}://[{host}]:{port}"),
            false => format!("{scheme}://{host}:{port}"),
        };
        Origin::address(match self {
            Self::WebSocket(template) | Self::Http(template) => without_login(template.text()),
            Self::Tcp { host, port } => at("tcp", host, port),
            Self::TcpListen { host, port } => at("tcp-listen", host, port),
            Self::UdpListen { host, port } => at("udp-listen", host, port),
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::UnixListen(path) => format!("unix-listen://{}", path.display()),
            Self::Command(command) => command.join(" "),
            Self::Stdin => return Origin::stdin(),
        })
    }
}

/// A URL, perhaps with a cursor in it.
fn url(typed: &str) -> Result<Template, String> {
    let template = Template::new(typed);
    match Url::parse(&template.fill_url(None)) {
        Ok(_) => Ok(template),
        Err(error) => Err(error.to_string()),
    }
}

/// `host:port`, where the host may be empty, or IPv6 in brackets.
fn host_and_port(typed: &str) -> Result<(String, u16), String> {
    let typed = typed.strip_suffix('/').unwrap_or(typed);
    let Some((host, port)) = typed.rsplit_once(':') else {
        return Err("it is a host and a port with a colon between them".to_owned());
    };
    let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
    if host.is_empty() {
        return Ok((String::new(), port));
    }
    match Host::parse(host) {
        Ok(Host::Ipv6(address)) => Ok((address.to_string(), port)),
        Ok(host) => Ok((host.to_string(), port)),
        Err(error) => Err(error.to_string()),
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
        for typed in [
            "ws://h/?from={cursor}",
            "tcp://h:1",
            "tcp-listen://:514",
            "udp-listen://[::1]:514",
            "unix:///run/a.sock",
            "unix-listen://b.sock",
        ] {
            assert_eq!(shown(typed), typed);
        }
    }

    #[test]
    fn every_scheme_has_its_addresses_and_refuses_others() {
        for scheme in SCHEMES {
            let typed = format!("{scheme}://127.0.0.1:514");
            assert!(Address::is_address(&typed), "{typed}");
            assert!(Address::parse(&typed).is_ok(), "{typed}");
            assert!(Address::parse(&format!("{scheme}://")).is_err(), "{scheme}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "ws://h:port/",
            "ws://[::1",
            "tcp://h",
            "tcp://:1",
            "tcp://h:0",
            "tcp-listen://h:99999",
            "udp-listen://a b:1",
            "unix://",
        ] {
            assert!(Address::parse(typed).is_err(), "{typed}");
        }
    }
}
