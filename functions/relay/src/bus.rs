//! Selects how events reach the functions: over HTTP, or over a bus that queues them.

use web::settings::SecretString;

/// The bus of this process.
#[derive(Clone, Debug)]
pub enum Bus {
    /// From the outbox directly to the functions over HTTP.
    Http,
    /// Over RabbitMQ at this address.
    RabbitMq(SecretString),
    /// Over Google Pub/Sub, to topics with this prefix.
    #[cfg(feature = "gcp")]
    PubSub(String),
}

impl Bus {
    /// Parses `REVALENZ_BUS`, `REVALENZ_AMQP_URL` and `REVALENZ_PUBSUB_TOPICS`.
    pub fn parse(
        name: &str,
        amqp_url: Option<&SecretString>,
        topics: Option<&str>,
    ) -> Result<Self, String> {
        match (name, amqp_url) {
            ("http", _) => Ok(Self::Http),
            ("pubsub", _) => Self::parse_pubsub(topics),
            ("rabbitmq", Some(url)) if url.expose().starts_with("amqp://") => {
                Ok(Self::RabbitMq(url.clone()))
            }
            ("rabbitmq", Some(_)) => Err(
                "REVALENZ_AMQP_URL must start with amqp:// (plain AMQP over a private network)"
                    .into(),
            ),
            ("rabbitmq", None) => Err("REVALENZ_BUS=rabbitmq requires REVALENZ_AMQP_URL".into()),
            _ => Err(format!(
                "REVALENZ_BUS must be http, rabbitmq or pubsub, not {name:?}"
            )),
        }
    }

    #[cfg(feature = "gcp")]
    fn parse_pubsub(topics: Option<&str>) -> Result<Self, String> {
        match topics {
            Some(topics) if topics.starts_with("projects/") && topics.contains("/topics/") => {
                Ok(Self::PubSub(topics.to_owned()))
            }
            _ => Err("REVALENZ_BUS=pubsub requires REVALENZ_PUBSUB_TOPICS: projects/<project>/topics/<prefix>".into()),
        }
    }

    #[cfg(not(feature = "gcp"))]
    fn parse_pubsub(_topics: Option<&str>) -> Result<Self, String> {
        Err("REVALENZ_BUS=pubsub requires a relay built with --features gcp".into())
    }

    /// Whether this process calls the functions itself and so must know their addresses.
    pub fn needs_function_urls(&self) -> bool {
        matches!(self, Self::Http | Self::RabbitMq(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_needs_its_settings_and_errors_hide_the_password() {
        let url = SecretString::new("amqp://u:p@127.0.0.1/x");
        let with_tls = SecretString::new("amqps://u:p@127.0.0.1/x");
        assert!(matches!(Bus::parse("http", None, None), Ok(Bus::Http)));
        assert!(matches!(
            Bus::parse("rabbitmq", Some(&url), None),
            Ok(Bus::RabbitMq(_))
        ));
        for (name, url) in [
            ("rabbitmq", None),
            ("rabbitmq", Some(&with_tls)),
            ("kafka", None),
            ("", Some(&url)),
            ("pubsub", None),
        ] {
            let error = Bus::parse(name, url, None).unwrap_err();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
