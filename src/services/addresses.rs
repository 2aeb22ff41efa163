//! Where the gateway is reached from this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::settings::Listen;

/// Where another process of this machine reaches a server that listens on `address`.
fn reach(address: IpAddr, port: u16) -> SocketAddr {
    let address = match address {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    };
    SocketAddr::new(address, port)
}

/// LiteLLM's own API and its admin page behind nginx, as seen from this machine.
pub fn admin_address(listen: &Listen) -> SocketAddr {
    reach(listen.admin_address, listen.admin_port)
}

/// nginx, as seen from this machine.
pub fn front_address(listen: &Listen) -> SocketAddr {
    reach(listen.address, listen.port)
}
