//! Ordered delivery per ordering key; a message without a key has a queue of its own.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::SecondsFormat;
use serde_json::json;
use tokio::sync::mpsc;

use super::{FakePubSub, Message, Subscription};

/// Every n-th acknowledgement is lost, so that an earlier message and the following ones are redelivered.
const LOST_ACK_INTERVAL: u64 = 7;

/// Appends a message to the queue of its key.
pub(super) fn push(fake: &FakePubSub, subscription: &Arc<Subscription>, message: Message) {
    let key = if subscription.ordered && !message.ordering_key.is_empty() {
        message.ordering_key.clone()
    } else {
        message.id.to_string()
    };
    let mut queues = subscription.queues.lock().unwrap();
    let queue = queues.entry(key).or_insert_with(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(run(fake.clone(), subscription.clone(), receiver));
        sender
    });
    queue.send(message).unwrap();
}

async fn run(
    fake: FakePubSub,
    subscription: Arc<Subscription>,
    mut receiver: mpsc::UnboundedReceiver<Message>,
) {
    let mut acknowledged: Vec<Message> = Vec::new();
    while let Some(message) = receiver.recv().await {
        if deliver(&fake, &subscription, &message).await {
            acknowledged.push(message);
        }
        if fake.pushes().is_multiple_of(LOST_ACK_INTERVAL) {
            for message in &acknowledged[acknowledged.len().saturating_sub(3)..] {
                deliver(&fake, &subscription, message).await;
            }
        }
    }
}

/// Retries until acknowledged (true) or given up (false).
async fn deliver(fake: &FakePubSub, subscription: &Subscription, message: &Message) -> bool {
    let mut attempt: u32 = 0;
    loop {
        attempt += 1;
        if send(fake, subscription, message, attempt).await {
            return true;
        }
        if let Some((topic, max_attempts)) = &subscription.dead_letters
            && attempt >= *max_attempts
        {
            let mut dead = message.clone();
            for (name, value) in [
                (
                    "CloudPubSubDeadLetterSourceDeliveryCount",
                    attempt.to_string(),
                ),
                (
                    "CloudPubSubDeadLetterSourceSubscription",
                    subscription.name.clone(),
                ),
            ] {
                dead.attributes.insert(name.to_owned(), value);
            }
            fake.publish(topic, dead)
                .expect("the dead-letter topic does not exist");
            return false;
        }
        let (min_backoff, max_backoff) = subscription.retry;
        let backoff = min_backoff.saturating_mul(2_u32.saturating_pow(attempt - 1));
        tokio::time::sleep(backoff.min(max_backoff)).await;
    }
}

/// Pushes a message; whether it was acknowledged.
async fn send(
    fake: &FakePubSub,
    subscription: &Subscription,
    message: &Message,
    attempt: u32,
) -> bool {
    fake.inner.pushes.fetch_add(1, Ordering::SeqCst);
    let now = fake.inner.clock.now();
    let token = fake.inner.issuer.sign(&json!({
        "iss": fake.inner.issuer.url(), "aud": subscription.audience, "azp": "113", "sub": "113",
        "email": subscription.account, "email_verified": true,
        "iat": now.timestamp(), "exp": now.timestamp() + 3_600,
    }));
    let (id, time) = (
        message.id.to_string(),
        now.to_rfc3339_opts(SecondsFormat::Millis, true),
    );
    let mut body = json!({
        "message": {
            "data": STANDARD.encode(&message.data), "attributes": message.attributes,
            "messageId": id, "message_id": id, "publishTime": time, "publish_time": time,
            "orderingKey": message.ordering_key,
        },
        "subscription": subscription.name,
    });
    if subscription.dead_letters.is_some() {
        body["deliveryAttempt"] = json!(attempt);
    }
    let request = fake
        .inner
        .http
        .post(&subscription.endpoint)
        .header("content-type", "application/json")
        .header("user-agent", "CloudPubSub-Google")
        .bearer_auth(token)
        .timeout(subscription.ack_deadline)
        .body(body.to_string());
    if let Ok(response) = request.send().await {
        matches!(response.status().as_u16(), 102 | 200 | 201 | 202 | 204)
    } else {
        // The endpoint is unreachable: no immediate retry.
        tokio::time::sleep(Duration::from_millis(20)).await;
        false
    }
}
