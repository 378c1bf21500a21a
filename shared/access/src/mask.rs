//! Masking of personal data.

use std::net::IpAddr;

/// `m•••@example.org`: the first letter and the host.
pub fn email(address: &str) -> String {
    match address.split_once('@') {
        Some((local, host)) => {
            let first = local.chars().next().map(String::from).unwrap_or_default();
            format!("{first}•••@{host}")
        }
        None => "•••".to_owned(),
    }
}

/// `•••42`: the last two digits.
pub fn phone(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let last: String = digits.iter().skip(digits.len().saturating_sub(2)).collect();
    if digits.len() < 5 {
        "•••".to_owned()
    } else {
        format!("•••{last}")
    }
}

/// `203.0.113.•••`: the network without the host; for IPv6 the first 48 bits.
pub fn address(text: &str) -> String {
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.•••")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:•••")
        }
        Err(_) => "•••".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn identifying_parts_are_masked() {
        assert_eq!(super::address("203.0.113.77"), "203.0.113.•••");
        assert_eq!(super::address("::ffff:203.0.113.77"), "203.0.113.•••");
        assert_eq!(super::address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:•••");
        assert_eq!(super::address("nowhere"), "•••");
        assert_eq!(super::email("maria@example.org"), "m•••@example.org");
        assert_eq!(super::email("no address"), "•••");
        assert_eq!(super::phone("+49 30 123 456 42"), "•••42");
        assert_eq!(super::phone("112"), "•••");
    }
}
