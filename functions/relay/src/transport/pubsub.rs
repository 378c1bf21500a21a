//! Google Pub/Sub: one topic per function, with the aggregate as the ordering key. Google pushes to the function with its own
//! retries, and publishes messages that are refused too often to a dead-letter topic, whose subscription pushes to
//! `POST /internal/dead-letters`.

use std::{collections::HashMap, sync::Mutex, sync::PoisonError};

use events::{
    Envelope,
    push::{self, FUNCTION},
};
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::{
    client::{BasePublisher, Publisher},
    model::Message,
};
use tokio::sync::OnceCell;

use super::Transport;
use crate::DeliveryOutcome;

/// Publishes to the topics of the functions.
#[derive(Debug)]
pub struct PubSub {
    /// `projects/<project>/topics/<prefix>`, to which the function's name is appended.
    topic_prefix: String,
    /// An endpoint other than Google's, used without credentials.
    endpoint: Option<String>,
    client: OnceCell<BasePublisher>,
    publishers: Mutex<HashMap<String, Publisher>>,
}

impl PubSub {
    /// A client that authenticates as the service account of this process and connects at the first event.
    pub fn new(topic_prefix: &str) -> Self {
        Self {
            topic_prefix: topic_prefix.to_owned(),
            endpoint: None,
            client: OnceCell::new(),
            publishers: Mutex::default(),
        }
    }

    /// A client of a fake Pub/Sub at this address, for tests.
    pub fn with_endpoint(address: &str, topic_prefix: &str) -> Self {
        Self {
            endpoint: Some(address.to_owned()),
            ..Self::new(topic_prefix)
        }
    }

    async fn publisher(&self, function: &str) -> Result<Publisher, String> {
        let connect = || async {
            let builder = BasePublisher::builder();
            let builder = match &self.endpoint {
                Some(address) => builder
                    .with_endpoint(address.clone())
                    .with_credentials(anonymous::Builder::new().build()),
                None => builder,
            };
            builder.build().await
        };
        let client = self.client.get_or_try_init(connect).await;
        let client = client.map_err(|error| error.to_string())?;
        let mut publishers = self
            .publishers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let topic = || {
            client
                .publisher(format!("{}{function}", self.topic_prefix))
                .build()
        };
        Ok(publishers
            .entry(function.to_owned())
            .or_insert_with(topic)
            .clone())
    }

    async fn publish(&self, function: &str, event: &Envelope) -> Result<(), String> {
        let publisher = self.publisher(function).await?;
        let key = push::ordering_key(event);
        let message = Message::new()
            .set_data(event.to_json())
            .set_attributes([
                ("type", event.r#type.clone()),
                ("tenantid", event.tenant.to_string()),
                (FUNCTION, function.to_owned()),
            ])
            .set_ordering_key(key.clone());
        match publisher.publish(message).await {
            Ok(_id) => Ok(()),
            Err(error) => {
                // After an error the client pauses the ordering key. The outbox keeps the order, so resume at once.
                publisher.resume_publish(key);
                Err(error.to_string())
            }
        }
    }
}

impl Transport for PubSub {
    const IS_BUS: bool = true;

    async fn deliver(&self, function: &str, event: &Envelope, _attempt: i32) -> DeliveryOutcome {
        match self.publish(function, event).await {
            Ok(()) => DeliveryOutcome::Delivered,
            Err(reason) => DeliveryOutcome::Unreachable(reason),
        }
    }
}
