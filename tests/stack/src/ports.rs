//! Free ports on loopback.
//!
//! Single ports and RTP ranges are taken from below the kernel's range for outgoing connections, so that no
//! connection of this machine takes a port between the moment it is found and the moment it is used.
//! RTP ranges are claimed across processes: for as long as an [`RtpRange`] lives, the TCP port with the number of each of its blocks
//! is held, which nothing else wants and which the kernel gives back however the process ends.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Mutex;

use crate::error::{IoContext, Result, StackError};

/// Single ports come from here.
const SINGLE: RangeInclusive<u16> = 11_000..=19_999;
/// RTP ranges come from here, in blocks.
const RTP: RangeInclusive<u16> = 20_000..=31_999;
/// Ports per block of an RTP range.
const BLOCK: u16 = 1_000;

/// Ports that this process has handed out and not yet bound perhaps.
static HANDED_OUT: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// Finder of free ports.
#[derive(Debug, Clone, Copy)]
pub struct Ports;

impl Ports {
    /// A port of 127.0.0.1 that is free for TCP and for UDP, and that this process has not handed out before.
    pub fn free() -> Result<u16> {
        let (from, to) = (*SINGLE.start(), *SINGLE.end());
        let span = u32::from(to - from) + 1;
        // Processes that start together begin their search at different places.
        let start = seed()? % span;
        let mut guard = HANDED_OUT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let handed_out = guard.get_or_insert_with(HashSet::new);
        for step in 0..span {
            let port = from + u16::try_from((start + step) % span).unwrap_or(0);
            if !handed_out.contains(&port) && tcp_is_free(port) && udp_is_free(port) {
                handed_out.insert(port);
                return Ok(port);
            }
        }
        Err(StackError::NoFreePorts { wanted: 1, from, to })
    }

    /// The first of `count` consecutive ports that are all free and that this process has not handed out before.
    pub fn free_run(count: u16) -> Result<u16> {
        let (from, to) = (*SINGLE.start(), *SINGLE.end());
        let places = u32::from(to - from).saturating_sub(u32::from(count)) + 1;
        let start = seed()? % places;
        let mut guard = HANDED_OUT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let handed_out = guard.get_or_insert_with(HashSet::new);
        // Once round, what was handed out long ago is bound by now, or free again.
        for round in 0..2 {
            for step in 0..places {
                let first = from + u16::try_from((start + step) % places).unwrap_or(0);
                let mut run = first..first + count;
                if run.all(|port| !handed_out.contains(&port) && tcp_is_free(port) && udp_is_free(port)) {
                    handed_out.extend(first..first + count);
                    return Ok(first);
                }
            }
            if round == 0 {
                handed_out.clear();
            }
        }
        Err(StackError::NoFreePorts { wanted: count, from, to })
    }

    /// `count` consecutive ports for RTP, claimed until the returned value is dropped. `count` is rounded up to whole thousands.
    pub fn rtp(count: u16) -> Result<RtpRange> {
        let (from, to) = (*RTP.start(), *RTP.end());
        let wanted = count.div_ceil(BLOCK).max(1);
        let blocks = (to - from + 1) / BLOCK;
        let start = u16::try_from(seed()? % u32::from(blocks)).unwrap_or(0);
        for step in 0..blocks {
            let first_block = (start + step) % blocks;
            if first_block + wanted > blocks {
                continue;
            }
            let first = from + first_block * BLOCK;
            let claims: Option<Vec<TcpListener>> =
                (0..wanted).map(|block| TcpListener::bind(loopback(first + block * BLOCK)).ok()).collect();
            if let Some(claims) = claims {
                return Ok(RtpRange { first, last: first + wanted * BLOCK - 1, _claims: claims });
            }
        }
        Err(StackError::NoFreePorts { wanted: wanted * BLOCK, from, to })
    }

    /// An error that names `variable` unless `port` of 127.0.0.1 is free for TCP.
    pub fn require_tcp(port: u16, variable: &'static str) -> Result<()> {
        if tcp_is_free(port) { Ok(()) } else { Err(StackError::PortTaken { port, protocol: "tcp", variable }) }
    }

    /// An error that names `variable` unless `port` of 127.0.0.1 is free for UDP.
    pub fn require_udp(port: u16, variable: &'static str) -> Result<()> {
        if udp_is_free(port) { Ok(()) } else { Err(StackError::PortTaken { port, protocol: "udp", variable }) }
    }
}

/// A claimed range of ports for RTP.
#[derive(Debug)]
pub struct RtpRange {
    /// First port.
    pub first: u16,
    /// Last port, included.
    pub last: u16,
    _claims: Vec<TcpListener>,
}

fn loopback(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

fn tcp_is_free(port: u16) -> bool {
    TcpListener::bind(loopback(port)).is_ok()
}

fn udp_is_free(port: u16) -> bool {
    UdpSocket::bind(loopback(port)).is_ok()
}

fn seed() -> Result<u32> {
    let text = crate::files::random_hex(4)?;
    u32::from_str_radix(&text, 16).map_err(std::io::Error::other).context(|| "random number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_are_free() {
        let ports: HashSet<u16> = (0..50).map(|_| Ports::free().unwrap()).collect();
        assert_eq!(ports.len(), 50);
        for port in ports {
            assert!(SINGLE.contains(&port));
            TcpListener::bind(loopback(port)).unwrap();
        }
    }

    #[test]
    fn rtp_ranges_do_not_overlap_while_they_live() {
        let one = Ports::rtp(2_000).unwrap();
        let two = Ports::rtp(1).unwrap();
        assert_eq!(one.last - one.first, 1_999);
        assert_eq!(two.last - two.first, 999);
        assert!(two.last < one.first || two.first > one.last);
    }

    #[test]
    fn a_taken_port_is_named_with_its_variable() {
        let holder = TcpListener::bind(loopback(0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = Ports::require_tcp(port, "HTTP_PORT").unwrap_err().to_string();
        assert_eq!(
            error,
            format!("port {port}/tcp is taken: set HTTP_PORT to a free port, or stop the program that holds it")
        );
    }
}
