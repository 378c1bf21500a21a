//! Device fingerprints, and descriptions of devices for emails.

use access::opaque::sha256;

/// Programs by a part of their `User-Agent`. The first match wins, because most also claim to be others.
const PROGRAMS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: [(&str, &str); 6] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// A fingerprint that stays the same at the next sign-in. Digits are ignored, so that an updated program is not a new one.
pub(crate) fn fingerprint(user_agent: Option<&str>, device_name: Option<&str>) -> [u8; 32] {
    let program: String = user_agent
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '_'))
        .collect();
    let name = device_name.unwrap_or_default();
    sha256(format!("{program}\n{name}").as_bytes())
}

/// A description of the device from a fixed set of words, because the `User-Agent` is untrusted.
pub(crate) fn describe(user_agent: Option<&str>) -> String {
    let text = user_agent.unwrap_or_default();
    let find = |list: &[(&str, &'static str)]| {
        let mut list = list.iter();
        list.find(|(part, _)| text.contains(part))
            .map(|(_, word)| *word)
    };
    let found: Vec<&str> = [find(&PROGRAMS), find(&SYSTEMS)]
        .into_iter()
        .flatten()
        .collect();
    if found.is_empty() {
        "?".to_owned()
    } else {
        found.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    #[test]
    fn an_updated_program_is_the_same_device_and_another_one_is_new() {
        let newer = FIREFOX.replace("140", "141");
        assert_eq!(
            fingerprint(Some(FIREFOX), None),
            fingerprint(Some(&newer), None)
        );
        let others = [
            fingerprint(Some("curl/8.5.0"), None),
            fingerprint(Some(FIREFOX), Some("Kitchen")),
            fingerprint(None, None),
        ];
        for other in others {
            assert_ne!(fingerprint(Some(FIREFOX), None), other);
        }
    }

    #[test]
    fn a_device_is_described_with_known_words_only() {
        for (user_agent, called) in [
            (FIREFOX, "Firefox, Linux"),
            ("curl/8.5.0", "curl"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0",
                "Edge, Windows",
            ),
            ("visit https://evil.example", "?"),
        ] {
            assert_eq!(describe(Some(user_agent)), called);
        }
        assert_eq!(describe(None), "?");
    }
}
