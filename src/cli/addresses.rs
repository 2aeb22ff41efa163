//! The addresses of this machine, for a gateway that listens on all of them.

use std::net::IpAddr;

use nix::{ifaddrs::getifaddrs, net::if_::InterfaceFlags};

/// The addresses at which other machines reach a listener on `address`, if that stands for all addresses.
pub(super) fn of_machine(address: IpAddr) -> Vec<IpAddr> {
    if !address.is_unspecified() {
        return Vec::new();
    }
    let interfaces = getifaddrs().into_iter().flatten();
    let found = interfaces
        .filter(|interface| {
            interface.flags.contains(InterfaceFlags::IFF_UP)
                && !interface.flags.contains(InterfaceFlags::IFF_LOOPBACK)
        })
        .filter_map(|interface| interface.address)
        .filter_map(|at| {
            let v4 = at.as_sockaddr_in().map(|at| IpAddr::from(at.ip()));
            v4.or_else(|| at.as_sockaddr_in6().map(|at| IpAddr::from(at.ip())))
        });
    of_family(address, found)
}

/// The addresses at which a listener on `all` accepts connections, without link-local ones.
fn of_family(all: IpAddr, found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut found: Vec<_> = found
        .filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_link_local(),
            IpAddr::V6(v6) => all.is_ipv6() && !v6.is_unicast_link_local(),
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_the_only_one_and_all_of_them_are_those_of_the_machine() {
        assert!(of_machine("127.0.0.1".parse().unwrap()).is_empty());
        let found = [
            "fe80::1",
            "2001:db8::1",
            "192.0.2.7",
            "169.254.1.1",
            "192.0.2.7",
        ];
        let found = || found.iter().map(|address| address.parse().unwrap());
        let of = |all: &str| {
            let found = of_family(all.parse().unwrap(), found());
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of("0.0.0.0"), ["192.0.2.7"]);
        assert_eq!(of("::"), ["192.0.2.7", "2001:db8::1"]);
    }
}
