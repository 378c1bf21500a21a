//! A port for each process.

use std::{collections::BTreeMap, net::TcpListener};

use super::LOOPBACK;

/// The first row of free ports behind the proxy's, one a name: what listens where stays the same from start to start.
pub fn free_behind(
    proxy: u16,
    names: impl Iterator<Item = &'static str> + Clone,
) -> Result<BTreeMap<&'static str, u16>, String> {
    let mut begin = proxy;
    while let Some(first) = begin.checked_add(1) {
        let ports = (first..=u16::MAX).zip(names.clone());
        let row: Vec<_> = ports.map(|(port, name)| (name, port)).collect();
        // All at once, so that none is counted twice.
        let held: Result<Vec<_>, _> = row
            .iter()
            .map(|(_, port)| TcpListener::bind((LOOPBACK, *port)))
            .collect();
        if held.is_ok() && row.len() == names.clone().count() {
            return Ok(row.into_iter().collect());
        }
        begin = row.last().map_or(u16::MAX, |(_, port)| *port);
    }
    Err(format!("there are no free ports behind {proxy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_a_taken_port_is_passed_over() {
        let taken = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let ports = free_behind(port - 2, ["one", "two", "three"].into_iter()).unwrap();
        assert!(ports.values().all(|free| *free > port), "{ports:?}");
        assert_eq!(ports["two"], ports["one"] + 1);
    }

    #[test]
    fn nothing_is_behind_the_last_port() {
        assert!(free_behind(u16::MAX, ["one"].into_iter()).is_err());
        assert!(free_behind(u16::MAX - 1, ["one", "two"].into_iter()).is_err());
    }
}
