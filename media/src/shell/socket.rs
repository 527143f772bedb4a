//! The UDP sockets.

use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};

use nix::sys::stat::fstat;
use socket2::{Domain, Protocol, Socket, Type};

/// A bound, non-blocking socket with a large receive buffer.
///
/// Neither `SO_REUSEADDR` nor `SO_REUSEPORT` is set: a UDP port is free the moment its process is gone, and a second
/// process that took the same port would take the first one's audio.
pub(super) fn bind(address: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // What the kernel does not grant is no reason to record nothing.
    if let Err(error) = socket.set_recv_buffer_size(receive_buffer) {
        tracing::warn!(%error, receive_buffer, "cannot enlarge the RTP socket's receive buffer");
    }
    // The kernel reports twice of what it grants (socket(7)).
    let granted = socket.recv_buffer_size()? / 2;
    if granted < receive_buffer {
        tracing::info!(asked = receive_buffer, granted, "smaller RTP receive buffer; see net.core.rmem_max");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Names a socket in the kernel's tables.
pub(super) fn inode(socket: &UdpSocket) -> Option<u64> {
    fstat(socket).ok().map(|status| status.st_ino)
}

/// Datagrams that the kernel dropped for want of room in these sockets' buffers.
pub(super) fn drops(inodes: &[u64]) -> u64 {
    ["/proc/self/net/udp", "/proc/self/net/udp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .map(|table| drops_in(&table, inodes))
        .sum()
}

/// The tenth column of `/proc/net/udp` is the inode, the last the drops.
fn drops_in(table: &str, inodes: &[u64]) -> u64 {
    table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let inode: u64 = columns.nth(9)?.parse().ok()?;
            let drops: u64 = columns.next_back()?.parse().ok()?;
            inodes.contains(&inode).then_some(drops)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_the_kernels_table() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 123: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 17\n\
            \x20 124: 0100007F:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4712 2 0000000000000000 5\n";
        assert_eq!(drops_in(table, &[4711]), 17);
        assert_eq!(drops_in(table, &[4711, 4712]), 22);
        assert_eq!(drops_in("nonsense\n1 2 3\n", &[1]), 0);
    }

    #[test]
    fn a_socket_that_overflows_says_so() {
        let receiver = bind("127.0.0.1:0".parse().expect("an address"), 4_096).expect("bound");
        let inode = inode(&receiver).expect("an inode");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let to = receiver.local_addr().expect("an address");
        for _ in 0..500 {
            sender.send_to(&[0; 172], to).expect("sent");
        }
        assert!(drops(&[inode]) > 0);
    }

    #[test]
    fn a_port_has_one_owner_and_is_free_at_once_after_it() {
        let first = bind("127.0.0.1:0".parse().expect("an address"), 1 << 20).expect("bound");
        let address = first.local_addr().expect("an address");
        assert_eq!(bind(address, 1 << 20).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
        drop(first);
        bind(address, 1 << 20).expect("free");
    }
}
