//! Which processes listen on a TCP port of this machine, according to /proc.

use std::{fs, io, path::PathBuf};

use libc::pid_t;

/// A listening socket, by the number that the links in /proc/PID/fd have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener(String);

/// The sockets that listen on a port, at any address.
///
/// # Errors
/// /proc says nothing of sockets.
pub fn on_port(port: u16) -> io::Result<Vec<Listener>> {
    // `/proc/net` is not used, because a unit with `ProcSubset=pid` finds nothing there.
    let mut found = parse(&fs::read_to_string("/proc/self/net/tcp")?, port);
    // Without IPv6 there is only one table.
    let six = fs::read_to_string("/proc/self/net/tcp6").unwrap_or_default();
    found.extend(parse(&six, port));
    Ok(found)
}

/// Whether a process has one of these sockets.
///
/// # Errors
/// There is no such process, or we may not look at it.
pub fn held_by(pid: pid_t, listeners: &[Listener]) -> io::Result<bool> {
    let folder = PathBuf::from(format!("/proc/{pid}/fd"));
    let links = fs::read_dir(folder)?.flatten();
    // A descriptor that was closed meanwhile has no link.
    let mut links = links.filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(links.any(|link| {
        listeners
            .iter()
            .any(|Listener(name)| link.as_os_str() == name.as_str())
    }))
}

/// The sockets in a table that listen on the port.
fn parse(table: &str, port: u16) -> Vec<Listener> {
    const LISTEN: &str = "0A";
    let lines = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (_, local) = columns.next()?.rsplit_once(':')?;
        let state = columns.nth(1)?;
        let inode = columns.nth(5)?;
        let here = u16::from_str_radix(local, 16).ok()? == port;
        (here && state == LISTEN).then(|| Listener(format!("socket:[{inode}]")))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn we_hold_what_we_listen_on() {
        let here = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = here.local_addr().unwrap().port();
        let own = pid_t::try_from(std::process::id()).unwrap();
        let listeners = on_port(port).unwrap();
        assert_eq!(listeners.len(), 1);
        assert!(held_by(own, &listeners).unwrap());
        drop(here);
        assert!(!held_by(own, &listeners).unwrap());
    }

    #[test]
    fn the_table_of_sockets_is_read_by_column() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:0BB8 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1
   2: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1
";
        assert_eq!(parse(table, 3000), [Listener("socket:[4711]".to_owned())]);
        assert_eq!(parse("", 3000), []);
    }
}
