//! Google Pub/Sub: a topic a function, the aggregate as the ordering key. Google pushes to the function by itself, again and
//! again with its own waits, and puts what is refused too often into a dead-letter topic, which comes back to
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
use crate::Delivery;

/// Publishes to the topics of the functions.
#[derive(Debug)]
pub struct PubSub {
    /// `projects/<project>/topics/<prefix>`; the function's name comes behind it.
    topics: String,
    /// Somewhere else than at Google, without credentials.
    stand_in: Option<String>,
    client: OnceCell<BasePublisher>,
    publishers: Mutex<HashMap<String, Publisher>>,
}

impl PubSub {
    /// To Google, as the service account of this process. Nothing is asked before the first event.
    pub fn new(topics: &str) -> Self {
        Self {
            topics: topics.to_owned(),
            stand_in: None,
            client: OnceCell::new(),
            publishers: Mutex::default(),
        }
    }

    /// To somebody who stands in for Google at this address: in tests.
    pub fn at(address: &str, topics: &str) -> Self {
        Self {
            stand_in: Some(address.to_owned()),
            ..Self::new(topics)
        }
    }

    async fn publisher(&self, function: &str) -> Result<Publisher, String> {
        let connect = || async {
            let builder = BasePublisher::builder();
            let builder = match &self.stand_in {
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
                .publisher(format!("{}{function}", self.topics))
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
                // The client holds back what follows until it is told that somebody knows; here the outbox does.
                publisher.resume_publish(key);
                Err(error.to_string())
            }
        }
    }
}

impl Transport for PubSub {
    const HANDS_ON: bool = true;

    async fn deliver(&self, function: &str, event: &Envelope, _attempt: i32) -> Delivery {
        match self.publish(function, event).await {
            Ok(()) => Delivery::Delivered,
            Err(reason) => Delivery::Unreachable(reason),
        }
    }
}
