# A topic and a push subscription for each subscribing function: events of an aggregate stay in order across event types,
# and a failing function does not delay others.

resource "google_pubsub_topic" "events" {
  for_each = var.listeners

  name = "${var.prefix}-events-${each.key}"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_subscription" "events" {
  for_each = var.listeners

  name                    = "${var.prefix}-events-${each.key}"
  topic                   = google_pubsub_topic.events[each.key].id
  enable_message_ordering = true
  # The function has 10 s to respond, its consumers 5.
  ack_deadline_seconds       = 30
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = "" # never, however long nothing is said
  }

  push_config {
    push_endpoint = "${each.value.url}/internal/events"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = var.audience
    }
  }

  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = var.max_delivery_attempts
  }

  depends_on = [google_service_account_iam_member.push]
}

# Events that a function rejected in all attempts. A topic without a subscription would lose them.
resource "google_pubsub_topic" "dead" {
  name = "${var.prefix}-dead-letters"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

# The relay stores them for operators; until then they stay here, up to a month.
resource "google_pubsub_subscription" "dead" {
  name                       = "${var.prefix}-dead-letters"
  topic                      = google_pubsub_topic.dead.id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }

  push_config {
    push_endpoint = "${var.relay_url}/internal/dead-letters"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = var.audience
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  depends_on = [google_service_account_iam_member.push]
}
