//! What the environment says of proxies.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::error::Error;
use crate::request::Secret;

/// Which proxies there are, and who is reached without one.
///
/// The variables are those that curl knows: `http_proxy` for `http://` and `ws://`, `https_proxy` for
/// `https://` and `wss://`, `all_proxy` where these are not set, and `no_proxy`; each in capitals too,
/// where the one in small letters is not set. A variable that is empty is not set.
///
/// A proxy is `http://` (asked with CONNECT), `socks5://` (which is given an IP address) or
/// `socks5h://` (which is given the name), perhaps with `user:password@`. Without a scheme it is
/// `http://`.
///
/// `no_proxy` is a list with commas of names, which stand for all names below them too, of IP
/// addresses and networks (`10.0.0.0/8`), each perhaps with a port, or `*` for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    plain: Option<Proxy>,
    secure: Option<Proxy>,
    direct: Vec<Rule>,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `user:password`.
    pub(crate) login: Option<Secret>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Socks5 {
        /// Whether the proxy looks up names.
        resolves: bool,
    },
}

/// Who is reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    whom: Whom,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Everybody,
    /// A name in small letters, and all below it.
    Name(String),
    Network(IpAddr, u8),
}

impl Proxies {
    /// Reads the variables that `variable` knows.
    ///
    /// # Errors
    ///
    /// For a proxy that is not well formed, or is of a kind that cannot be asked.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let read = |name: &str| {
            let in_capitals = name.to_ascii_uppercase();
            [name, &in_capitals]
                .into_iter()
                .find_map(|name| Some((name.to_owned(), variable(name).filter(|v| !v.is_empty())?)))
        };
        let proxy = |name: &str| {
            let found = read(name).or_else(|| read("all_proxy"));
            found
                .map(|(name, value)| Proxy::parse(&name, &value))
                .transpose()
        };
        Ok(Self {
            plain: proxy("http_proxy")?,
            secure: proxy("https_proxy")?,
            direct: read("no_proxy").map_or_else(Vec::new, |(_, list)| rules(&list)),
        })
    }

    /// The proxy by which `host` is reached; an IP address is written without brackets.
    pub(crate) fn proxy(&self, secure: bool, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = match secure {
            true => self.secure.as_ref(),
            false => self.plain.as_ref(),
        };
        proxy.filter(|_| !self.direct.iter().any(|rule| rule.matches(host, port)))
    }
}

impl Proxy {
    fn parse(variable: &str, value: &str) -> Result<Self, Error> {
        // The value may hold a password, so it is not shown.
        let wrong =
            |why: &str| Error::request(format!("cannot use the proxy in {variable}: {why}"));
        let whole = match value.contains("://") {
            true => value.to_owned(),
            false => format!("http://{value}"),
        };
        let url = Url::parse(&whole).map_err(|error| wrong(&error.to_string()))?;
        let kind = match url.scheme() {
            "http" => Kind::Http,
            "socks5" => Kind::Socks5 { resolves: false },
            "socks5h" => Kind::Socks5 { resolves: true },
            other => {
                return Err(wrong(&format!(
                    "it begins with {other}://, which is neither http:// nor socks5:// nor socks5h://"
                )));
            }
        };
        let host = bare_host(&url).ok_or_else(|| wrong("it names no host"))?;
        let port = url.port().unwrap_or(match kind {
            Kind::Http => 80,
            Kind::Socks5 { .. } => 1080,
        });
        Ok(Self {
            kind,
            host,
            port,
            login: crate::request::login(&url),
        })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{}", self.host, self.port)
    }
}

impl Rule {
    fn matches(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|only| only == port) && self.whom.matches(host)
    }
}

impl Whom {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Name(name) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                host.strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Network(network, bits) => host
                .parse()
                .is_ok_and(|address| is_within(address, *network, *bits)),
        }
    }
}

/// The host of a URL, without the brackets of IPv6.
pub(crate) fn bare_host(url: &Url) -> Option<String> {
    Some(match url.host()? {
        Host::Domain("") => return None,
        Host::Domain(name) => name.trim_matches(['[', ']']).to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    })
}

fn rules(list: &str) -> Vec<Rule> {
    list.split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(rule)
        .collect()
}

fn rule(entry: &str) -> Rule {
    if entry == "*" {
        return Rule {
            whom: Whom::Everybody,
            port: None,
        };
    }
    if let Some(whom) = network(entry) {
        return Rule { whom, port: None };
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
        _ => (entry, None),
    };
    let whom = network(host.trim_matches(['[', ']'])).unwrap_or_else(|| {
        let name = host.trim_start_matches("*.").trim_matches('.');
        Whom::Name(name.to_ascii_lowercase())
    });
    Rule { whom, port }
}

fn network(entry: &str) -> Option<Whom> {
    let (address, bits) = match entry.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (entry, None),
    };
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    (bits <= all).then_some(Whom::Network(address, bits))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differ = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            (a.to_bits() ^ b.to_bits()).leading_zeros() < u32::from(bits)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            (a.to_bits() ^ b.to_bits()).leading_zeros() < u32::from(bits)
        }
        _ => true,
    };
    !differ
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    }

    fn port(proxies: &Proxies, secure: bool, host: &str) -> Option<u16> {
        proxies.proxy(secure, host, 443).map(|proxy| proxy.port)
    }

    #[test]
    fn each_scheme_has_its_variable_and_small_letters_come_first() {
        let found = proxies(&[
            ("http_proxy", "a:1"),
            ("HTTP_PROXY", "a:2"),
            ("HTTPS_PROXY", "http://b:3"),
            ("all_proxy", "socks5://c:4"),
        ]);
        assert_eq!(port(&found, false, "h"), Some(1));
        assert_eq!(port(&found, true, "h"), Some(3));
        let found = proxies(&[("http_proxy", ""), ("ALL_PROXY", "socks5h://c")]);
        assert_eq!(port(&found, false, "h"), Some(1080));
        assert_eq!(port(&found, true, "h"), Some(1080));
        assert_eq!(proxies(&[]), Proxies::default());
    }

    #[test]
    fn no_proxy_takes_names_addresses_networks_and_ports() {
        let found = proxies(&[
            ("https_proxy", "p:1"),
            (
                "no_proxy",
                "localhost, .example.org,10.0.0.0/8,::1,h:443,i:80,*.corp",
            ),
        ]);
        let direct = |host| port(&found, true, host).is_none();
        for host in [
            "localhost",
            "example.org",
            "a.Example.org",
            "a.corp",
            "10.255.0.1",
            "::1",
            "h",
        ] {
            assert!(direct(host), "{host}");
        }
        for host in ["notexample.org", "11.0.0.1", "::2", "i", "org"] {
            assert!(!direct(host), "{host}");
        }
        let none = proxies(&[("https_proxy", "p:1"), ("NO_PROXY", "*")]);
        assert_eq!(port(&none, true, "h"), None);
    }

    #[test]
    fn a_wrong_proxy_is_an_error_that_keeps_the_password() {
        let refused = |value: &str| {
            Proxies::from_variables(|name| (name == "all_proxy").then(|| value.to_owned()))
                .unwrap_err()
                .to_string()
        };
        for value in ["ftp://user:hunter2@h", "http://user:hunter2@:1"] {
            let message = refused(value);
            assert!(
                message.starts_with("cannot use the proxy in all_proxy: "),
                "{message}"
            );
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
