//! inet and cidr: an address and its prefix length (`network_send`). Abbreviated networks are rejected as replacements.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const INET: u8 = 2;
/// PGSQL_AF_INET6, which is the same on every platform.
const INET6: u8 = 3;

pub(super) fn read(cidr: bool, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let [family, bits, flag, length, address @ ..] = value else {
        return None;
    };
    if usize::from(*length) != address.len() || *flag != u8::from(cidr) {
        return None;
    }
    let width = match (*family, address.len()) {
        (INET, 4) => {
            write!(out, "{}", Ipv4Addr::from(*address.first_chunk::<4>()?)).ok()?;
            32
        }
        (INET6, 16) => {
            write_v6(Ipv6Addr::from(*address.first_chunk::<16>()?), out)?;
            128
        }
        _ => return None,
    };
    if *bits > width {
        return None;
    }
    if cidr || *bits != width {
        write!(out, "/{bits}").ok()?;
    }
    Some(())
}

/// PostgreSQL also prints the last 32 bits in dotted form after exactly six zero words; the standard library does not.
fn write_v6(address: Ipv6Addr, out: &mut Vec<u8>) -> Option<()> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => write!(
            out,
            "::{}",
            Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
        )
        .ok(),
        _ => write!(out, "{address}").ok(),
    }
}

pub(super) fn encode(cidr: bool, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) if bits.starts_with('+') => return None,
        Some(bits) => bits.parse::<u8>().ok().filter(|bits| *bits <= width)?,
        None => width,
    };
    if cidr && has_host_bits(address, bits) {
        return None;
    }
    let family = if address.is_ipv4() { INET } else { INET6 };
    out.extend_from_slice(&[family, bits, u8::from(cidr), width / 8]);
    match address {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
    Some(())
}

/// A cidr is a network: the bits to the right of its mask must be zero.
fn has_host_bits(address: IpAddr, bits: u8) -> bool {
    match address {
        IpAddr::V4(address) => address.to_bits().checked_shl(u32::from(bits)).unwrap_or(0) != 0,
        IpAddr::V6(address) => address.to_bits().checked_shl(u32::from(bits)).unwrap_or(0) != 0,
    }
}
