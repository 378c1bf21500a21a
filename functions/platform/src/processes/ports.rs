//! Assigns a port to each process.

use std::{collections::BTreeMap, net::TcpListener};

use super::LOOPBACK;

/// Returns the first run of consecutive free ports after the proxy's, one for each name. The result is stable between starts.
pub fn find_free_ports(
    proxy: u16,
    names: impl Iterator<Item = &'static str> + Clone,
) -> Result<BTreeMap<&'static str, u16>, String> {
    let mut previous = proxy;
    while let Some(first) = previous.checked_add(1) {
        let ports = (first..=u16::MAX).zip(names.clone());
        let row: Vec<_> = ports.map(|(port, name)| (name, port)).collect();
        // Binds all of them at the same time, so that no port counts twice.
        let listeners: Result<Vec<_>, _> = row
            .iter()
            .map(|(_, port)| TcpListener::bind((LOOPBACK, *port)))
            .collect();
        if listeners.is_ok() && row.len() == names.clone().count() {
            return Ok(row.into_iter().collect());
        }
        previous = row.last().map_or(u16::MAX, |(_, port)| *port);
    }
    Err(format!("no free ports after {proxy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_a_taken_port_is_skipped() {
        let taken = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let ports = find_free_ports(port - 2, ["one", "two", "three"].into_iter()).unwrap();
        assert!(ports.values().all(|free| *free > port), "{ports:?}");
        assert_eq!(ports["two"], ports["one"] + 1);
    }

    #[test]
    fn there_are_no_ports_after_the_last_one() {
        assert!(find_free_ports(u16::MAX, ["one"].into_iter()).is_err());
        assert!(find_free_ports(u16::MAX - 1, ["one", "two"].into_iter()).is_err());
    }
}
