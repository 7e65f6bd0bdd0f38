//! Where a peer is, as `--source igtl:` takes it.
use std::str::FromStr;

/// The port of the protocol, registered for OpenIGTLink.
pub const DEFAULT_PORT: u16 = 18_944;

/// A peer, and which of its image streams is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgtlAddress {
    /// Name or number of the machine.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the image stream; `None` for the first that comes.
    pub device: Option<String>,
}

/// Words that are no address of a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "OpenIGTLink peer: expected HOST, HOST:PORT or HOST:PORT/STREAM, as in 192.168.0.5:18944, got {got:?}"
)]
pub struct AddressProblem {
    /// What was given.
    pub got: String,
}

impl FromStr for IgtlAddress {
    type Err = AddressProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressProblem {
            got: text.to_owned(),
        };
        let (place, device) = match text.split_once('/') {
            Some((place, device)) => (place, Some(device)),
            None => (text, None),
        };
        let (host, port) = match place.strip_prefix('[') {
            // A number of IPv6 has colons of its own.
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':').ok_or_else(wrong)?),
                };
                (host, port)
            }
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port.parse().ok().filter(|p| *p > 0).ok_or_else(wrong)?,
        };
        let blank = |c: char| c.is_whitespace() || c.is_control();
        if host.is_empty()
            || host.contains(blank)
            || device.is_some_and(|d| d.is_empty() || d.len() > 20)
        {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            device: device.map(str::to_owned),
        })
    }
}

impl std::fmt::Display for IgtlAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{}:{}", self.host, self.port)?;
        }
        match &self.device {
            Some(device) => write!(f, "/{device}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_back_and_other_words_are_refused() {
        for (text, shown) in [
            ("localhost", "localhost:18944"),
            ("10.0.0.7:1234", "10.0.0.7:1234"),
            ("[::1]", "[::1]:18944"),
            (
                "[fe80::1]:99/Image_Reference",
                "[fe80::1]:99/Image_Reference",
            ),
            ("scanner/B", "scanner:18944/B"),
        ] {
            let address: IgtlAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
        for bad in [
            "", ":1", "a:0", "a:65536", "a:x", "[::1", "[::1]x", "a b", "a/", "::1",
        ] {
            assert!(bad.parse::<IgtlAddress>().is_err(), "{bad}");
        }
    }
}
