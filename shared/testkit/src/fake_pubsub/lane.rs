//! The pushes of one ordering key, one after the other; a message without a key has a lane of its own.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::SecondsFormat;
use serde_json::json;
use tokio::sync::mpsc;

use super::{FakePubSub, Message, Subscription};

/// Of every so many acknowledgements one is lost: two messages back, so that one comes again, and those behind it.
const LOST: u64 = 7;

/// Puts a message behind those of its key.
pub(super) fn put(fake: &FakePubSub, subscription: &Arc<Subscription>, message: Message) {
    let key = if subscription.ordered && !message.ordering_key.is_empty() {
        message.ordering_key.clone()
    } else {
        message.id.to_string()
    };
    let mut lanes = subscription.lanes.lock().unwrap();
    let lane = lanes.entry(key).or_insert_with(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(run(fake.clone(), subscription.clone(), receiver));
        sender
    });
    lane.send(message).unwrap();
}

async fn run(
    fake: FakePubSub,
    subscription: Arc<Subscription>,
    mut receiver: mpsc::UnboundedReceiver<Message>,
) {
    let mut acknowledged: Vec<Message> = Vec::new();
    while let Some(message) = receiver.recv().await {
        if bring(&fake, &subscription, &message).await {
            acknowledged.push(message);
        }
        if fake.pushes().is_multiple_of(LOST) {
            for message in &acknowledged[acknowledged.len().saturating_sub(3)..] {
                bring(&fake, &subscription, message).await;
            }
        }
    }
}

/// Until it is acknowledged (true) or given up.
async fn bring(fake: &FakePubSub, subscription: &Subscription, message: &Message) -> bool {
    let mut attempt: u32 = 0;
    loop {
        attempt += 1;
        if push(fake, subscription, message, attempt).await {
            return true;
        }
        if let Some((topic, most)) = &subscription.dead_letters
            && attempt >= *most
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
            fake.take(topic, dead)
                .expect("there is no dead-letter topic");
            return false;
        }
        let (least, longest) = subscription.retry;
        let wait = least.saturating_mul(2_u32.saturating_pow(attempt - 1));
        tokio::time::sleep(wait.min(longest)).await;
    }
}

/// Whether it was acknowledged.
async fn push(
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
    match request.send().await {
        Ok(answer) => matches!(answer.status().as_u16(), 102 | 200 | 201 | 202 | 204),
        Err(_) => {
            // Nobody there: it does not come again at once.
            tokio::time::sleep(Duration::from_millis(20)).await;
            false
        }
    }
}
